#include "metadata/edit_pvs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "tests/support/group_builder.h"
#include "tests/unit/tools/expect_error.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using testing::ElementsAre;
using testing::IsEmpty;

PvId pv(const VolumeGroup& vg, std::size_t number) {
  return vg.pvs.at(number).id;
}

/// "a" on PV 0, "b" on PV 1.
VolumeGroup two_volumes() {
  VolumeGroup vg = group_with({10, 10, 10});
  const NewId ids = counting_ids();
  for (unsigned i = 0; i < 2; ++i) {
    NewVolume wanted = volume_called(i == 0 ? "a" : "b", 4);
    wanted.placement.permitted = {{pv(vg, i), {Extents(0), Extents(10)}}};
    vg = create_plain(vg, wanted, ids);
  }
  return vg;
}

TEST(AddPvs, RespectsTheLimitOfTheGroup) {
  VolumeGroup vg = group_with({10});
  vg.max_pv = 2;
  PhysicalVolume second = vg.pvs[0];
  second.id = id_of<PvId>(50);
  PhysicalVolume third = second;
  third.id = id_of<PvId>(51);

  EXPECT_EQ(add_pvs(vg, {second}).pvs.size(), 2U);
  expect_error(Errc::refused, "", [&] { add_pvs(vg, {second, third}); });
  expect_error(Errc::in_use, "", [&] { add_pvs(vg, {vg.pvs[0]}); });
}

TEST(AddPvs, NeedsAGroupThatIsResizeable) {
  VolumeGroup vg = group_with({10});
  PhysicalVolume second = vg.pvs[0];
  second.id = id_of<PvId>(50);
  clear_flag(vg.flags, "RESIZEABLE");

  expect_error(Errc::refused, "", [&] { add_pvs(vg, {second}); });
  expect_error(Errc::refused, "", [&] { remove_pvs(vg, {pv(vg, 0)}); });
}

TEST(RemovePvs, TakesEmptyOnesOnlyAndNeverTheLast) {
  const VolumeGroup vg = two_volumes();

  EXPECT_EQ(remove_pvs(vg, {pv(vg, 2)}).pvs.size(), 2U);
  expect_error(Errc::in_use, "", [&] { remove_pvs(vg, {pv(vg, 0)}); });
  expect_error(Errc::refused, "", [&] { remove_pvs(group_with({10}), {group_with({10}).pvs[0].id}); });
  EXPECT_THAT(unused_pvs(vg), ElementsAre(pv(vg, 2)));
}

TEST(ResizePv, GivesUpFreeExtentsAtTheEndOnly) {
  const VolumeGroup vg = two_volumes();
  const Sectors start = vg.pvs[0].pe_start;
  const auto end = [&](std::uint64_t extents) {
    return start + to_sectors(Extents(extents), vg.extent_size);
  };

  EXPECT_EQ(resize_pv(vg, pv(vg, 0), end(4), end(4)).pvs[0].pe_count, Extents(4));
  EXPECT_EQ(resize_pv(vg, pv(vg, 0), end(30) + Sectors(5), end(30) + Sectors(5)).pvs[0].pe_count,
            Extents(30));
  expect_error(Errc::in_use, "", [&] { resize_pv(vg, pv(vg, 0), end(3), end(3)); });
  expect_error(Errc::no_space, "", [&] { resize_pv(vg, pv(vg, 2), Sectors(100), Sectors(100)); });
}

TEST(ChangePv, KeepsEachTagOnce) {
  VolumeGroup vg = group_with({10});
  vg = change_pv(vg, pv(vg, 0), {.allocatable = false, .add_tags = {"a", "b", "a"}, .delete_tags = {}});
  vg = change_pv(vg, pv(vg, 0), {.allocatable = {}, .add_tags = {"c"}, .delete_tags = {"b", "nothing"}});

  EXPECT_THAT(vg.pvs[0].tags, ElementsAre("a", "c"));
  EXPECT_FALSE(has_flag(vg.pvs[0].flags, "ALLOCATABLE"));
}

TEST(Missing, PvsLeaveWhenNothingLiesOnThemAndAreFlaggedOtherwise) {
  const VolumeGroup vg = two_volumes();

  const VolumeGroup next = give_up_missing(vg, {pv(vg, 1), pv(vg, 2)});

  ASSERT_EQ(next.pvs.size(), 2U);
  EXPECT_FALSE(has_flag(next.pvs[0].flags, "MISSING"));
  EXPECT_TRUE(has_flag(next.pvs[1].flags, "MISSING"));
  EXPECT_EQ(restore_missing(next, {pv(vg, 1)}).pvs[1], vg.pvs[1]);
  expect_error(Errc::refused, "", [&] { restore_missing(next, {pv(vg, 0)}); });
}

TEST(Loss, OfAPlainVolumeIsThatVolume) {
  const VolumeGroup vg = two_volumes();

  const Loss loss = loss_of(vg, {pv(vg, 1)});
  const VolumeGroup next = give_up_missing(remove_lost(vg, loss), {pv(vg, 1)});

  EXPECT_THAT(loss.volumes, ElementsAre("b"));
  EXPECT_EQ(next.lvs.size(), 1U);
  EXPECT_EQ(next.pvs.size(), 2U);
  EXPECT_TRUE(loss_of(vg, {pv(vg, 2)}).empty());
}

/// A store with a copy on each of the first `copies` PVs, and "home" on the last PV.
VolumeGroup crypt_group(unsigned copies) {
  const NewId ids = counting_ids();
  VolumeGroup vg = group_with({10, 10, 10});
  NewKeystore store = luks_store();
  store.copies = copies;
  vg = create_store(vg, store, ids);
  NewCryptVolume home = crypt_volume("home", 3);
  home.volume.placement.permitted = {{pv(vg, 2), {Extents(0), Extents(10)}}};
  return create_crypt(vg, home, ids);
}

/// The PV that a copy of the store lies on.
std::set<PvId> place_of(const VolumeGroup& vg, const std::string& data_lv) {
  const auto& striped = std::get<Striped>(lv_at(vg, data_lv).segments.at(0).kind);
  return {std::get<PhysicalArea>(striped.stripes.at(0)).pv};
}

TEST(Loss, OfACopyLeavesTheStoreAndItsVolumes) {
  const VolumeGroup vg = crypt_group(2);
  const auto missing = place_of(vg, "cryptostore1_crdata2");
  ASSERT_NE(missing, place_of(vg, "cryptostore1_crdata"));
  ASSERT_FALSE(missing.contains(pv(vg, 2)));

  const Loss loss = loss_of(vg, missing);
  const VolumeGroup next = give_up_missing(remove_lost(vg, loss), missing);

  EXPECT_THAT(loss.volumes, IsEmpty());
  EXPECT_THAT(loss.copies, ElementsAre("cryptostore1_crdata2"));
  EXPECT_EQ(keystore_of(lv_at(next, "cryptostore1"))->copies.size(), 1U);
  EXPECT_FALSE(keystore_of(lv_at(next, "cryptostore1"))->erasing);
  EXPECT_EQ(find_lv(next, "cryptostore1_crdata2"), nullptr);
  EXPECT_THAT(check(next), IsEmpty());
}

TEST(Loss, OfTheLastCopyTakesStoreAndVolumesAndSaysWhy) {
  const VolumeGroup vg = crypt_group(1);
  const auto missing = place_of(vg, "cryptostore1_crdata");
  ASSERT_FALSE(missing.contains(pv(vg, 2)));

  const Loss loss = loss_of(vg, missing);
  const VolumeGroup next = give_up_missing(remove_lost(vg, loss), missing);

  EXPECT_THAT(loss.volumes, ElementsAre("home"));
  EXPECT_THAT(loss.keyless, ElementsAre("home"));
  EXPECT_THAT(loss.stores, ElementsAre("cryptostore1"));
  EXPECT_THAT(next.lvs, IsEmpty());
}

TEST(Loss, OfTheLastVolumeGivesUpItsStore) {
  const VolumeGroup vg = crypt_group(1);

  const Loss loss = loss_of(vg, {pv(vg, 2)});
  const VolumeGroup next = remove_lost(vg, loss);

  EXPECT_THAT(loss.volumes, ElementsAre("home"));
  EXPECT_THAT(loss.keyless, IsEmpty());
  EXPECT_THAT(stores_being_erased(next), ElementsAre("cryptostore1"));
  EXPECT_EQ(find_lv(next, "home_crdata"), nullptr);
}

}  // namespace
}  // namespace cv::metadata
