// Random edits of ours, each committed: the real LVM2 reads every state that they make, and counts the same
// extents.
//
// CVM_SEED=N repeats a run.
#include <iostream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/usage.h"
#include "tests/interop/disk/stock_view.h"
#include "tests/support/group_builder.h"
#include "tests/support/random_edits.h"

namespace cv::test {
namespace {

using namespace metadata;
using ::testing::IsEmpty;

constexpr unsigned kSequences = 2;
constexpr unsigned kSteps = 40;
constexpr unsigned kSampled = 4;  // one state in so many goes before stock LVM2

VolumeGroup new_group(const StockLvm& lvm, MetadataStore& store) {
  for (const auto& device : lvm.devices())
    store.create_pv(device->path(), {.id = PvId::random(), .layout = {}});
  auto change = store.begin_new("vg0");
  VolumeGroup vg = group_with({});
  vg.id = VgId::random();
  vg.extent_size = Sectors(512);
  for (const auto& device : lvm.devices())
    vg.pvs.push_back(change.new_member(device->path(), vg.extent_size));
  change.prepare(vg, "created VG vg0");
  change.commit();
  return change.current();
}

TEST(StockLvm2, ReadsTheStatesThatRandomEditsMake) {
  const std::uint64_t first = seed_from_environment();
  unsigned sampled = 0;
  for (std::uint64_t seed = first; seed < first + kSequences; ++seed) {
    const StockLvm lvm(3);
    auto store = lvm.store();
    EditWorld world(new_group(lvm, store), seed);
    EditLaws laws(world.vg);
    unsigned done = 0;
    for (unsigned step = 0; step < kSteps; ++step) {
      const EditOutcome outcome = random_edit(world);
      SCOPED_TRACE(fmt::format("CVM_SEED={}, step {}: {}", seed, step, outcome.edit));
      if (!outcome.done) continue;
      {
        auto change = store.begin("vg0");
        change.prepare(world.vg, outcome.edit);
        change.commit();
        world.vg = change.current();
      }
      ASSERT_THAT(laws.broken_by(world.vg), IsEmpty());
      if (done++ % kSampled != 0) continue;
      ++sampled;
      ASSERT_EQ(as_we_say(lvm), as_stock_says(lvm));
      const std::string free = lvm.must("vgs --noheadings -o vg_free_count vg0");  // behind warnings
      ASSERT_EQ(std::to_string(free_extents(world.vg).n), free.substr(free.rfind(' ') + 1));
      const auto vgck = lvm.run("vgck vg0");
      ASSERT_EQ(vgck.status, 0) << vgck.output;
    }
  }
  std::cout << fmt::format("random edits before stock LVM2: {} states, CVM_SEED={}\n", sampled, first);
  EXPECT_GT(sampled, 4U);
}

}  // namespace
}  // namespace cv::test
