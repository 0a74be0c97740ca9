// Random sequences of edits: whatever they do, the laws of tests/support/random_edits.h hold.
//
// CVM_SEED=N repeats a run; the seed is part of every failure's message.
#include <iostream>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/iv_space.h"
#include "tests/support/group_builder.h"
#include "tests/support/random_edits.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::IsEmpty;

constexpr unsigned kSequences = 150;
constexpr unsigned kSteps = 60;

/// One encrypted volume of what were two: its segments have two stores.
void join(VolumeGroup& vg, const std::string& name, const std::string& behind) {
  for (const char* suffix : {"", "_crdata"}) {
    LogicalVolume& lv = *find_lv(vg, name + suffix);
    const Extents begin = size_of(lv);
    for (Segment segment : lv_at(vg, behind + suffix).segments) {
      segment.start += begin;
      if (auto* crypt = std::get_if<Crypt>(&segment.kind))
        crypt->area = LogicalArea{name + "_crdata", segment.start};
      lv.segments.push_back(std::move(segment));
    }
  }
  std::erase_if(vg.lvs,
                [&](const LogicalVolume& lv) { return std::string_view(lv.name).starts_with(behind); });
}

VolumeGroup some_group(std::uint64_t seed) {
  VolumeGroup vg = group_with({40, 60, 25});
  vg.extent_size = seed % 2 == 0 ? Sectors(8192) : Sectors(256);
  if (seed % 3 == 0) {
    const NewId ids = counting_ids(10);
    vg = create_store(vg, plain_store(), ids);
    vg = create_store(vg, plain_store("cryptostore2", kIvWindow.n * 5), ids);
    vg = create_crypt(vg, crypt_volume("mixed", 6), ids);
    vg = create_crypt(vg, crypt_volume("behind", 6, "cryptostore2"), ids);
    join(vg, "mixed", "behind");
  }
  for (PhysicalVolume& pv : vg.pvs) pv.dev_size = pv.pe_start + to_sectors(pv.pe_count, vg.extent_size);
  return vg;
}

TEST(Edits, NeverUseAnExtentOrAnIvTwiceAndPrintWhatTheyRead) {
  const std::uint64_t first = seed_from_environment();
  std::map<std::string, unsigned> done;
  for (std::uint64_t seed = first; seed < first + kSequences; ++seed) {
    EditWorld world(some_group(seed), seed);
    world.pvs_change = true;
    EditLaws laws(world.vg);
    for (unsigned step = 0; step < kSteps; ++step) {
      const VolumeGroup before = world.vg;
      const EditOutcome outcome = random_edit(world);
      SCOPED_TRACE(fmt::format("CVM_SEED={}, step {}: {}", seed, step, outcome.edit));
      done[outcome.edit] += outcome.done ? 1 : 0;
      ASSERT_TRUE(outcome.reason.empty() || world.vg == before) << outcome.reason;
      ASSERT_THAT(laws.broken_by(world.vg), IsEmpty());
    }
  }

  std::cout << fmt::format("edits: {} sequences of {} steps, CVM_SEED={}\n", kSequences, kSteps, first);
  for (const auto& [edit, times] : done) EXPECT_GT(times, 0U) << "never done: " << edit;
}

TEST(Laws, AreBrokenByWhatBreaksThem) {
  const NewId ids = counting_ids();
  VolumeGroup vg = create_store(group_with({40}), plain_store(), ids);
  vg = create_crypt(vg, crypt_volume("a", 4, "cryptostore1"), ids);
  EditLaws laws(vg);
  ASSERT_THAT(laws.broken_by(vg), IsEmpty());
  VolumeGroup moved = vg;
  std::get<PhysicalArea>(std::get<Striped>(find_lv(moved, "a_crdata")->segments[0].kind).stripes[0]).first +=
      Extents(8);
  EXPECT_THAT(laws.broken_by(moved), ::testing::Contains("extent 0 of a is elsewhere"));

  // Removed, and made again with the IVs it had.
  laws.broken_by(group_with({40}));
  EXPECT_THAT(laws.broken_by(vg), ::testing::Contains(::testing::HasSubstr("are given out again")));
}

}  // namespace
}  // namespace cv::metadata
