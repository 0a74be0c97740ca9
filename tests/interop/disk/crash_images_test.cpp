// What a power cut leaves behind during a command of ours, before the real LVM2: it reads the state that we
// read.
//
// CVM_SEED=N draws other images, CVM_CRASH_STOCK=N so many of each command.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/interop/disk/stock_view.h"
#include "tests/support/crash_case.h"
#include "tests/support/random_edits.h"

namespace cv::test {
namespace {

unsigned images_of_each() {
  const char* given = std::getenv("CVM_CRASH_STOCK");
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : 2;
}

/// Images drawn one by one, each with the same chance, from a number that nobody knows before.
class Draw {
 public:
  Draw(unsigned wanted, std::uint64_t seed) : wanted_(wanted), random_(seed) {}

  void offer(const CrashImages::Disks& disks, const std::string& what) {
    const std::uint64_t place = offered_++;
    const std::uint64_t slot =
        place < wanted_ ? place : std::uniform_int_distribution<std::uint64_t>(0, place)(random_);
    if (slot >= wanted_) return;
    drawn.resize(std::max<std::size_t>(drawn.size(), slot + 1));
    drawn[slot] = {copy_of(disks), what};
  }

  struct Image {
    CrashImages::Disks disks;
    std::string what;
  };
  std::vector<Image> drawn;

 private:
  unsigned wanted_;
  std::mt19937_64 random_;
  std::uint64_t offered_ = 0;
};

/// While its disks go over into the other group, stock LVM2 lists a group that is merged beside the result;
/// we go by the marker in the text.
bool is_merge(const CrashCase& one) {
  return one.command.starts_with("vgmerge");
}

/// A PV that moves into a group that is split off is named by both texts for a while: stock LVM2 lists it
/// twice then. Groups and segments are the same.
void leave_out_claims(const CrashCase& one, std::vector<std::string>& lines) {
  if (!one.command.starts_with("vgsplit")) return;
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("pv "); });
}

TEST(StockLvm2, ReadsTheSameStateAsWeInWhatAPowerCutLeaves) {
  const std::uint64_t seed = seed_from_environment();
  unsigned images = 0;
  unsigned differing = 0;
  for (const CrashCase& one : crash_cases()) {
    if (is_merge(one)) continue;
    CrashRecording recording = record(one);
    Draw draw(images_of_each(), seed);
    const auto offer = [&](CrashImages::Disks& disks, const std::string& what) { draw.offer(disks, what); };
    CrashImages all(copy_of(recording.before), recording.log);
    all.each_prefix(offer);
    all.each_subset(offer, {.seed = seed, .samples = 100});
    const StockLvm lvm(one.disks, recording.before.front()->size());
    for (const auto& image : draw.drawn) {
      put_on(lvm, image.disks);
      auto ours = as_we_say(lvm);
      auto theirs = as_stock_says(lvm);
      leave_out_claims(one, ours);
      leave_out_claims(one, theirs);
      ++images;
      if (ours == theirs) continue;
      ++differing;
      ADD_FAILURE() << fmt::format("{}, {}, CVM_SEED={}\nours:\n{}\nstock:\n{}", one.command, image.what,
                                   seed, fmt::join(ours, "\n"), fmt::join(theirs, "\n"));
    }
  }
  std::cout << fmt::format("crash images before stock LVM2: {} images, {} read otherwise, CVM_SEED={}\n",
                           images, differing, seed);
}

}  // namespace
}  // namespace cv::test
