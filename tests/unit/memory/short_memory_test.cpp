// Changes of live devices by a command that runs out of memory anywhere.
#include "tests/unit/memory/short_memory.h"

#include <gmock/gmock.h>

#include "lib/base/error.h"
#include "tests/unit/activate/activator_fixture.h"

namespace cv::activate {

namespace {

/// Of what a change takes altogether, with the reserve; the steps are small beside what one request takes.
constexpr std::size_t kMost = std::size_t{600} << 10;
constexpr std::size_t kStep = 509;

}  // namespace

TEST(ShortMemory, RefusesWhatIsNotThere) {
  const ShortMemory memory(1000);

  const std::string fits(200, 'x');
  EXPECT_FALSE(memory.ran_out());
  EXPECT_THROW(std::string(2000, 'x'), std::bad_alloc);

  EXPECT_TRUE(memory.ran_out());
}

TEST_F(ActivatorTest, LeavesNothingSuspendedWithoutMemory) {
  for (const auto& vg : {group_with_tst(), striped_tst()}) {
    const auto next = longer(vg);
    for (const bool suspends_first : {false, true}) {
      bool ran_out = true;
      std::size_t tries = 0;
      for (std::size_t bytes = 0; ran_out; bytes += kStep, ++tries) {
        ASSERT_LT(bytes, kMost);
        activate(vg);
        const auto inputs = unlocked(next);
        {
          const ShortMemory memory(bytes);
          try {
            auto change = activator_.stage(vg, next, {"tst"}, inputs);
            if (suspends_first) change.suspend();
            change.go();
          } catch (const std::exception&) {
          }
          ran_out = memory.ran_out();
        }

        EXPECT_FALSE(mapper_.any_suspended()) << bytes;
        activator_.activate(next, {"tst"}, unlocked(next));
        EXPECT_EQ(live_length(vg, "tst"), kExtent * 6) << bytes;
        EXPECT_FALSE(mapper_.any_inactive_table()) << bytes;
        activator_.deactivate(next, {"tst"});
        if (HasFailure()) return;
      }
      EXPECT_GT(tries, 10U);
    }
  }
}

TEST_F(ActivatorTest, FinishesAnActivationThatRanOutOfMemory) {
  const auto vg = striped_tst();
  bool ran_out = true;
  for (std::size_t bytes = 0; ran_out; bytes += kStep) {
    ASSERT_LT(bytes, kMost);
    const auto inputs = unlocked(vg);
    {
      const ShortMemory memory(bytes);
      try {
        activator_.activate(vg, {"tst"}, inputs);
      } catch (const std::exception&) {
      }
      ran_out = memory.ran_out();
    }

    EXPECT_FALSE(mapper_.any_suspended()) << bytes;
    activate(vg);
    EXPECT_TRUE(activator_.is_active(vg, "tst"));
    EXPECT_FALSE(mapper_.any_inactive_table()) << bytes;
    activator_.deactivate(vg, {"tst"});
    EXPECT_TRUE(mapper_.empty()) << bytes;
    if (HasFailure()) return;
  }
}

}  // namespace cv::activate
