#include "metadata/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/volume_group.h"

namespace cv::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string_view> status_of(const Flags& flags) {
  std::vector<std::string_view> names;
  list_status(flags, names);
  return names;
}

std::vector<std::string_view> optional_of(const Flags& flags) {
  std::vector<std::string_view> names;
  list_optional(flags, names);
  return names;
}

TEST(Flags, GoWhereLvmKeepsThem) {
  Flags flags;

  for (const auto* name : {"ACTIVATION_SKIP", "LOCKED", "READ"}) set_flag(flags, name);

  EXPECT_THAT(status_of(flags), ElementsAre("READ", "LOCKED"));
  EXPECT_THAT(optional_of(flags), ElementsAre("ACTIVATION_SKIP"));
}

TEST(Flags, KeepLvmsOrderWhateverTheOrderTheyAreSetIn) {
  Flags flags;

  for (const auto* name : {"LOCKED", "VISIBLE", "WRITE", "READ", "NOAUTOACTIVATE", "ACTIVATION_SKIP"})
    set_flag(flags, name);

  EXPECT_THAT(status_of(flags), ElementsAre("READ", "WRITE", "VISIBLE", "LOCKED"));
  EXPECT_THAT(optional_of(flags), ElementsAre("ACTIVATION_SKIP", "NOAUTOACTIVATE"));
}

TEST(Flags, AreSetOnce) {
  Flags flags;
  add_status(flags, "READ");
  add_optional(flags, "MISSING");

  set_flag(flags, "READ");
  set_flag(flags, "MISSING");

  EXPECT_THAT(status_of(flags), ElementsAre("READ"));
  EXPECT_THAT(optional_of(flags), ElementsAre("MISSING"));
}

TEST(Flags, AreFoundAndClearedInBothLists) {
  Flags flags;
  add_status(flags, "ALLOCATABLE");
  add_status(flags, "MISSING");
  add_optional(flags, "FROM_THE_FUTURE");

  const bool found = has_flag(flags, "MISSING") && has_flag(flags, "FROM_THE_FUTURE");
  clear_flag(flags, "MISSING");
  clear_flag(flags, "FROM_THE_FUTURE");

  EXPECT_TRUE(found);
  EXPECT_FALSE(has_flag(flags, "MISSING"));
  EXPECT_THAT(status_of(flags), ElementsAre("ALLOCATABLE"));
  EXPECT_THAT(optional_of(flags), IsEmpty());
}

TEST(Flags, OfUnknownNameBelongToTheOptionalOnes) {
  Flags flags;

  set_flag(flags, "FROM_THE_FUTURE");
  set_flag(flags, "ACTIVATION_SKIP");

  EXPECT_THAT(optional_of(flags), ElementsAre("ACTIVATION_SKIP", "FROM_THE_FUTURE"));
}

TEST(Flags, OfUnknownNameAreKeptOnceAndInTheirOrder) {
  Flags flags;

  for (const auto* name : {"Z_LATER", "A_LATER", "Z_LATER"}) add_optional(flags, name);

  EXPECT_THAT(optional_of(flags), ElementsAre("Z_LATER", "A_LATER"));
  EXPECT_THAT(status_of(flags), IsEmpty());
}

TEST(Flags, OfAStatusDependOnTheOwner) {
  EXPECT_TRUE(is_status_flag(FlagOwner::group, "RESIZEABLE"));
  EXPECT_TRUE(is_status_flag(FlagOwner::logical, "VISIBLE"));
  EXPECT_TRUE(is_status_flag(FlagOwner::physical, "ALLOCATABLE"));
  EXPECT_TRUE(is_status_flag(FlagOwner::physical, "MISSING"));
  EXPECT_FALSE(is_status_flag(FlagOwner::group, "VISIBLE"));
  EXPECT_FALSE(is_status_flag(FlagOwner::physical, "READ"));
  EXPECT_FALSE(is_status_flag(FlagOwner::logical, "ACTIVATION_SKIP"));
  EXPECT_FALSE(is_status_flag(FlagOwner::logical, "CRYPT"));
}

}  // namespace
}  // namespace cv::metadata
