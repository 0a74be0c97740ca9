// What a change leaves behind when a device fails at its n-th write or flush, for every n.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "metadata/store.h"
#include "tests/support/fault_device.h"
#include "tests/support/fixture_disk.h"

namespace cv::metadata {
namespace {

using test::create_group;
using test::Disk;
using test::disks_with_pvs;
using test::store_on;
using test::with_volume;
using testing::IsEmpty;

/// As somebody sees it who comes later.
VolumeGroup read_again(const std::vector<Disk>& disks) {
  auto store = store_on(disks);
  return group_at(store.scan(ScanDepth::every_copy), "vg0").vg;
}

void commit_volume(MetadataStore& store, const std::string& name, std::uint64_t number) {
  auto tx = store.begin("vg0");
  tx.prepare(with_volume(tx.current(), name, number), "created LV " + name);
  tx.commit();
}

/// Every n-th write or flush fails, for every n until the deed comes through without.
void fail_everywhere(const std::function<void(MetadataStore&, const std::vector<Disk>&)>& prepare_world,
                     const std::function<void(MetadataStore&, const std::vector<Disk>&)>& deed,
                     const std::function<void(const std::vector<Disk>&, bool came_through)>& what_must_be) {
  using enum test::FaultPlan::Kind;
  const auto fail = [&](test::FaultPlan::Kind kind, unsigned number) {
    for (unsigned long at = 1;; ++at) {
      SCOPED_TRACE(testing::Message() << "kind " << static_cast<int>(kind) << ", operation " << at << ", "
                                      << number << " disks");
      const auto disks = disks_with_pvs(number, Bytes(2 << 20));
      auto healthy = store_on(disks);
      prepare_world(healthy, disks);
      test::FaultPlan plan{.kind = kind, .at = at};
      bool came_through = true;
      {
        auto store = store_on(disks, test::quiet_options(), [&](test::MemoryDevice& disk) {
          return std::make_unique<test::FaultDevice>(disk, plan);
        });
        try {
          deed(store, disks);
        } catch (const Error&) {
          came_through = false;
        }
      }
      what_must_be(disks, came_through);
      if (testing::Test::HasFatalFailure()) return;
      if (!plan.has_struck()) {
        EXPECT_TRUE(came_through);
        return;
      }
    }
  };
  for (const auto kind : {fails_once, dies, dies_midway, arrives, forgets_once, forgets})
    for (const unsigned number : {1U, 2U}) fail(kind, number);
}

TEST(FailingDevice, LeavesTheOldOrTheNewGroup) {
  const auto next_of = [](const VolumeGroup& vg) { return with_volume(vg, "lv", 1); };
  fail_everywhere([](MetadataStore& store, const std::vector<Disk>& disks) { create_group(store, disks); },
                  [](MetadataStore& store, const std::vector<Disk>&) { commit_volume(store, "lv", 1); },
                  [&](const std::vector<Disk>& disks, bool came_through) {
                    const auto vg = read_again(disks);
                    const bool is_new = vg.seqno == 2;
                    ASSERT_EQ(vg.lvs.size(), is_new ? 1u : 0u);
                    if (came_through) {
                      ASSERT_TRUE(is_new);
                    }
                    // Whatever happened, the next command works and heals.
                    auto store = store_on(disks);
                    auto tx = store.begin("vg0");
                    if (!is_new) tx.prepare(next_of(tx.current()), "again");
                    if (is_new) tx.prepare(tx.current(), "again");
                    tx.commit();
                    ASSERT_THAT(store.scan(ScanDepth::every_copy).groups.front().findings, IsEmpty());
                  });
}

TEST(FailingDevice, LeavesANewGroupOrNone) {
  fail_everywhere([](MetadataStore&, const std::vector<Disk>&) {},
                  [](MetadataStore& store, const std::vector<Disk>& disks) { create_group(store, disks); },
                  [](const std::vector<Disk>& disks, bool came_through) {
                    auto store = store_on(disks);
                    const auto scan = store.scan();
                    ASSERT_LE(scan.groups.size(), 1u);
                    if (came_through) {
                      ASSERT_EQ(scan.groups.size(), 1u);
                    }
                    if (!scan.groups.empty()) {
                      ASSERT_THAT(scan.groups.front().obstacles, IsEmpty());
                    }
                  });
}

TEST(FailingDevice, LeavesARemovedGroupOrAWholeOne) {
  fail_everywhere([](MetadataStore& store, const std::vector<Disk>& disks) { create_group(store, disks); },
                  [](MetadataStore& store, const std::vector<Disk>&) {
                    store.begin("vg0", {.membership = true, .despite = {}}).remove_group();
                  },
                  [](const std::vector<Disk>& disks, bool came_through) {
                    auto store = store_on(disks);
                    const auto scan = store.scan();
                    if (came_through) {
                      ASSERT_THAT(scan.groups, IsEmpty());
                    }
                    if (scan.groups.empty()) return;
                    ASSERT_THAT(scan.groups.front().obstacles, IsEmpty());
                    // Asked again, it goes.
                    store.begin("vg0", {.membership = true, .despite = {}}).remove_group();
                    ASSERT_THAT(store.scan().groups, IsEmpty());
                  });
}

TEST(FailingDevice, ThatFailsOnlyOnOnePvCostsOnlyThatCopy) {
  const auto disks = disks_with_pvs(2);
  auto healthy = store_on(disks);
  create_group(healthy, disks);
  test::FaultPlan plan{.kind = test::FaultPlan::Kind::dies, .at = 4};  // its second header write: the commit
  auto store = store_on(disks, test::quiet_options(),
                        [&](test::MemoryDevice& disk) -> std::unique_ptr<device::BlockDevice> {
                          if (&disk == disks[1].get()) return std::make_unique<test::FaultDevice>(disk, plan);
                          return std::make_unique<test::BorrowedDevice>(disk);
                        });

  commit_volume(store, "lv", 1);

  ASSERT_TRUE(plan.has_struck());
  auto later = store_on(disks);
  const auto scan = later.scan();
  EXPECT_EQ(group_at(scan, "vg0").vg.seqno, 2u);
  EXPECT_EQ(group_at(scan, "vg0").findings.front().id, "METADATA-STALE");
}

}  // namespace
}  // namespace cv::metadata
