// How long the parts of a command take with a group of so many volumes. Linear is what all of them should be.
#include <benchmark/benchmark.h>

#include "metadata/allocate.h"
#include "metadata/check.h"
#include "metadata/disk/metadata_area.h"
#include "metadata/edit.h"
#include "metadata/group_index.h"
#include "metadata/group_text.h"

namespace {

using namespace cv;
using namespace cv::metadata;

template <class IdType>
IdType numbered(std::size_t number) {
  return *IdType::parse(fmt::format("{:032}", number));
}

NewId counting_ids() {
  return [next = std::size_t{1000000}]() mutable { return numbered<LvId>(next++); };
}

/// Room for twice the volumes, on four PVs.
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
    segment.kind = Striped{Sectors(), {PhysicalArea{vg.pvs[i % 4].id, Extents(i / 4 * 2)}}};
  }
  return vg;
}

std::size_t volumes_in(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

/// `work` on a group of state.range(0) volumes.
template <class Work>
void on_group(benchmark::State& state, Work&& work) {
  const VolumeGroup vg = group_of(volumes_in(state));
  for (auto _ : state) benchmark::DoNotOptimize(work(vg));
  state.SetComplexityN(state.range(0));
}

void parse(benchmark::State& state) {
  const std::string text = print_group(group_of(volumes_in(state)), {});
  for (auto _ : state) benchmark::DoNotOptimize(read_group(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
  state.SetComplexityN(state.range(0));
}

void tokenise(benchmark::State& state) {
  const std::string text = print_group(group_of(volumes_in(state)), {});
  for (auto _ : state) {
    config::Parser parser(text);
    while (parser.next().kind != config::Event::Kind::end) {
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
  state.SetComplexityN(state.range(0));
}

void print(benchmark::State& state) {
  on_group(state, [](const VolumeGroup& vg) { return print_group(vg, {}); });
}

void copy(benchmark::State& state) {
  on_group(state, [](const VolumeGroup& vg) { return VolumeGroup(vg); });
}

void compare(benchmark::State& state) {
  const VolumeGroup other = group_of(volumes_in(state));
  on_group(state, [&](const VolumeGroup& vg) { return vg == other; });
}

void judge(benchmark::State& state) {
  on_group(state, [](const VolumeGroup& vg) { return check(vg); });
}

void usage(benchmark::State& state) {
  on_group(state, [](const VolumeGroup& vg) { return usage_of(vg); });
}

void index(benchmark::State& state) {
  on_group(state, [](const VolumeGroup& vg) { return GroupIndex(vg); });
}

NewVolume volume(std::size_t number) {
  return {
      .name = fmt::format("new{}", number), .size = Extents(2), .placement = {}, .tags = {}, .origin = {}};
}

void create_one(benchmark::State& state) {
  on_group(state, [](const VolumeGroup& vg) { return create_plain(vg, volume(0), counting_ids()); });
}

void checksum(benchmark::State& state) {
  const std::string text = print_group(group_of(volumes_in(state)), {});
  for (auto _ : state) benchmark::DoNotOptimize(disk::measure(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
  state.SetComplexityN(state.range(0));
}

#define CVM_SIZES RangeMultiplier(10)->Range(10, 10000)->Unit(benchmark::kMicrosecond)->Complexity()
BENCHMARK(tokenise)->CVM_SIZES;
BENCHMARK(parse)->CVM_SIZES;
BENCHMARK(print)->CVM_SIZES;
BENCHMARK(copy)->CVM_SIZES;
BENCHMARK(compare)->CVM_SIZES;
BENCHMARK(judge)->CVM_SIZES;
BENCHMARK(usage)->CVM_SIZES;
BENCHMARK(index)->CVM_SIZES;
BENCHMARK(create_one)->CVM_SIZES;
BENCHMARK(checksum)->CVM_SIZES;

}  // namespace

BENCHMARK_MAIN();
