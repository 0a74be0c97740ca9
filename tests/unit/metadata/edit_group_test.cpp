#include "metadata/edit_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/edit_split.h"
#include "metadata/group_text.h"
#include "tests/support/group_builder.h"
#include "tests/unit/tools/expect_error.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names_of(const VolumeGroup& vg) {
  std::vector<std::string> names;
  for (const LogicalVolume& lv : vg.lvs) names.push_back(lv.name);
  return names;
}

NewVolume on_pv(const VolumeGroup& vg, const std::string& name, std::size_t number) {
  NewVolume wanted = volume_called(name, 4);
  wanted.placement.permitted = {{vg.pvs.at(number).id, {Extents(0), vg.pvs[number].pe_count}}};
  return wanted;
}

/// "a" on PV 0, "b" and "c" encrypted on PVs 1 and 2 with one store that has no bytes.
VolumeGroup mixed_group() {
  const NewId ids = counting_ids();
  VolumeGroup vg = group_with({20, 20, 20});
  vg = create_plain(vg, on_pv(vg, "a", 0), ids);
  vg = create_store(vg, plain_store(), ids);
  for (const auto& [name, number] : {std::pair("b", 1U), std::pair("c", 2U)}) {
    NewCryptVolume wanted = crypt_volume(name, 4);
    wanted.volume = on_pv(vg, name, number);
    vg = create_crypt(vg, wanted, ids);
  }
  return vg;
}

TEST(RenameGroup, RefusesNamesThatMakeDeviceNamesTooLong) {
  VolumeGroup vg = group_with({40});
  vg = create_plain(vg, volume_called(std::string(60, 'v'), 1), counting_ids());

  EXPECT_EQ(rename_group(vg, "other").name, "other");
  expect_error(Errc::bad_name, "too long", [&] { rename_group(vg, std::string(100, 'g')); });
  expect_error(Errc::bad_name, "", [&] { rename_group(vg, "a b"); });
}

TEST(ExportGroup, IsUndoneByAnImportButForTheOwner) {
  VolumeGroup vg = mixed_group();
  vg.system_id = "here";

  const VolumeGroup exported = export_group(vg);

  EXPECT_TRUE(has_flag(exported.flags, "EXPORTED"));
  EXPECT_TRUE(has_flag(exported.pvs[2].flags, "EXPORTED"));
  EXPECT_EQ(exported.system_id, "");
  EXPECT_EQ(import_group(exported, "here"), vg);
  EXPECT_EQ(import_group(exported, "there").system_id, "there");
  expect_error(Errc::refused, "not exported", [&] { import_group(vg, "here"); });
}

TEST(ChangeGroup, CountsExtentsAnewWithoutMovingAnything) {
  const VolumeGroup vg = mixed_group();
  GroupSettings half;
  half.extent_size = Sectors(vg.extent_size.n / 2);
  GroupSettings back;
  back.extent_size = vg.extent_size;

  const VolumeGroup next = change_group(vg, half);

  EXPECT_EQ(payload_size(next, lv_at(next, "b")), payload_size(vg, lv_at(vg, "b")));
  EXPECT_EQ(size_of(lv_at(next, "b")), Extents(8));
  EXPECT_EQ(next.pvs[0].pe_count, Extents(40));
  EXPECT_THAT(check(next), IsEmpty());
  EXPECT_EQ(change_group(next, back), vg);
}

TEST(ChangeGroup, RefusesAnExtentSizeThatSomethingCantBeDividedBy) {
  const VolumeGroup vg = mixed_group();
  GroupSettings wanted;
  wanted.extent_size = Sectors(vg.extent_size.n * 8);

  expect_error(Errc::bad_size, "divided", [&] { change_group(vg, wanted); });
}

TEST(ChangeGroup, RefusesLimitsThatAreExceededAlready) {
  const VolumeGroup vg = mixed_group();

  expect_error(Errc::refused, "3 volumes", [&] { change_group(vg, {.max_lv = 2}); });
  expect_error(Errc::refused, "3 physical", [&] { change_group(vg, {.max_pv = 2}); });
  EXPECT_EQ(change_group(vg, {.max_lv = 3, .max_pv = 3}).max_pv, 3U);
}

TEST(RemoveAllVolumes, LeavesStoresToBeErased) {
  const VolumeGroup next = remove_all_volumes(mixed_group());

  EXPECT_THAT(names_of(next), ElementsAre("cryptostore1"));
  EXPECT_THAT(stores_being_erased(next), ElementsAre("cryptostore1"));
  EXPECT_TRUE(holds_no_volumes(next));
  EXPECT_FALSE(holds_no_volumes(mixed_group()));
}

TEST(Split, TakesAKeystoreWithoutBytesAlongWithItsVolumes) {
  const VolumeGroup vg = mixed_group();

  const Split split = split_group(vg, "vg1", id_of<VgId>(5), {vg.pvs[1].id, vg.pvs[2].id});

  EXPECT_THAT(names_of(split.rest), ElementsAre("a"));
  EXPECT_THAT(split.split_off.lvs, testing::SizeIs(5));
  EXPECT_EQ(split.split_off.split_from, vg.id);
  EXPECT_TRUE(has_flag(split.split_off.flags, "EXPORTED"));
  const VolumeGroup made = finish_split(split.split_off, "");
  EXPECT_EQ(read_group(print_group(split.split_off, {})), split.split_off);
  EXPECT_THAT(check(made), IsEmpty());
  EXPECT_THAT(check(split.rest), IsEmpty());
  EXPECT_EQ(without_split_off(vg, split.split_off), split.rest);
  EXPECT_EQ(without_split_off(split.rest, split.split_off), split.rest);
}

TEST(Split, DoesNotPartVolumesFromTheirStoreOrItsOtherVolumes) {
  const VolumeGroup vg = mixed_group();
  const VgId id = id_of<VgId>(5);

  expect_error(Errc::refused, "need each other", [&] { split_group(vg, "vg1", id, {vg.pvs[1].id}); });
  EXPECT_EQ(pvs_of_volume(vg, "b"), (std::set<PvId>{vg.pvs[1].id, vg.pvs[2].id}));
}

TEST(Split, DoesNotCutAVolume) {
  VolumeGroup vg = group_with({20, 20, 20});
  NewVolume wide = volume_called("wide", 6);
  wide.placement.stripes = 2;
  wide.placement.stripe_size = Sectors(128);
  vg = create_plain(vg, wide, counting_ids());
  const auto one = *pvs_of_volume(vg, "wide").begin();

  expect_error(Errc::refused, "both sides", [&] { split_group(vg, "vg1", id_of<VgId>(5), {one}); });
}

TEST(Split, LeavesSomethingBehindAndTakesSomethingAlong) {
  const VolumeGroup vg = group_with({20, 20});
  const VgId id = id_of<VgId>(5);

  expect_error(Errc::refused, "vgrename", [&] { split_group(vg, "x", id, {vg.pvs[0].id, vg.pvs[1].id}); });
  expect_error(Errc::refused, "nothing", [&] { split_group(vg, "x", id, {}); });
  expect_error(Errc::not_found, "", [&] { split_group(vg, "x", id, {id_of<PvId>(99)}); });
}

TEST(Merge, GivesBackWhatASplitTook) {
  const VolumeGroup vg = mixed_group();
  const Split split = split_group(vg, "vg1", id_of<VgId>(5), {vg.pvs[1].id, vg.pvs[2].id});

  const VolumeGroup merged = merge_groups(split.rest, finish_split(split.split_off, ""));

  EXPECT_THAT(merged.supersedes, ElementsAre(id_of<VgId>(5)));
  EXPECT_EQ(read_group(print_group(merged, {})), merged);
  EXPECT_EQ(forget_former_ids(merged), vg);
}

TEST(Merge, RefusesNamesThatBothHave) {
  const VolumeGroup vg = mixed_group();
  VolumeGroup other = vg;
  other.name = "other";
  VolumeGroup coarse = group_with({20});
  coarse.extent_size = Sectors(vg.extent_size.n * 2);

  expect_error(Errc::exists, "cvrename", [&] { merge_groups(vg, other); });
  expect_error(Errc::refused, "extents", [&] { merge_groups(vg, coarse); });
}

}  // namespace
}  // namespace cv::metadata
