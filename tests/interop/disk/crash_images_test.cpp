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

#include "lib/device/block_device.h"
#include "tests/interop/disk/both_reports.h"
#include "tests/support/crash_case.h"
#include "tests/support/random_edits.h"

namespace cv::test {
namespace {

using namespace metadata;

/// Where labels and metadata areas of PVs of the table lie: at both ends.
constexpr std::size_t kEnd = 1 << 20;

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

void put(const StockLvm& lvm, const CrashImages::Disks& disks) {
  for (std::size_t i = 0; i < lvm.devices().size(); ++i) {
    const auto device = device::open_device(lvm.device(i), device::Access::read_write);
    const std::size_t size = device->size().n;
    std::vector<std::byte> content(size);
    if (i < disks.size()) content = disks[i]->content();
    const std::span<const std::byte> all(content);
    device->write(Bytes(0), all.first(kEnd));
    device->write(Bytes(size - kEnd), all.last(kEnd));
    device->flush();
  }
}

std::vector<std::string> as_stock_says(const StockLvm& lvm) {
  std::vector<std::string> lines;
  for (const auto& row : stock_rows(lvm, "vgs -o vg_name,vg_uuid,vg_seqno,pv_count"))
    lines.push_back(fmt::format("group {} {} {} of {}", row.at("vg_name"), row.at("vg_uuid"),
                                row.at("vg_seqno"), row.at("pv_count")));
  for (const auto& row : stock_rows(lvm, "lvs -a -o vg_name,lv_name,lv_uuid,seg_start_pe,seg_size_pe"))
    lines.push_back(fmt::format("segment {} {} {} {} {}", row.at("vg_name"), row.at("lv_name"),
                                row.at("lv_uuid"), row.at("seg_start_pe"), row.at("seg_size_pe")));
  for (const auto& row : stock_rows(lvm, "pvs -o pv_name,pv_uuid,vg_name"))
    lines.push_back(fmt::format("pv {} {} {}", row.at("pv_name"), row.at("pv_uuid"), row.at("vg_name")));
  std::ranges::sort(lines);
  return lines;
}

/// As stock names it where a PV says that it is in use and nobody knows by whom.
std::string group_of(const FoundPv& pv) {
  if (pv.state == PvState::used) return "[unknown]";
  return pv.state == PvState::member ? pv.group : "";
}

std::vector<std::string> as_we_say(const StockLvm& lvm) {
  auto store = lvm.store();
  const Scan scan = store.scan();
  std::vector<std::string> lines;
  for (const FoundGroup& group : scan.groups) {
    const VolumeGroup& vg = group.vg;
    lines.push_back(fmt::format("group {} {} {} of {}", vg.name, vg.id.text(), vg.seqno, vg.pvs.size()));
    for (const LogicalVolume& lv : vg.lvs)
      for (const Segment& segment : lv.segments)
        lines.push_back(
            fmt::format("segment {} {} {} {} {}", vg.name,
                        is_visible(lv) ? fmt::format("{}", lv.name) : fmt::format("[{}]", lv.name),
                        lv.id.text(), segment.start.n, segment.count.n));
  }
  for (const FoundPv& pv : scan.pvs)
    lines.push_back(
        fmt::format("pv {} {} {}", pv.disk.device->path(), pv.disk.label.id.text(), group_of(pv)));
  std::ranges::sort(lines);
  return lines;
}

TEST(StockLvm2, ReadsTheSameStateAsWeInWhatAPowerCutLeaves) {
  const std::uint64_t seed = seed_from_environment();
  unsigned images = 0;
  unsigned differing = 0;
  for (const CrashCase& one : crash_cases()) {
    CrashRecording recording = record(one);
    Draw draw(images_of_each(), seed);
    const auto offer = [&](CrashImages::Disks& disks, const std::string& what) { draw.offer(disks, what); };
    CrashImages all(copy_of(recording.before), recording.log);
    all.each_prefix(offer);
    all.each_subset(offer, {.seed = seed, .samples = 100});
    const StockLvm lvm(one.disks, recording.before.front()->size());
    for (const auto& image : draw.drawn) {
      put(lvm, image.disks);
      const auto ours = as_we_say(lvm);
      const auto theirs = as_stock_says(lvm);
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
