#include "activate/new_volumes.h"

#include <gmock/gmock.h>

#include "tests/unit/activate/activator_fixture.h"

namespace cv::activate {

namespace {

VolumeGroup without_tst(VolumeGroup vg) {
  std::erase_if(vg.lvs, [](const auto& lv) { return lv.name.starts_with("tst"); });
  return vg;
}

}  // namespace

TEST_F(ActivatorTest, ShowsANewEncryptedVolumeToEverybodyOnceItIsWiped) {
  const auto vg = striped_tst();
  activator_.stage(without_tst(vg), vg, {"tst"}, unlocked(vg)).go();

  wipe_new_volumes(mapper_, vg, {"tst"});

  EXPECT_THAT(mapper_.history(),
              testing::ElementsAre("create vg0-tst_crdata", "load vg0-tst_crdata", "resume vg0-tst_crdata",
                                   "create vg0-tst", "load vg0-tst", "resume vg0-tst unscanned",
                                   "wipe vg0-tst", "suspend vg0-tst", "resume vg0-tst"));
}

TEST_F(ActivatorTest, ShowsANewVolumeThatCannotBeWipedAndSaysSo) {
  const auto vg = group_with_tst();
  activator_.stage(without_tst(vg), vg, {"tst"}, unlocked(vg)).go();
  mapper_.clear_history();
  mapper_.fail_at(1);

  EXPECT_THROW(wipe_new_volumes(mapper_, vg, {"tst"}), Error);

  EXPECT_THAT(mapper_.history(), testing::ElementsAre("suspend vg0-tst", "resume vg0-tst"));
}

TEST_F(ActivatorTest, WipesNothingThatIsPlainOrClosedOrNotToBeWrittenTo) {
  auto vg = group_with_tst();
  add_volume(vg, "plain", true, {linear(0, 2, on_pv(1, 0))});
  activator_.activate(vg, {"plain"}, inputs_for(vg));
  mapper_.clear_history();

  wipe_new_volumes(mapper_, vg, {"plain", "tst"});
  activate(vg);
  mapper_.clear_history();
  metadata::clear_flag(metadata::find_lv(vg, "tst")->flags, "WRITE");
  wipe_new_volumes(mapper_, vg, {"tst"});

  EXPECT_TRUE(mapper_.history().empty());
}

}  // namespace cv::activate
