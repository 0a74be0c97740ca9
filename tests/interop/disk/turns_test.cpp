// We and stock LVM2 change one group by turns, at random, and after each change both report the same.
//
// CVM_SEED=N repeats a run.
#include <iostream>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/interop/disk/both_reports.h"
#include "tests/support/random_edits.h"
#include "tools/commands/list.h"

namespace cv::test {
namespace {

using ::testing::IsEmpty;

constexpr unsigned kChanges = 200;
constexpr std::size_t kManyVolumes = 20;

class Turns {
 public:
  Turns(const StockLvm& lvm, std::uint64_t seed) : lvm_(lvm), random_(seed) {}

  /// One change of the group by either. Returns what was done.
  std::string change() {
    volumes_.clear();
    for (const ReportRow& row : stock_rows(lvm_, "lvs -o lv_name,seg_size_pe,stripes,lv_tags vg0")) {
      auto& volume = volumes_[row.at("lv_name")];
      volume.extents += std::stoull(row.at("seg_size_pe"));
      volume.stripes = std::stoull(row.at("stripes"));
      volume.tags = row.at("lv_tags");
    }
    const bool ours = pick(2) == 0;
    std::string command = ours ? our_command() : stock_command();
    if (ours) {
      must_cvm(command);
    } else {
      lvm_.must(command);
    }
    ++(ours ? by_us : by_stock)[command.substr(0, command.find(' '))];
    return (ours ? "cvm " : "lvm ") + command;
  }

  std::map<std::string, unsigned> by_us;
  std::map<std::string, unsigned> by_stock;

 private:
  struct Volume {
    unsigned long long extents = 0;
    unsigned long long stripes = 1;
    std::string tags;
  };

  std::uint64_t pick(std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_);
  }
  const std::pair<const std::string, Volume>& any() {
    return *std::next(volumes_.begin(), static_cast<std::ptrdiff_t>(pick(volumes_.size())));
  }
  std::string fresh() { return fmt::format("v{}", next_++); }

  std::string our_command() {
    enum { create, striped, extend, remove, rename, reduce, tag, kinds };
    auto kind = pick(kinds);
    if (volumes_.empty()) kind = create;
    if (volumes_.size() > kManyVolumes) kind = remove;
    const bool can_rename = tools::find_command("cvrename") != nullptr;
    const bool can_reduce = tools::find_command("cvreduce") != nullptr;
    const bool can_tag = tools::find_command("vgchange") != nullptr;
    switch (kind) {
      case create: return fmt::format("cvcreate -an -l {} -n {} vg0", 1 + pick(8), fresh());
      case striped: return fmt::format("cvcreate -an -i 2 -l {} -n {} vg0", 2 * (1 + pick(4)), fresh());
      case remove: return "cvremove -y vg0/" + any().first;
      case rename:
        if (can_rename) return fmt::format("cvrename vg0/{} vg0/{}", any().first, fresh());
        break;
      case reduce:
        for (const auto& [name, volume] : volumes_)
          if (can_reduce && volume.extents > volume.stripes)
            return fmt::format("cvreduce -y -f -l -{} vg0/{}", volume.stripes, name);
        break;
      case tag:
        if (can_tag) return fmt::format("vgchange --addtag ours{} vg0", next_++);
        break;
      default: break;
    }
    const auto& [name, volume] = any();
    return fmt::format("cvextend -l +{} vg0/{}", volume.stripes * (1 + pick(4)), name);
  }

  std::string stock_command() {
    enum { create, striped, extend, remove, rename, reduce, tag_group, tag_volume, untag, policy, kinds };
    auto kind = pick(kinds);
    if (volumes_.empty()) kind = create;
    if (volumes_.size() > kManyVolumes) kind = remove;
    switch (kind) {
      case create: return fmt::format("lvcreate -an -Zn -Wn -l {} -n {} vg0", 1 + pick(8), fresh());
      case striped:
        return fmt::format("lvcreate -an -Zn -Wn -i 2 -l {} -n {} vg0", 2 * (1 + pick(4)), fresh());
      case remove: return "lvremove -y vg0/" + any().first;
      case rename: return fmt::format("lvrename vg0/{} vg0/{}", any().first, fresh());
      case reduce:
        for (const auto& [name, volume] : volumes_)
          if (volume.extents > volume.stripes)
            return fmt::format("lvreduce -y -f -l -{} vg0/{}", volume.stripes, name);
        break;
      case tag_group: return fmt::format("vgchange --addtag stock{} vg0", next_++);
      case tag_volume: return fmt::format("lvchange --addtag t{} vg0/{}", next_++, any().first);
      case untag:
        for (const auto& [name, volume] : volumes_)
          if (!volume.tags.empty())
            return fmt::format("lvchange --deltag {} vg0/{}", volume.tags.substr(0, volume.tags.find(',')),
                               name);
        break;
      case policy:
        return fmt::format("vgchange --alloc {} vg0", (policy_ = !policy_) ? "anywhere" : "normal");
      default: break;
    }
    const auto& [name, volume] = any();
    return fmt::format("lvextend -l +{} vg0/{}", volume.stripes * (1 + pick(4)), name);
  }

  const StockLvm& lvm_;
  std::mt19937_64 random_;
  std::map<std::string, Volume> volumes_;
  unsigned next_ = 0;
  bool policy_ = false;
};

TEST(StockLvm2, AgreesWithUsAfterEachOfManyChangesByBoth) {
  const std::uint64_t seed = seed_from_environment();
  const StockLvm lvm(3);
  must_cvm(fmt::format("vgcreate -s 64k vg0 {} {}", lvm.device(0), lvm.device(1)));
  lvm.must("vgextend vg0 " + lvm.device(2));
  Turns turns(lvm, seed);
  BothReports reports(lvm);

  for (unsigned i = 0; i < kChanges; ++i) {
    SCOPED_TRACE(fmt::format("change {}, CVM_SEED={}", i, seed));
    const std::string done = turns.change();
    ASSERT_THAT(reports.differences(), IsEmpty()) << done;
  }

  std::cout << fmt::format("turns: {} changes, {} values compared, CVM_SEED={}\n", kChanges,
                           reports.compared(), seed);
  for (const auto* side : {&turns.by_us, &turns.by_stock})
    for (const auto& [command, times] : *side) std::cout << fmt::format("  {} {}\n", command, times);
  EXPECT_EQ(lvm.must("vgs --noheadings -o vg_seqno vg0"), std::to_string(kChanges + 2));
  EXPECT_EQ(lvm.run("vgck vg0").status, 0);
}

}  // namespace
}  // namespace cv::test
