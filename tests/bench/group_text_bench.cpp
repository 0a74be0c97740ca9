// How long reading and printing a group of 10,000 volumes takes. Prints the best of several runs.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "metadata/group_text.h"

namespace {

using namespace cv;
using namespace cv::metadata;

template <class IdType>
IdType numbered(std::size_t number) {
  return *IdType::parse(fmt::format("{:032}", number));
}

VolumeGroup group_of(std::size_t volumes) {
  VolumeGroup vg;
  vg.name = "vg0";
  for (const auto* flag : {"RESIZEABLE", "READ", "WRITE"}) set_flag(vg.flags, flag);
  vg.extent_size = Sectors(8192);
  for (std::size_t i = 0; i < 4; ++i) {
    PhysicalVolume& pv = vg.pvs.emplace_back();
    pv.id = numbered<PvId>(i);
    pv.device = fmt::format("/dev/sd{}", static_cast<char>('a' + i));
    set_flag(pv.flags, "ALLOCATABLE");
    pv.pe_start = Sectors(2048);
    pv.pe_count = Extents(volumes);
  }
  for (std::size_t i = 0; i < volumes; ++i) {
    LogicalVolume& lv = vg.lvs.emplace_back();
    lv.name = fmt::format("lvol{}", i);
    lv.id = numbered<LvId>(i);
    for (const auto* flag : {"READ", "WRITE", "VISIBLE"}) set_flag(lv.flags, flag);
    lv.creation_time = 1795166748;
    lv.creation_host = "host.example.org";
    Segment& segment = lv.segments.emplace_back();
    segment.count = Extents(1);
    segment.kind = Striped{Sectors(), {PhysicalArea{vg.pvs[i % 4].id, Extents(i / 4)}}};
  }
  return vg;
}

template <class Work>
double best_milliseconds(Work work) {
  double best = 1e9;
  for (int run = 0; run < 10; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count());
  }
  return best;
}

}  // namespace

int main() {
  const VolumeGroup vg = group_of(10000);
  const std::string text = print_group(vg, {});
  bool same = true;
  const double read = best_milliseconds([&] { same = same && read_group(text) == vg; });
  const double print = best_milliseconds([&] { same = same && print_group(vg, {}) == text; });
  const double copy = best_milliseconds([&] { same = same && VolumeGroup(vg) == vg; });
  std::printf(
      "10,000 volumes, %zu bytes: read and compare %.1f ms, print %.1f ms, copy and compare %.1f ms\n",
      text.size(), read, print, copy);
  return same ? 0 : 1;
}
