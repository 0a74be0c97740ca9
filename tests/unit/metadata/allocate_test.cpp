// Policies. The group is one on which stock LVM2 2.03.16 was watched; where it says where, we say the same.
#include "metadata/allocate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// PV 0 has 31 extents, 0-3 of them are "a", 6-8, 11-12 and 23-30 are free; PV 1 has 31, all free.
VolumeGroup fragmented() {
  const NewId ids = counting_ids();
  VolumeGroup vg = group_with({31, 31});
  const auto add = [&](const std::string& name, std::uint64_t first, std::uint64_t end) {
    NewVolume wanted = volume_called(name, end - first);
    wanted.placement.permitted = {{vg.pvs[0].id, {Extents(first), Extents(end)}}};
    vg = create_plain(vg, wanted, ids);
  };
  add("a", 0, 4);
  add("b1", 4, 6);
  add("b2", 9, 11);
  add("b3", 13, 23);
  return vg;
}

/// "0:23-28 1:0-11": PV, first and last extent of each stripe of each segment.
std::string places_of(const VolumeGroup& vg, const std::string& name) {
  std::string text;
  for (const Segment& segment : lv_at(vg, name).segments) {
    const auto& stripes = std::get<Striped>(segment.kind).stripes;
    for (const Area& area : stripes) {
      const auto& physical = std::get<PhysicalArea>(area);
      const std::uint64_t each = segment.count.n / stripes.size();
      text += fmt::format("{}{}:{}-{}", text.empty() ? "" : " ", physical.pv == vg.pvs[0].id ? 0 : 1,
                          physical.first.n, physical.first.n + each - 1);
    }
  }
  return text;
}

Placement by(Allocation policy, std::uint32_t stripes = 1) {
  Placement placement;
  placement.policy = policy;
  placement.stripes = stripes;
  placement.own_stripes = stripes > 1;
  placement.stripe_size = Sectors(stripes > 1 ? 128 : 0);
  return placement;
}

std::string extended(std::uint64_t extents, Allocation policy) {
  const VolumeGroup vg = extend(fragmented(), "a", Extents(extents), by(policy));
  EXPECT_THAT(check(vg), IsEmpty());
  return places_of(vg, "a");
}

std::string created(std::uint64_t extents, Allocation policy, std::uint32_t stripes = 1) {
  NewVolume wanted = volume_called("c", extents);
  wanted.placement = by(policy, stripes);
  const VolumeGroup vg = create_plain(fragmented(), wanted, counting_ids(5000));
  EXPECT_EQ(lv_at(vg, "c").allocation, policy);
  EXPECT_THAT(check(vg), IsEmpty());
  return places_of(vg, "c");
}

TEST(Normal, StaysOnThePvOfTheVolumeAsLongAsItCan) {
  EXPECT_EQ(extended(6, Allocation::normal), "0:0-3 0:23-28");
  EXPECT_EQ(extended(12, Allocation::normal), "0:0-3 0:23-30 0:6-8 0:11-11");
  EXPECT_EQ(extended(14, Allocation::normal), "0:0-3 0:23-30 0:6-8 0:11-12 1:0-0");
  EXPECT_EQ(extended(25, Allocation::inherit), "0:0-3 0:23-30 0:6-8 0:11-12 1:0-11");
}

TEST(Normal, PutsEachStripeOnAPvOfItsOwn) {
  EXPECT_EQ(created(20, Allocation::normal), "1:0-19");
  const std::string text = created(20, Allocation::normal, 2);
  EXPECT_EQ(text, "1:0-7 0:23-30 1:8-9 0:11-12");
  EXPECT_EQ(error_of([] { created(28, Allocation::normal, 2); }).code(), Errc::no_space);
}

TEST(Cling, GoesNowhereElse) {
  EXPECT_EQ(extended(12, Allocation::cling), "0:0-3 0:23-30 0:6-8 0:11-11");
  const Error error = error_of([] { extended(14, Allocation::cling_by_tags); });
  EXPECT_EQ(error.code(), Errc::no_space);
  EXPECT_THAT(error.what(), HasSubstr("clings"));
  EXPECT_EQ(created(31, Allocation::cling), "1:0-30");
  EXPECT_EQ(error_of([] { created(35, Allocation::cling); }).code(), Errc::no_space);
}

TEST(Cling, KeepsEachStripeOnItsPv) {
  NewVolume wanted = volume_called("s", 4);
  wanted.placement = by(Allocation::cling, 2);
  wanted.placement.permitted = {};
  VolumeGroup vg = create_plain(fragmented(), wanted, counting_ids(5000));
  const std::string before = places_of(vg, "s");

  vg = extend(vg, "s", Extents(16), {});

  const auto& first = std::get<Striped>(lv_at(vg, "s").segments.front().kind).stripes;
  for (const Segment& segment : lv_at(vg, "s").segments) {
    const auto& stripes = std::get<Striped>(segment.kind).stripes;
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_EQ(std::get<PhysicalArea>(stripes[i]).pv, std::get<PhysicalArea>(first[i]).pv);
  }
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Contiguous, IsOnePieceBehindTheEnd) {
  EXPECT_EQ(error_of([] { extended(2, Allocation::contiguous); }).code(), Errc::no_space);
  EXPECT_EQ(created(8, Allocation::contiguous), "1:0-7");
  EXPECT_EQ(error_of([] { created(32, Allocation::contiguous); }).code(), Errc::no_space);
  VolumeGroup vg = create_plain(fragmented(), volume_called("c", 3), counting_ids(5000));
  ASSERT_EQ(places_of(vg, "c"), "1:0-2");  // the smallest that is large enough, on the emptiest PV
  EXPECT_EQ(places_of(extend(vg, "c", Extents(28), by(Allocation::contiguous)), "c"), "1:0-30");
}

TEST(Anywhere, PutsStripesOnOnePvWhereItMust) {
  const std::string text = created(40, Allocation::anywhere, 2);
  EXPECT_THAT(text, HasSubstr("1:0-7 0:23-30"));
  EXPECT_THAT(text, testing::EndsWith("1:13-19 1:20-26"));
  EXPECT_EQ(error_of([] { created(60, Allocation::anywhere, 2); }).code(), Errc::no_space);
}

TEST(Extension, TakesTheStripesOfTheVolumeUnlessAskedForOthers) {
  NewVolume wanted = volume_called("s", 4);
  wanted.placement = by(Allocation::normal, 2);
  const VolumeGroup vg = create_plain(fragmented(), wanted, counting_ids(5000));
  Placement one;
  one.own_stripes = true;

  const VolumeGroup same = extend(vg, "s", Extents(2), {});
  const VolumeGroup other = extend(vg, "s", Extents(1), one);

  EXPECT_EQ(size_of(lv_at(same, "s")), Extents(6));
  EXPECT_EQ(std::get<Striped>(lv_at(same, "s").segments.back().kind).stripes.size(), 2U);
  ASSERT_EQ(lv_at(other, "s").segments.size(), 2U);
  EXPECT_EQ(std::get<Striped>(lv_at(other, "s").segments[1].kind).stripes.size(), 1U);
}

TEST(Allocatable, CountsWholeRowsThatCanBeHad) {
  const VolumeGroup vg = fragmented();
  EXPECT_EQ(Room(vg, {}).allocatable(), Extents(44));
  EXPECT_EQ(Room(vg, by(Allocation::normal, 2)).allocatable(), Extents(26));  // 13 on the first PV
  EXPECT_EQ(Room(vg, by(Allocation::anywhere, 2)).allocatable(), Extents(44));
  EXPECT_EQ(created(26, Allocation::normal, 2).substr(0, 13), "1:0-7 0:23-30");
}

TEST(Allocatable, LeavesOutPvsThatAreNotToBeUsed) {
  VolumeGroup vg = fragmented();
  clear_flag(vg.pvs[1].flags, "ALLOCATABLE");
  EXPECT_EQ(Room(vg, {}).allocatable(), Extents(13));
  Placement second;
  second.permitted = {{vg.pvs[1].id, {Extents(0), Extents(31)}}};
  NewVolume wanted = volume_called("c", 1);
  wanted.placement = second;
  EXPECT_EQ(error_of([&] { create_plain(vg, wanted, counting_ids(5000)); }).code(), Errc::no_space);
}

}  // namespace
}  // namespace cv::metadata
