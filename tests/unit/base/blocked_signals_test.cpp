// Signals that wait for the end of a change.
#include "lib/base/blocked_signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <optional>

namespace cv {
namespace {

volatile std::sig_atomic_t arrived = 0;

class Signals : public testing::TestWithParam<int> {
 protected:
  Signals() {
    arrived = 0;
    former_ = std::signal(GetParam(), [](int) { arrived = arrived + 1; });
  }
  ~Signals() override { std::signal(GetParam(), former_); }

 private:
  void (*former_)(int) = nullptr;
};

TEST_P(Signals, TakeEffectWhenTheChangeIsComplete) {
  {
    BlockedSignals first;
    std::raise(GetParam());
    EXPECT_EQ(arrived, 0);
    const BlockedSignals moved(std::move(first));
    {
      const BlockedSignals inner;
      std::raise(GetParam());
    }
    EXPECT_EQ(arrived, 0) << "an inner change is a part of the outer one";
  }
  EXPECT_EQ(arrived, 1);
  std::raise(GetParam());
  EXPECT_EQ(arrived, 2);
}

TEST_P(Signals, WaitForTheLastOfSeveralChanges) {
  auto first = std::make_optional<BlockedSignals>();
  auto second = std::make_optional<BlockedSignals>();
  std::raise(GetParam());

  first.reset();
  EXPECT_EQ(arrived, 0);
  second.reset();
  EXPECT_EQ(arrived, 1);
  std::raise(GetParam());
  EXPECT_EQ(arrived, 2);
}

INSTANTIATE_TEST_SUITE_P(Ending, Signals, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGQUIT));

}  // namespace
}  // namespace cv
