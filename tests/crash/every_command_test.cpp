// Power cuts during whole commands, those of the table in tests/support/crash_case.cpp: whichever of their
// writes arrive, in whatever order and torn at any sector, the disks are as before or as after.
//
// CVM_CRASH_SAMPLES=N draws more samples, CVM_SEED=N other ones.
#include <chrono>
#include <iostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/crash_case.h"

namespace cv::test {
namespace {

constexpr unsigned kShown = 3;  // failures of a command that are told in full

struct Tally {
  unsigned images = 0;
  unsigned failures = 0;
};

/// Counts over all commands, and says so at the end.
class Total final : public testing::Environment {
 public:
  Tally tally;
  unsigned commands = 0;

  void TearDown() override {
    if (commands == 0) return;
    std::cout << fmt::format("{} commands: {} images, {} failures\n", commands, tally.images, tally.failures);
  }
};
Total& total() {
  static auto* const environment = static_cast<Total*>(testing::AddGlobalTestEnvironment(new Total));
  return *environment;
}
// Environments must be there before the tests run.
const bool kIsCounted = (total(), true);

class EveryCommand : public testing::TestWithParam<CrashCase> {};

TEST_P(EveryCommand, LeavesTheOldStateOrTheNew) {
  const auto start = std::chrono::steady_clock::now();
  const CrashCase& one = GetParam();
  const CrashSampling sampling = CrashSampling::from_environment();
  CrashRecording recording = record(one);
  CrashJudge judge(one, recording);
  for (const std::string& flaw : judge.flaws_of_recording()) ADD_FAILURE() << flaw;
  Tally tally;
  const auto look = [&](CrashImages::Disks& disks, const std::string& what) {
    ++tally.images;
    const std::string flaw = judge.flaw_of(disks);
    if (flaw.empty()) return;
    if (++tally.failures <= kShown)
      ADD_FAILURE() << flaw << "\nin the image of " << what << ", CVM_SEED=" << sampling.seed
                    << " CVM_CRASH_SAMPLES=" << sampling.samples;
  };

  CrashImages images(copy_of(recording.before), recording.log);
  images.each_prefix(look);
  images.each_subset(look, sampling);

  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << fmt::format("{}: {} images, {} failures (seed {}, {:.1f} s)\n", one.name, tally.images,
                           tally.failures, sampling.seed, seconds.count());
  EXPECT_EQ(tally.failures, 0U);
  total().tally.images += tally.images;
  total().tally.failures += tally.failures;
  ++total().commands;
}

INSTANTIATE_TEST_SUITE_P(Table, EveryCommand, testing::ValuesIn(crash_cases()),
                         [](const auto& one) { return one.param.name; });

/// A harness that finds nothing proves nothing.
TEST(CommandsWithoutFlushes, LeaveStatesOfTheirOwn) {
  const CrashCase one{.name = "unflushed",
                      .setup = {"VG", "cvcreate -an -l 1 -n a vg0"},
                      .command = "cvcreate -an -l 1 -n b vg0"};
  CrashRecording recording = record(one);
  std::erase_if(recording.log.events, [](const CrashLog::Event& event) { return event.is_flush(); });
  CrashJudge judge(one, recording);
  unsigned failures = 0;

  CrashImages(copy_of(recording.before), recording.log).each_subset([&](auto& disks, const auto&) {
    failures += judge.flaw_of(disks).empty() ? 0 : 1;
  });

  EXPECT_GT(failures, 0U);
  EXPECT_THAT(judge.flaws_of_recording(), testing::Contains("its last write is not flushed"));
}

}  // namespace

void PrintTo(const CrashCase& one, std::ostream* out) {
  *out << one.command;
}

}  // namespace cv::test
