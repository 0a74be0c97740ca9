#include "metadata/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/volume_group.h"

namespace cv::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Flags, GoWhereLvmKeepsThem) {
  Flags flags;

  for (const auto* name : {"ACTIVATION_SKIP", "LOCKED", "READ"}) set_flag(flags, name);

  EXPECT_THAT(flags.status, ElementsAre("READ", "LOCKED"));
  EXPECT_THAT(flags.flags, ElementsAre("ACTIVATION_SKIP"));
}

TEST(Flags, KeepLvmsOrderWhateverTheOrderTheyAreSetIn) {
  Flags flags;

  for (const auto* name : {"LOCKED", "VISIBLE", "WRITE", "READ", "NOAUTOACTIVATE", "ACTIVATION_SKIP"})
    set_flag(flags, name);

  EXPECT_THAT(flags.status, ElementsAre("READ", "WRITE", "VISIBLE", "LOCKED"));
  EXPECT_THAT(flags.flags, ElementsAre("ACTIVATION_SKIP", "NOAUTOACTIVATE"));
}

TEST(Flags, AreSetOnce) {
  Flags flags{{"READ"}, {"MISSING"}};

  set_flag(flags, "READ");
  set_flag(flags, "MISSING");

  EXPECT_THAT(flags.status, ElementsAre("READ"));
  EXPECT_THAT(flags.flags, ElementsAre("MISSING"));
}

TEST(Flags, AreFoundAndClearedInBothLists) {
  Flags flags{{"ALLOCATABLE", "MISSING"}, {"FROM_THE_FUTURE"}};

  const bool found = has_flag(flags, "MISSING") && has_flag(flags, "FROM_THE_FUTURE");
  clear_flag(flags, "MISSING");
  clear_flag(flags, "FROM_THE_FUTURE");

  EXPECT_TRUE(found);
  EXPECT_FALSE(has_flag(flags, "MISSING"));
  EXPECT_THAT(flags.status, ElementsAre("ALLOCATABLE"));
  EXPECT_THAT(flags.flags, IsEmpty());
}

TEST(Flags, OfUnknownNameBelongToTheOptionalOnes) {
  Flags flags;

  set_flag(flags, "FROM_THE_FUTURE");
  set_flag(flags, "ACTIVATION_SKIP");

  EXPECT_THAT(flags.flags, ElementsAre("ACTIVATION_SKIP", "FROM_THE_FUTURE"));
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
