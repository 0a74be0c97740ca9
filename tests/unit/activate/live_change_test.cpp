// Volumes that change while they are open, and what is left when that fails.
#include <gmock/gmock.h>

#include "lib/base/error.h"
#include "tests/unit/activate/activator_fixture.h"

namespace cv::activate {

TEST_F(ActivatorTest, GrowsALiveVolumeWithTheCommitInBetween) {
  for (const auto& vg : {group_with_tst(), striped_tst()}) {
    const auto next = longer(vg);
    activate(vg);
    mapper_.open(uuid_of(vg, "tst"));

    auto change = activator_.stage(vg, next, {"tst"}, unlocked(next));
    EXPECT_EQ(live_length(vg, "tst"), kExtent * 4);
    change.suspend();
    EXPECT_TRUE(mapper_.any_suspended());
    change.go();

    EXPECT_EQ(live_length(vg, "tst"), kExtent * 6);
    EXPECT_FALSE(mapper_.any_suspended());
    EXPECT_FALSE(mapper_.any_inactive_table());
    mapper_.close(uuid_of(vg, "tst"));
    activator_.deactivate(next, {"tst"});
  }
}

TEST_F(ActivatorTest, ShrinksALiveVolumeAndWhatIsBelow) {
  const auto vg = longer(striped_tst());
  const auto next = striped_tst();
  activate(vg);

  auto change = activator_.stage(vg, next, {"tst"}, unlocked(next));
  EXPECT_EQ(live_length(vg, "tst_crdata"), kExtent * 6);
  change.go();

  EXPECT_EQ(live_length(vg, "tst"), kExtent * 4);
  EXPECT_EQ(live_length(vg, "tst_crdata"), kExtent * 4);
}

TEST_F(ActivatorTest, LeavesALiveVolumeAsItWasWhenAChangeIsDropped) {
  for (const auto& vg : {group_with_tst(), striped_tst()}) {
    const auto next = longer(vg);
    activate(vg);

    for (const bool suspended : {false, true}) {
      auto change = activator_.stage(vg, next, {"tst"}, unlocked(next));
      if (suspended) change.suspend();
    }

    EXPECT_EQ(live_length(vg, "tst"), kExtent * 4);
    EXPECT_FALSE(mapper_.any_suspended());
    EXPECT_FALSE(mapper_.any_inactive_table());
    activator_.deactivate(vg, {"tst"});
  }
}

TEST_F(ActivatorTest, LeavesALiveVolumeUsableWhenAnyStepOfAChangeFails) {
  for (const auto& vg : {group_with_tst(), striped_tst()}) {
    const auto next = longer(vg);
    for (unsigned step = 1;; ++step) {
      activate(vg);
      const auto inputs = unlocked(next);
      bool is_committed = false;
      bool failed = false;
      mapper_.fail_at(step);
      try {
        auto change = activator_.stage(vg, next, {"tst"}, inputs);
        change.suspend();
        is_committed = true;
        change.go();
      } catch (const Error&) {
        failed = true;
      }
      mapper_.fail_at(0);

      EXPECT_FALSE(mapper_.any_suspended()) << "step " << step;
      EXPECT_FALSE(mapper_.any_inactive_table()) << "step " << step;
      if (!is_committed) {
        EXPECT_EQ(live_length(vg, "tst"), kExtent * 4) << "step " << step;
      }
      // What is committed the next activation finishes.
      activator_.activate(is_committed ? next : vg, {"tst"}, unlocked(next));
      EXPECT_EQ(live_length(vg, "tst"), kExtent * (is_committed ? 6 : 4)) << "step " << step;
      activator_.deactivate(next, {"tst"});
      if (!failed) break;
    }
  }
}

}  // namespace cv::activate
