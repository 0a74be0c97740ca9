// The words of a command line against the table of a command.
#include "tools/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tools/expect_error.h"
#include "tools/common_options.h"

using namespace cv;
using namespace cv::tools;
using testing::ElementsAre;

namespace {

const Command kCommand{.name = "cvtry",
                       .options = {{"Options", {kSize, kExtents, kName, kActivate, kKeyFileSize}}},
                       .min_operands = 1,
                       .max_operands = 2,
                       .operands = "a VG"};

Arguments parsed(std::vector<std::string> words) {
  return Arguments(kCommand, words);
}

}  // namespace

TEST(Arguments, AreFoundByTheOptionsOfTheTable) {
  const auto arguments = parsed({"-L", "1G", "-n", "a", "vg0", "-n", "b", "-vv"});

  EXPECT_EQ(arguments.text(kSize), "1G");
  EXPECT_THAT(arguments.texts(kName), ElementsAre("a", "b"));
  EXPECT_EQ(arguments.count(kVerbose), 2u);
  EXPECT_FALSE(arguments.has(kExtents));
  EXPECT_EQ(arguments.text(kActivate), std::nullopt);
  EXPECT_THAT(arguments.operands(), ElementsAre("vg0"));
}

TEST(Arguments, KeepValuesWordForWord) {
  const auto arguments = parsed({"--name=[a,b]", "--name", "{}", "--name= ", "[x]"});

  EXPECT_THAT(arguments.texts(kName), ElementsAre("[a,b]", "{}", " "));
  EXPECT_EQ(arguments.operand(0), "[x]");
}

TEST(Arguments, AnswerForOptionsThatTheCommandDoesNotOffer) {
  EXPECT_FALSE(parsed({"vg0"}).has(kKeyFile));
}

TEST(Arguments, RefuseAnOptionTwiceThatIsMeantOnce) {
  test::expect_error(Errc::usage, "--size is given 2 times", [] { parsed({"-L1", "-L2", "vg0"}); });
}

TEST(Arguments, RefuseAChoiceThatIsNone) {
  EXPECT_EQ(parsed({"-ay", "vg0"}).text(kActivate), "y");
  test::expect_error(Errc::usage, "y, n, ay", [] { parsed({"-a", "maybe", "vg0"}); });
}

TEST(Arguments, RefuseTooFewAndTooManyOperands) {
  test::expect_error(Errc::usage, "cvtry needs a VG", [] { parsed({}); });
  test::expect_error(Errc::usage, "a VG, not 3", [] { parsed({"a", "b", "c"}); });
}

TEST(Arguments, DontMissOperandsWhereHelpIsWanted) {
  EXPECT_TRUE(parsed({"--help"}).has(kHelp));
}

TEST(Arguments, ReadNumbersExactly) {
  EXPECT_EQ(parsed({"--keyfile-size", "18446744073709551615", "vg0"}).number(kKeyFileSize), UINT64_MAX);
  for (const char* bad : {"1x", "", "-1", "0x10", "1.5", " 1"}) {
    test::expect_error(Errc::usage, "keyfile-size", [&] {
      parsed({"--keyfile-size", bad, "vg0"}).number(kKeyFileSize);
    });
  }
  test::expect_error(Errc::usage, "at most 100", [] {
    parsed({"--keyfile-size", "101", "vg0"}).number(kKeyFileSize, 100);
  });
  test::expect_error(Errc::usage, "at most", [] {
    parsed({"--keyfile-size", "18446744073709551616", "vg0"}).number(kKeyFileSize);
  });
}

TEST(Arguments, NameBothOfTwoThatExcludeEachOther) {
  const auto arguments = parsed({"-L1", "-l1", "vg0"});

  test::expect_error(Errc::usage, "-L|--size and -l|--extents", [&] { arguments.exclude(kSize, kExtents); });
}
