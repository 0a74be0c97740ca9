// Sizes as people type and read them.
#include "tools/sizes.h"

#include <gtest/gtest.h>

#include "tests/unit/tools/expect_error.h"

using namespace cv;
using namespace cv::tools;
using namespace cv::literals;

TEST(Size, IsInMebibytesWithoutASuffix) {
  EXPECT_EQ(parse_size("12"), 12_MiB);
}

TEST(Size, HasLvmsSuffixesInEitherCase) {
  EXPECT_EQ(parse_size("7b"), 7_B);
  EXPECT_EQ(parse_size("3S"), Bytes(1536));
  EXPECT_EQ(parse_size("1k"), 1_KiB);
  EXPECT_EQ(parse_size("1K"), 1_KiB);
  EXPECT_EQ(parse_size("1G"), 1024_MiB);
  EXPECT_EQ(parse_size("1t"), 1024_MiB * 1024);
  EXPECT_EQ(parse_size("1p").n, std::uint64_t{1} << 50);
  EXPECT_EQ(parse_size("15e").n, std::uint64_t{15} << 60);
}

TEST(Size, IsExactInItsFraction) {
  EXPECT_EQ(parse_size("1.5g"), 1536_MiB);
  EXPECT_EQ(parse_size(".5k"), 512_B);
  EXPECT_EQ(parse_size("2."), 2_MiB);
  // 2^60 / 10, rounded up; a double would give ...704.
  EXPECT_EQ(parse_size("0.1e").n, 115292150460684698u);
  EXPECT_EQ(parse_size("0.000000000000000001e"), 2_B);
  // Exactly 3 * 2^57 with all its digits, and a hair more.
  EXPECT_EQ(parse_size("0.375e").n, std::uint64_t{3} << 57);
  EXPECT_EQ(parse_size("0.37500000000000000000000000000001e").n, (std::uint64_t{3} << 57) + 1);
}

TEST(Size, RoundsTheRestOfAByteUp) {
  EXPECT_EQ(parse_size("0.3b"), 1_B);
  EXPECT_EQ(parse_size("1.0b"), 1_B);
}

TEST(Size, IsRefusedWhereItIsNone) {
  for (const char* bad :
       {"", "m", ".", "1x", "1mm", "1 m", "-1", "+1", "0x10", "1e3", "1,5g", "1.5.5g", "twelve"}) {
    test::expect_error(Errc::bad_size, "no size", [&] { parse_size(bad); });
  }
}

TEST(Size, IsRefusedWhereItDoesNotFit) {
  for (const char* bad :
       {"16e", "16777216E", "99999999999999999999", "18446744073709551616b", "15.99999999999999999999999e"}) {
    test::expect_error(Errc::bad_size, bad, [&] { parse_size(bad); });
  }
}

TEST(SizeArgument, HasASign) {
  EXPECT_EQ(parse_size_argument("-1G"), (SizeArgument{Sign::minus, 1024_MiB}));
  EXPECT_EQ(parse_size_argument("+1"), (SizeArgument{Sign::plus, 1_MiB}));
  EXPECT_EQ(parse_size_argument("1"), (SizeArgument{Sign::none, 1_MiB}));
}

TEST(SizeArgument, IsNotZero) {
  test::expect_error(Errc::bad_size, "size '0' is zero", [] { parse_size_argument("0"); });
  test::expect_error(Errc::bad_size, "no size", [] { parse_size_argument("+-1"); });
}

TEST(ExtentsArgument, IsANumberOrAPercentage) {
  EXPECT_EQ(parse_extents_argument("100"), (ExtentsArgument{Sign::none, 100, PercentOf::nothing}));
  EXPECT_EQ(parse_extents_argument("100%FREE"), (ExtentsArgument{Sign::none, 100, PercentOf::free}));
  EXPECT_EQ(parse_extents_argument("+50%vg"), (ExtentsArgument{Sign::plus, 50, PercentOf::vg}));
  EXPECT_EQ(parse_extents_argument("-3%P"), (ExtentsArgument{Sign::minus, 3, PercentOf::pvs}));
  EXPECT_EQ(parse_extents_argument("10%LV"), (ExtentsArgument{Sign::none, 10, PercentOf::lv}));
}

TEST(ExtentsArgument, IsRefusedWhereItIsNone) {
  for (const char* bad :
       {"", "%FREE", "1.5", "10%", "10%NONE", "10m", "0", "4294967296", "99999999999999999999"}) {
    test::expect_error(Errc::bad_size, "", [&] { parse_extents_argument(bad); });
  }
}

TEST(PercentOf, RoundsDownAndDoesNotOverflow) {
  EXPECT_EQ(percent_of(50, Extents(31)), Extents(15));
  EXPECT_EQ(percent_of(100, Extents(UINT64_MAX)), Extents(UINT64_MAX));
  EXPECT_EQ(percent_of(UINT32_MAX, Extents(0)), Extents(0));
}

TEST(ShownSize, IsAsLvmShowsIt) {
  EXPECT_EQ(format_size(12_MiB), "12.00m");
  EXPECT_EQ(format_size(1024_MiB * 20), "20.00g");
  EXPECT_EQ(format_size(Bytes(1536)), "1.50k");
  EXPECT_EQ(format_size(Bytes(512)), "512B");
  EXPECT_EQ(format_size(Bytes(0)), "0");
}

TEST(ShownSize, SaysWhereItWasRoundedUp) {
  EXPECT_EQ(format_size(2043_MiB), "<2.00g");
  EXPECT_EQ(format_size(2043_MiB, parse_units("h")), "2.00g");
  EXPECT_EQ(format_size(2049_MiB), "2.00g");
}

TEST(ShownSize, HasTheUnitThatIsWanted) {
  EXPECT_EQ(format_size(12_MiB, parse_units("s")), "24576S");
  EXPECT_EQ(format_size(12_MiB, parse_units("b")), "12582912B");
  EXPECT_EQ(format_size(12_MiB, parse_units("k")), "12288.00k");
  EXPECT_EQ(format_size(Bytes(1500000), parse_units("M")), "1.50M");
  EXPECT_EQ(format_size(12_MiB, parse_units("4m")), "3.00U");
  EXPECT_EQ(format_size(Bytes(0), parse_units("s")), "0S");
}

TEST(ShownSize, LosesItsSuffixWhereTheUnitIsKnown) {
  EXPECT_EQ(format_size(12_MiB, parse_units("k"), false), "12288.00");
  EXPECT_EQ(format_size(12_MiB, parse_units("r"), false), "12.00m");
  EXPECT_EQ(format_size(Bytes(0), parse_units("b"), false), "0");
}

TEST(Unit, IsRefusedWhereItIsNone) {
  for (const char* bad : {"", "x", "mm", "0m", "4r", "4", "99999999999999999999e", "16e4"}) {
    test::expect_error(Errc::bad_size, "unit", [&] { parse_units(bad); });
  }
}
