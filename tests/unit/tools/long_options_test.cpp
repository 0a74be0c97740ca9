// What people may write for an option, and what comes out of it.
#include "tools/long_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tools/expect_error.h"

using namespace cv;
using namespace cv::tools;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

const std::vector<OptionGroup> kTable{{"Options",
                                       {{'L', "size", "SIZE", ""},
                                        {'a', "activate", "y|n|ay", ""},
                                        {'v', "verbose", "", ""},
                                        {'y', "yes", "", ""},
                                        {0, "keyfile", "FILE", ""},
                                        {0, "keyfile-offset", "N", ""},
                                        {0, "names-from", "FILE", ""},
                                        {0, "noheadings", "", ""},
                                        {0, "no-ask-password", "", ""}}}};

PlainArguments parsed(std::vector<std::string> words) {
  return plain_arguments(words, kTable);
}

}  // namespace

TEST(LongOptions, AreFoundByAUniquePrefix) {
  EXPECT_THAT(parsed({"--siz", "1G"}).options, ElementsAre("--size=1G"));
  EXPECT_THAT(parsed({"--noh"}).options, ElementsAre("--noheadings"));
}

TEST(LongOptions, AreFoundWithExtraHyphensAndWithout) {
  EXPECT_THAT(parsed({"--key-file", "k"}).options, ElementsAre("--keyfile=k"));
  EXPECT_THAT(parsed({"--noaskpassword"}).options, ElementsAre("--no-ask-password"));
  EXPECT_THAT(parsed({"--name-s", "f"}).options, ElementsAre("--names-from=f"));
}

TEST(LongOptions, PreferAnExactNameToALongerOne) {
  EXPECT_THAT(parsed({"--keyfile=k"}).options, ElementsAre("--keyfile=k"));
}

TEST(LongOptions, AreRefusedWithTheCandidatesWhenAmbiguous) {
  test::expect_error(Errc::usage, "--keyfile, --keyfile-offset", [] { parsed({"--key", "k"}); });
  test::expect_error(Errc::usage, "--noheadings, --no-ask-password", [] { parsed({"--no"}); });
}

TEST(LongOptions, AreRefusedByNameWhenUnknown) {
  test::expect_error(Errc::usage, "--nonsense", [] { parsed({"--nonsense"}); });
  test::expect_error(Errc::usage, "-x", [] { parsed({"-x"}); });
  test::expect_error(Errc::usage, "-x", [] { parsed({"-vx"}); });
  test::expect_error(Errc::usage, "--", [] { parsed({"--="}); });
}

TEST(LongOptions, TakeAValueInEveryForm) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"-L1G"}, {"-L", "1G"}, {"--size", "1G"}, {"--size=1G"}, {"-vL1G"}, {"-vL", "1G"}}) {
    EXPECT_EQ(parsed(words).options.back(), "--size=1G") << words.front();
  }
}

TEST(LongOptions, TakeAValueThatBeginsWithAHyphen) {
  EXPECT_THAT(parsed({"-L", "-1G"}).options, ElementsAre("--size=-1G"));
  EXPECT_THAT(parsed({"-L-1G"}).options, ElementsAre("--size=-1G"));
  EXPECT_THAT(parsed({"--size", "-1G"}).options, ElementsAre("--size=-1G"));
  EXPECT_THAT(parsed({"--keyfile", "-"}).options, ElementsAre("--keyfile=-"));
}

TEST(LongOptions, TakeLvmsJoinedLetters) {
  EXPECT_THAT(parsed({"-ay"}).options, ElementsAre("--activate=y"));
  EXPECT_THAT(parsed({"-aay", "-an"}).options, ElementsAre("--activate=ay", "--activate=n"));
}

TEST(LongOptions, MayBeBundledAndRepeated) {
  EXPECT_THAT(parsed({"-vvy"}).options, ElementsAre("--verbose", "--verbose", "--yes"));
}

TEST(LongOptions, StandAnywhereAmongOperands) {
  const auto plain = parsed({"vg0", "-v", "pv", "--size", "1G", "-"});

  EXPECT_THAT(plain.options, ElementsAre("--verbose", "--size=1G"));
  EXPECT_THAT(plain.operands, ElementsAre("vg0", "pv", "-"));
}

TEST(LongOptions, EndAtTwoHyphens) {
  const auto plain = parsed({"-v", "--", "-v", "--size"});

  EXPECT_THAT(plain.options, ElementsAre("--verbose"));
  EXPECT_THAT(plain.operands, ElementsAre("-v", "--size"));
}

TEST(LongOptions, AreRefusedWithoutTheirValueOrWithOneTooMany) {
  test::expect_error(Errc::usage, "-L|--size", [] { parsed({"-L"}); });
  test::expect_error(Errc::usage, "--keyfile", [] { parsed({"--keyfile"}); });
  test::expect_error(Errc::usage, "--yes", [] { parsed({"--yes=maybe"}); });
}

TEST(LongOptions, TakeAnEmptyValue) {
  EXPECT_THAT(parsed({"--keyfile="}).options, ElementsAre("--keyfile="));
  EXPECT_THAT(parsed({""}).operands, ElementsAre(""));
  EXPECT_THAT(parsed({}).options, IsEmpty());
}
