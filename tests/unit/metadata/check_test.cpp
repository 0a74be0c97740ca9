#include "metadata/check.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/iv_space.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Two plain volumes and two encrypted ones on one store.
VolumeGroup sound_group() {
  const NewId ids = counting_ids();
  VolumeGroup vg = group_with({31, 31});
  vg = create_plain(vg, volume_called("p", 2), ids);
  vg = create_plain(vg, volume_called("q", 2), ids);
  vg = create_store(vg, luks_store(), ids);
  vg = create_crypt(vg, crypt_volume("a", 3), ids);
  return create_crypt(vg, crypt_volume("b", 3), ids);
}

/// What a change does to a sound group, as ids of damage.
template <class Change>
std::vector<std::string> damage_after(Change&& change) {
  VolumeGroup vg = sound_group();
  change(vg);
  std::vector<std::string> ids;
  for (const Damage& damage : check(vg)) ids.push_back(damage.id);
  return ids;
}

Segment& first_segment(VolumeGroup& vg, const std::string& lv) {
  return find_lv(vg, lv)->segments.front();
}
Crypt& crypt_in(VolumeGroup& vg, const std::string& lv) {
  return std::get<Crypt>(first_segment(vg, lv).kind);
}
Keystore& store_in(VolumeGroup& vg) {
  return std::get<Keystore>(first_segment(vg, "cryptostore1").kind);
}
Striped& striped_in(VolumeGroup& vg, const std::string& lv) {
  return std::get<Striped>(first_segment(vg, lv).kind);
}

TEST(Check, FindsNothingInASoundGroup) {
  EXPECT_THAT(check(sound_group()), IsEmpty());
}

TEST(Check, FindsTwoVolumesOnOneExtent) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) { striped_in(vg, "q") = striped_in(vg, "p"); }),
              ElementsAre("LV-OVERLAP"));
}

TEST(Check, FindsExtentsBehindThePv) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) {
                std::get<PhysicalArea>(striped_in(vg, "p").stripes.front()).first = Extents(30);
              }),
              ElementsAre("LV-PE-RANGE"));
}

TEST(Check, FindsAPvThatIsNotThere) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) {
                std::get<PhysicalArea>(striped_in(vg, "p").stripes.front()).pv = id_of<PvId>(999);
              }),
              ElementsAre("LV-PV-UNKNOWN"));
}

TEST(Check, FindsGapsBetweenSegments) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) { first_segment(vg, "p").start = Extents(1); }),
              ElementsAre("LV-GAP"));
}

TEST(Check, FindsNamesAndIdsThatStandTwice) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) { find_lv(vg, "q")->name = "p"; }),
              ElementsAre("LV-DUPLICATE-NAME"));
  EXPECT_THAT(damage_after([](VolumeGroup& vg) { find_lv(vg, "q")->id = find_lv(vg, "p")->id; }),
              ElementsAre("LV-DUPLICATE-ID"));
}

TEST(Check, FindsACryptVolumeWithoutItsStore) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) { crypt_in(vg, "a").store = "cryptostore9"; }),
              ElementsAre("CRYPT-NO-STORE"));
}

TEST(Check, FindsSharedIvs) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) { crypt_in(vg, "b").iv_offset = Sectors(8192); }),
              ElementsAre("IV-OVERLAP"));
}

TEST(Check, OnlyWarnsOfSharedIvsThatCameWithTheRfcForm) {
  VolumeGroup vg = sound_group();
  crypt_in(vg, "a").iv_offset.reset();
  crypt_in(vg, "b").iv_offset.reset();

  const auto damage = check(vg);

  ASSERT_EQ(damage.size(), 1U);
  EXPECT_EQ(damage.front().id, "IV-OVERLAP-SEED");
  EXPECT_EQ(damage.front().severity, Severity::warning);
}

TEST(Check, FindsIvsAtOrPastIvNext) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) { store_in(vg).iv_next = kIvWindow; }),
              ElementsAre("IV-NEXT"));
}

TEST(Check, FindsADataVolumeWithoutOwnerAndWithTwo) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) {
                std::erase_if(vg.lvs, [](const LogicalVolume& lv) { return lv.name == "a"; });
              }),
              ElementsAre("DATA-NO-OWNER"));
  EXPECT_THAT(damage_after([](VolumeGroup& vg) {
                crypt_in(vg, "b").area = crypt_in(vg, "a").area;
                std::erase_if(vg.lvs, [](const LogicalVolume& lv) { return lv.name == "b_crdata"; });
              }),
              ElementsAre("DATA-TWO-OWNERS"));
}

TEST(Check, FindsEncryptionSectorsThatDontFit) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) {
                store_in(vg).sector_bytes = 4096;
                vg.pvs[0].pe_start = Sectors(2049);
                vg.pvs[1].pe_start = Sectors(2049);
              }),
              ElementsAre("CRYPT-ALIGNMENT", "CRYPT-ALIGNMENT"));
  EXPECT_THAT(damage_after([](VolumeGroup& vg) {
                store_in(vg).sector_bytes = 4096;
                crypt_in(vg, "a").iv_offset = Sectors(4);
              }),
              ElementsAre("CRYPT-ALIGNMENT"));
}

TEST(Check, FindsAreasBehindTheEndOfADataVolume) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) {
                crypt_in(vg, "a").area = LogicalArea{"a_crdata", Extents(1)};
              }),
              ElementsAre("LV-AREA-RANGE"));
}

TEST(Check, WarnsOfAStoreThatNobodyUses) {
  EXPECT_THAT(damage_after([](VolumeGroup& vg) {
                vg = remove_volume(vg, "a", true);
                vg = remove_volume(vg, "b", true);
              }),
              ElementsAre("STORE-UNUSED"));
}

TEST(NoNewErrors, LetsOldDamageStayAndStopsNewDamage) {
  VolumeGroup damaged = sound_group();
  striped_in(damaged, "q") = striped_in(damaged, "p");
  VolumeGroup worse = damaged;
  crypt_in(worse, "b").iv_offset = Sectors(8192);

  EXPECT_NO_THROW(require_no_new_errors(damaged, damaged));
  EXPECT_THROW(require_no_new_errors(damaged, worse), Error);
}

}  // namespace
}  // namespace cv::metadata
