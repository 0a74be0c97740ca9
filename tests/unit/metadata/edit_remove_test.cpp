// What goes with a volume: types of LVM2, as the real one wrote them.
#include "metadata/edit_remove.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/group_text.h"
#include "metadata/references.h"
#include "tests/support/fixture_files.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST(RemoveForeign, TakesEveryPartOfRaidAndMirrorVolumes) {
  for (const auto* name : {"raid", "mirror"}) {
    VolumeGroup vg = on_disk(name);
    for (const std::string& lv : in_order_of_removal(vg)) {
      vg = remove_volume(vg, lv, false);
      EXPECT_EQ(read_group(text_of(vg)), vg) << lv;
    }
    EXPECT_THAT(vg.lvs, IsEmpty()) << name;
  }
}

TEST(RemoveForeign, LeavesTheOtherVolumesOfTheirKindAlone) {
  const VolumeGroup before = on_disk("raid");
  const VolumeGroup vg = remove_volume(before, "r5", false);

  for (const LogicalVolume& lv : before.lvs) {
    const bool gone = std::string_view(lv.name) == "r5" || std::string_view(lv.name).starts_with("r5_");
    EXPECT_EQ(find_lv(vg, lv.name) == nullptr, gone) << lv.name;
  }
}

TEST(RemoveForeign, TakesCachesAlongAndTheSpareWithTheLastPool) {
  VolumeGroup vg = remove_volume(on_disk("cache"), "slow2", false);
  EXPECT_THAT(names_of(vg), UnorderedElementsAre("slow", "slow_corig", "fast_cpool", "fast_cpool_cdata",
                                                 "fast_cpool_cmeta", "lvol0_pmspare"));
  vg = remove_volume(vg, "slow", false);

  EXPECT_THAT(vg.lvs, IsEmpty());
}

TEST(RemoveForeign, OfASnapshotLeavesItsOrigin) {
  VolumeGroup vg = on_disk("snapshot");
  const Error of_origin = error_of([&] { remove_volume(vg, "org", false); });
  EXPECT_EQ(of_origin.code(), Errc::refused);
  EXPECT_THAT(of_origin.what(), HasSubstr("sn1"));
  EXPECT_EQ(error_of([&] { remove_volume(vg, "snapshot0", false); }).code(), Errc::refused);

  vg = remove_volume(vg, "sn1", false);
  vg = remove_volume(vg, "virt", false);

  EXPECT_THAT(names_of(vg), UnorderedElementsAre("org", "sn2", "snapshot1"));
  EXPECT_THAT(in_order_of_removal(vg), ElementsAre("sn2", "org"));
}

TEST(RemoveForeign, OfAThinVolumeTellsThePool) {
  const VolumeGroup vg = remove_volume(on_disk("thin"), "thin1", false);

  const std::string text = text_of(vg);
  EXPECT_THAT(text, HasSubstr("transaction_id = 4"));
  EXPECT_THAT(text, HasSubstr("message1 {"));
  EXPECT_THAT(text, HasSubstr("delete = 1"));
  EXPECT_THAT(text, Not(HasSubstr("\"thin1\"")));  // its snapshot has no origin any more
  EXPECT_NE(find_lv(vg, "snap1"), nullptr);
  EXPECT_EQ(read_group(text), vg);
  const Error second = error_of([&] { remove_volume(vg, "snap1", false); });
  EXPECT_EQ(second.code(), Errc::refused);
  EXPECT_THAT(second.what(), HasSubstr("message"));
}

TEST(RemoveForeign, OfSeveralThinVolumesIsOneTransactionOfThePool) {
  const VolumeGroup before = on_disk("thin");
  const VolumeGroup vg = remove_volumes(before, {"thin1", "snap1"}, false);

  const std::string text = text_of(vg);
  EXPECT_THAT(text_of(before), HasSubstr("transaction_id = 3"));
  EXPECT_THAT(text, HasSubstr("transaction_id = 4"));
  EXPECT_THAT(text, HasSubstr("message1 {\ndelete = 1\n"));
  EXPECT_THAT(text, HasSubstr("message2 {\ndelete = 2\n"));
  EXPECT_EQ(find_lv(vg, "snap1"), nullptr);
  EXPECT_EQ(read_group(text), vg);
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(RemoveForeign, TakesAllOfAGroupAtOnce) {
  for (const auto* name : {"raid", "mirror", "cache", "thin", "history", "snapshot"}) {
    const VolumeGroup before = on_disk(name);
    EXPECT_THAT(remove_volumes(before, in_order_of_removal(before), false).lvs, IsEmpty()) << name;
  }
}

TEST(RemoveSeveral, RefusesAllWhereOneCantGo) {
  const VolumeGroup vg = on_disk("thin");

  EXPECT_EQ(error_of([&] { remove_volumes(vg, {"thin1", "pool"}, false); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { remove_volumes(vg, {"thin1", "nobody"}, false); }).code(), Errc::not_found);
}

TEST(RemoveSeveral, MayNameWhatGoesAlong) {
  const VolumeGroup vg = remove_volumes(group_with_crypt(), {"a", "a_crdata"}, false);

  EXPECT_EQ(find_lv(vg, "a_crdata"), nullptr);
  EXPECT_TRUE(store_in(vg).erasing);
}

TEST(RemoveForeign, RefusesAPoolThatHoldsVolumesAndTakesAllOfOneThatDoesNot) {
  VolumeGroup vg = on_disk("thin");
  EXPECT_EQ(error_of([&] { remove_volume(vg, "pool", false); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { remove_volume(vg, "pool_tdata", false); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { remove_volume(vg, "ext", false); }).code(), Errc::refused);
  std::erase_if(vg.lvs, [](const LogicalVolume& lv) { return type_of(lv) == "thin"; });

  vg = remove_volume(vg, "pool", false);

  EXPECT_THAT(names_of(vg), ElementsAre("ext"));
}

TEST(RemoveForeign, KeepsThePastTrue) {
  const VolumeGroup vg = on_disk("history");
  const std::string of_t1 = text_of(remove_volume(vg, "t1", false));
  EXPECT_THAT(of_t1, HasSubstr("descendants = [\"t3\"]"));
  EXPECT_THAT(of_t1, Not(HasSubstr("\"t1\"")));

  // LVM2 forgets a volume of the past from which nothing comes any more.
  const VolumeGroup without_t3 = remove_volume(vg, "t3", false);
  EXPECT_THAT(text_of(without_t3), Not(HasSubstr("t2 {")));
  EXPECT_EQ(read_group(text_of(without_t3)), without_t3);
}

TEST(RemoveForeign, NamesWhoMustNotBeActive) {
  EXPECT_THAT(volumes_that_go(on_disk("thin"), "thin1"), ElementsAre("thin1"));
  EXPECT_THAT(volumes_concerned(on_disk("thin"), {"thin1"}), ElementsAre("thin1", "pool"));
  EXPECT_THAT(volumes_concerned(on_disk("snapshot"), {"sn1"}), Contains("org"));
  EXPECT_THAT(volumes_that_go(group_with_crypt(), "a"), ElementsAre("a", "a_crdata"));
}

}  // namespace
}  // namespace cv::metadata
