// Power cuts during every change of metadata: each prefix of the writes, cut at each 512 bytes, and subsets
// of what no flush had made certain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "metadata/disk/metadata_area.h"
#include "metadata/store.h"
#include "tests/support/crash_device.h"
#include "tests/support/fixture_disk.h"
#include "tests/support/group_builder.h"
#include "tests/support/silence.h"

namespace cv::metadata {
namespace {

using test::CrashDevice;
using test::CrashImages;
using test::CrashLog;
using test::Disk;
using test::store_on;
using test::with_volume;
using testing::SizeIs;

constexpr std::uint64_t kSeed = 20261120;

using Deed = std::function<void(MetadataStore&, const std::vector<Disk>&)>;

/// Null where there is no group, else the group; fails the test for anything but one whole group.
std::optional<VolumeGroup> group_on(const std::vector<Disk>& disks) {
  auto store = store_on(disks);
  const auto scan = store.scan();
  EXPECT_LE(scan.groups.size(), 1u);
  if (scan.groups.empty()) return std::nullopt;
  EXPECT_THAT(scan.groups.front().obstacles, SizeIs(0));
  return scan.groups.front().vg;
}

class PowerCut : public testing::Test {
 protected:
  /// Does the deed on disks that write it all down, and shows every possible end of it.
  void cut_everywhere(const std::vector<Disk>& disks, const Deed& deed, const CrashImages::Visitor& visit) {
    std::vector<test::MemoryDevice*> all;
    for (const auto& disk : disks) all.push_back(disk.get());
    CrashImages::Disks before = copy_of(all);
    CrashLog log;
    {
      std::size_t number = 0;
      auto store = store_on(disks, test::quiet_options(), [&](test::MemoryDevice& disk) {
        return std::make_unique<CrashDevice>(disk, number++, log);
      });
      deed(store, disks);
    }
    ASSERT_FALSE(log.events.empty());
    ASSERT_TRUE(log.events.back().is_flush()) << "the last write of a change is not flushed";
    CrashImages images(std::move(before), std::move(log));
    const auto traced = [&](CrashImages::Disks& crashed, const std::string& what) {
      if (HasFailure()) return;
      SCOPED_TRACE(what);
      visit(crashed, what);
    };
    const unsigned prefixes = images.each_prefix(traced);
    const unsigned subsets = images.each_subset(traced, {.seed = kSeed});
    RecordProperty("prefixes", static_cast<int>(prefixes));
    RecordProperty("subsets", static_cast<int>(subsets));
    std::cout << "  " << prefixes << " prefixes, " << subsets << " subsets, seed " << kSeed << "\n";
  }

  std::vector<Disk> disks_with_group(unsigned count, unsigned volumes, Bytes block = Bytes(512)) {
    auto disks = test::disks_with_pvs(count, Bytes(2 << 20), block);
    auto store = store_on(disks);
    create_group(store, disks);
    auto tx = store.begin("vg0");
    for (unsigned i = 1; i <= volumes; ++i) {
      tx.prepare(with_volume(tx.current(), "old" + std::to_string(i), i), "filled");
      tx.commit();
    }
    return disks;
  }

  test::Silence silence_;  // stale copies
};

/// Whatever is there, the next command must be able to go on from it.
void must_take_a_change(CrashImages::Disks& disks) {
  auto store = store_on(disks);
  auto tx = store.begin("vg0");
  tx.prepare(with_volume(tx.current(), "next", 900), "after the crash");
  tx.commit();
  const auto scan = store_on(disks).scan(ScanDepth::every_copy);
  ASSERT_EQ(group_at(scan, "vg0").vg, tx.current());
  for (const auto& finding : group_at(scan, "vg0").findings) ASSERT_EQ(finding.id, "PV-OUTDATED");
}

TEST_F(PowerCut, DuringACommitLeavesTheOldOrTheNewGroup) {
  for (const auto block : {Bytes(512), Bytes(4096)}) {
    const auto disks = disks_with_group(2, 3, block);
    const auto old_group = *group_on(disks);
    VolumeGroup new_group;

    cut_everywhere(
        disks,
        [&](MetadataStore& store, const std::vector<Disk>&) {
          auto tx = store.begin("vg0");
          tx.prepare(with_volume(tx.current(), "lv", 100), "test");
          tx.commit();
          new_group = tx.current();
        },
        [&](CrashImages::Disks& crashed, const std::string& what) {
          const auto group = group_on(crashed);
          ASSERT_TRUE(group);
          ASSERT_TRUE(*group == old_group || *group == new_group);
          if (what == "everything") {
            ASSERT_EQ(*group, new_group);
          }
          must_take_a_change(crashed);
        });
  }
}

TEST_F(PowerCut, DuringACommitThatWrapsRoundTheAreaLeavesTheOldOrTheNewGroup) {
  auto disks = test::disks_with_pvs(1, Bytes(2 << 20));
  auto store = store_on(disks);
  auto vg = create_group(store, disks);
  const disk::DiskArea place{Bytes(4096), Bytes(1044480)};
  auto tx = std::make_unique<Transaction>(store.begin("vg0"));
  for (int i = 0; i < 40; ++i)
    vg.tags.push_back(std::string(900, static_cast<char>('a' + i % 26)) + std::to_string(i));
  for (;;) {  // up to the last text before the end of the area
    tx->prepare(vg, "filling");
    tx->commit();
    const auto header = disk::read_area_header(*disks[0], place);
    if (header.committed.offset + header.committed.size * 2 > header.size) break;
  }
  tx.reset();
  const auto old_group = *group_on(disks);
  VolumeGroup new_group;

  cut_everywhere(
      disks,
      [&](MetadataStore& crash_store, const std::vector<Disk>&) {
        auto change = crash_store.begin("vg0");
        change.prepare(with_volume(change.current(), "lv", 100), "test");
        change.commit();
        new_group = change.current();
      },
      [&](CrashImages::Disks& crashed, const std::string&) {
        const auto group = group_on(crashed);
        ASSERT_TRUE(group);
        ASSERT_TRUE(*group == old_group || *group == new_group);
      });

  const auto header = disk::read_area_header(*disks[0], place);
  ASSERT_GT(header.committed.offset + header.committed.size, header.size) << "the text did not wrap";
}

TEST_F(PowerCut, DuringACommitThatIsAbandonedLeavesTheOldGroup) {
  const auto disks = disks_with_group(2, 1);
  const auto old_group = *group_on(disks);

  cut_everywhere(
      disks,
      [&](MetadataStore& store, const std::vector<Disk>&) {
        auto tx = store.begin("vg0");
        tx.prepare(with_volume(tx.current(), "lv", 100), "test");
      },
      [&](CrashImages::Disks& crashed, const std::string&) { ASSERT_EQ(group_on(crashed), old_group); });
}

TEST_F(PowerCut, DuringTheCreationOfAGroupLeavesItOrNone) {
  const auto disks = test::disks_with_pvs(3, Bytes(2 << 20));
  VolumeGroup new_group;

  cut_everywhere(
      disks,
      [&](MetadataStore& store, const std::vector<Disk>& all) { new_group = create_group(store, all); },
      [&](CrashImages::Disks& crashed, const std::string& what) {
        const auto group = group_on(crashed);
        if (group) {
          ASSERT_EQ(*group, new_group);
        }
        if (what == "everything") {
          ASSERT_TRUE(group);
        }
        if (group) must_take_a_change(crashed);
      });
}

TEST_F(PowerCut, DuringTheRemovalOfAGroupLeavesItWholeOrNone) {
  const auto disks = disks_with_group(3, 0);
  const auto old_group = *group_on(disks);

  cut_everywhere(
      disks,
      [&](MetadataStore& store, const std::vector<Disk>&) {
        store.begin("vg0", {.membership = true, .despite = {}}).remove_group();
      },
      [&](CrashImages::Disks& crashed, const std::string& what) {
        const auto group = group_on(crashed);
        if (group) {
          ASSERT_EQ(*group, old_group);
        }
        if (what == "everything") {
          ASSERT_FALSE(group);
        }
        if (!group) return;
        auto store = store_on(crashed);
        store.begin("vg0", {.membership = true, .despite = {}}).remove_group();
        ASSERT_FALSE(group_on(crashed));
      });
}

TEST_F(PowerCut, WhileAPvJoinsOrLeavesLeavesTheOldOrTheNewGroup) {
  auto disks = test::disks_with_pvs(3, Bytes(2 << 20));
  auto store = store_on(disks);
  {
    auto tx = store.begin_new("vg0");
    auto vg = test::group_with({});
    vg.extent_size = Sectors(128);
    for (const auto* path : {"/dev/mem0", "/dev/mem1"}) vg.pvs.push_back(tx.new_member(path, vg.extent_size));
    tx.prepare(vg, "created");
    tx.commit();
  }
  const auto old_group = *group_on(disks);
  VolumeGroup new_group;

  cut_everywhere(
      disks,
      [&](MetadataStore& crash_store, const std::vector<Disk>&) {
        auto tx = crash_store.begin("vg0", {.membership = true, .despite = {}});
        auto next = tx.current();
        next.pvs.erase(next.pvs.begin());
        next.pvs.push_back(tx.new_member("/dev/mem2", next.extent_size));
        tx.prepare(next, "swapped");
        tx.commit();
        new_group = tx.current();
      },
      [&](CrashImages::Disks& crashed, const std::string&) {
        const auto group = group_on(crashed);
        ASSERT_TRUE(group);
        ASSERT_TRUE(*group == old_group || *group == new_group);
        must_take_a_change(crashed);
      });
}

TEST_F(PowerCut, DuringPvcreateLeavesAWholePvOrNone) {
  std::vector<Disk> disks;
  disks.push_back(
      std::make_unique<test::MemoryDevice>("/dev/mem0", std::vector<std::byte>(3 << 20, std::byte{0x5a})));

  cut_everywhere(
      disks,
      [&](MetadataStore& store, const std::vector<Disk>&) {
        store.create_pv("/dev/mem0", {.id = test::id_of<PvId>(1), .layout = {.metadata_copies = 2}});
      },
      [&](CrashImages::Disks& crashed, const std::string& what) {
        const auto scan = store_on(crashed).scan();
        ASSERT_THAT(scan.findings, SizeIs(0));
        if (what == "everything") {
          ASSERT_THAT(scan.pvs, SizeIs(1));
        }
        if (!scan.pvs.empty()) {
          ASSERT_EQ(scan.pvs.front().state, PvState::orphan);
        }
      });
}

}  // namespace
}  // namespace cv::metadata
