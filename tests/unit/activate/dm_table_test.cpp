// Tables as text, and back.
#include "activate/dm_table.h"

#include <gtest/gtest.h>

#include "lib/base/bytes.h"

namespace cv::activate {

namespace {

HexKey some_key(std::size_t size = 32) {
  crypt::SecureBytes key(size);
  for (std::size_t i = 0; i < size; ++i) key.bytes()[i] = static_cast<std::byte>(0xa0 + i % 16);
  return {std::make_shared<const crypt::SecureBytes>(std::move(key))};
}

std::string params(const Target& target) {
  const auto text = target_params(target);
  EXPECT_EQ(text.bytes().back(), std::byte(0));
  return text.data();
}

CryptTarget crypt_target(TableKey key) {
  return {.cipher = "aes-xts-plain64",
          .key = std::move(key),
          .iv_offset = Sectors(1099511627776),
          .device = DeviceNumber{7, 2},
          .offset = Sectors(100352)};
}

}  // namespace

TEST(Table, IsWrittenAsTheKernelReadsIt) {
  EXPECT_EQ(params(LinearTarget{DeviceNumber{7, 0}, Sectors(2048)}), "7:0 2048");
  EXPECT_EQ(params(StripedTarget{Sectors(128),
                                 {{DeviceNumber{7, 0}, Sectors(1)}, {DeviceNumber{7, 1}, Sectors(2)}}}),
            "2 128 7:0 1 7:1 2");
  EXPECT_EQ(params(ErrorTarget{}), "");
  EXPECT_EQ(params(crypt_target(KeyringKey{64, "cv:abc"})),
            "aes-xts-plain64 :64:logon:cv:abc 1099511627776 7:2 100352");
}

TEST(Table, WritesAHexKeyInLowerCaseDigits) {
  const auto text = params(crypt_target(some_key(4)));

  EXPECT_EQ(text, "aes-xts-plain64 a0a1a2a3 1099511627776 7:2 100352");
}

TEST(Table, CountsTheOptionsOfACryptTarget) {
  auto target = crypt_target(KeyringKey{64, "cv:abc"});
  target.allow_discards = true;
  target.inline_workqueues = true;
  target.sector_bytes = 4096;

  EXPECT_EQ(params(target),
            "aes-xts-plain64 :64:logon:cv:abc 1099511627776 7:2 100352 "
            "4 allow_discards no_read_workqueue no_write_workqueue sector_size:4096");
}

TEST(Table, IsReadBackAsItWasWritten) {
  auto with_options = crypt_target(some_key());
  with_options.allow_discards = true;
  with_options.inline_workqueues = true;
  with_options.sector_bytes = 4096;
  const std::vector<Target> targets{
      LinearTarget{DeviceNumber{253, 7}, Sectors(0)},
      StripedTarget{Sectors(8), {{DeviceNumber{7, 0}, Sectors(1)}, {DeviceNumber{7, 1}, Sectors(2)}}},
      crypt_target(KeyringKey{64, "cv:with:colons"}),
      crypt_target(some_key()),
      with_options,
      ErrorTarget{},
      ZeroTarget{}};

  for (const auto& target : targets)
    EXPECT_EQ(parse_target(target_type(target), params(target)), target) << target_type(target);
}

TEST(Table, ThatHoldsWhatWeNeverWriteIsNotRead) {
  EXPECT_FALSE(parse_target("raid", "raid1 3 0 region_size 4096 2 7:0 7:1"));
  EXPECT_FALSE(parse_target("linear", "7:0"));
  EXPECT_FALSE(parse_target("linear", "/dev/sda 0"));
  EXPECT_FALSE(parse_target("linear", "7:0 0 more"));
  EXPECT_FALSE(parse_target("striped", "2 128 7:0 0"));
  EXPECT_FALSE(parse_target("striped", "99999999999999 128 7:0 0"));
  EXPECT_FALSE(parse_target("crypt", ""));
  EXPECT_FALSE(parse_target("crypt", "aes-xts-plain64 abc 0 7:0 0"));
  EXPECT_FALSE(parse_target("crypt", "aes-xts-plain64 zz 0 7:0 0"));
  EXPECT_FALSE(parse_target("crypt", "aes-xts-plain64 :64:user:x 0 7:0 0"));
  EXPECT_FALSE(parse_target("crypt", "aes-xts-plain64 aabb 0 7:0 0 1 iv_large_sectors"));
  EXPECT_FALSE(parse_target("crypt", "aes-xts-plain64 aabb 0 7:0 0 1 no_read_workqueue"));
  EXPECT_FALSE(parse_target("crypt", "aes-xts-plain64 aabb 0 7:0 0 2 allow_discards"));
}

TEST(Table, ShowsAPersonZerosInPlaceOfAKey) {
  const TableLine line{Sectors(0), Sectors(8192), crypt_target(some_key(4))};

  const auto text = masked_text(line);

  EXPECT_EQ(text, "0 8192 crypt aes-xts-plain64 00000000 1099511627776 7:2 100352");
}

TEST(Table, ShowsADeviceThatIsNotThereYetByItsName) {
  const TableLine line{Sectors(8), Sectors(16),
                       LinearTarget{DeviceBelow{"LVM-x", "vg0-tst_crdata"}, Sectors(3)}};

  EXPECT_EQ(masked_text(line), "8 16 linear vg0-tst_crdata 3");
}

TEST(Table, IsTheSameMappingWhicheverWayItNamesItsKey) {
  const Table hex{{Sectors(0), Sectors(8), crypt_target(some_key())}};
  const Table named{{Sectors(0), Sectors(8), crypt_target(KeyringKey{64, "cv:abc"})}};
  auto elsewhere = named;
  std::get<CryptTarget>(elsewhere[0].target).iv_offset = Sectors(8);

  EXPECT_TRUE(same_mapping(hex, named));
  EXPECT_FALSE(hex == named);
  EXPECT_FALSE(same_mapping(hex, elsewhere));
  EXPECT_FALSE(same_mapping(hex, {}));
}

TEST(Table, ComparesHexKeysByTheirBytes) {
  EXPECT_EQ(some_key(), some_key());
  EXPECT_FALSE(some_key(32) == some_key(16));
}

TEST(Table, ContinuesAnotherThatIsItsBeginning) {
  const auto linear = [](std::uint64_t start, std::uint64_t length, std::uint64_t offset) {
    return TableLine{Sectors(start), Sectors(length), LinearTarget{DeviceNumber{7, 0}, Sectors(offset)}};
  };
  const Table before{linear(0, 8, 100), linear(8, 8, 300)};

  EXPECT_TRUE(continues(before, before));
  EXPECT_TRUE(continues(before, {linear(0, 8, 100), linear(8, 16, 300)}));
  EXPECT_TRUE(continues(before, {linear(0, 8, 100), linear(8, 8, 300), linear(16, 8, 900)}));
  EXPECT_TRUE(continues({linear(0, 8, 100), linear(8, 8, 108)}, {linear(0, 16, 100)}));
  EXPECT_FALSE(continues(before, {linear(0, 8, 100)}));
  EXPECT_FALSE(continues(before, {linear(0, 8, 100), linear(8, 16, 301)}));
  EXPECT_FALSE(continues(before, {linear(0, 24, 100)}));
}

}  // namespace cv::activate
