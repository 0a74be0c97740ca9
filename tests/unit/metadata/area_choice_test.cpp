#include "metadata/area_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using test::id_of;
using testing::ElementsAre;

/// Areas of the PVs 1, 1, 2, 2, ...: two each.
std::vector<AreaUse> pairs(std::vector<bool> used) {
  std::vector<AreaUse> areas;
  for (std::size_t i = 0; i < used.size(); ++i)
    areas.push_back({.pv = id_of<PvId>(1 + i / 2), .used = used[i], .wish = std::nullopt});
  return areas;
}

std::vector<bool> chosen(std::vector<AreaUse> areas, std::uint32_t copies) {
  choose_areas(areas, copies);
  std::vector<bool> used;
  for (const AreaUse& area : areas) used.push_back(area.used);
  return used;
}

TEST(AreaChoice, LeavesAreasAsTheyAreWhereNobodyCounts) {
  EXPECT_THAT(chosen(pairs({true, false, false, true}), 0), ElementsAre(true, false, false, true));
}

TEST(AreaChoice, KeepsOneInUseInAnyCase) {
  auto areas = pairs({true, false});
  areas[0].wish = false;
  areas[1].wish = false;

  EXPECT_THAT(chosen(pairs({false, false}), 0), ElementsAre(true, false));
  EXPECT_THAT(chosen(areas, 0), ElementsAre(true, false));
  EXPECT_THAT(chosen({}, 3), ElementsAre());
}

TEST(AreaChoice, SpreadsAreasOverThePvs) {
  EXPECT_THAT(chosen(pairs({false, false, false, false}), 2), ElementsAre(true, false, true, false));
  EXPECT_THAT(chosen(pairs({true, true, true, true}), 3), ElementsAre(true, true, true, false));
  EXPECT_THAT(chosen(pairs({true, true, true, true}), 2), ElementsAre(true, false, true, false));
  EXPECT_THAT(chosen(pairs({true, true, true, true}), 1), ElementsAre(true, false, false, false));
}

TEST(AreaChoice, UsesAllWhereMoreAreWantedThanThereAre) {
  EXPECT_THAT(chosen(pairs({true, false, false, false}), kAllAreas), ElementsAre(true, true, true, true));
}

TEST(AreaChoice, FulfilsAWishBeforeItCounts) {
  auto areas = pairs({true, false, false, false});
  areas[0].wish = false;
  areas[1].wish = false;

  EXPECT_THAT(chosen(areas, 1), ElementsAre(false, false, true, false));
}

}  // namespace
}  // namespace cv::metadata
