// cvck's repairs on the damaged states that the real LVM2 was shown: mended where it can be, nothing else
// touched, and a power cut anywhere leaves what can be repaired again.
#include "metadata/repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lib/base/error.h"
#include "metadata/inspect.h"
#include "metadata/store.h"
#include "tests/support/crash_device.h"
#include "tests/support/fixture_disk.h"

namespace cv::metadata {
namespace {

using test::CrashDevice;
using test::CrashImages;
using test::CrashLog;
using test::Disk;
using test::store_on;
using testing::IsEmpty;

constexpr Bytes kDataStart(1 << 20);  ///< of all these PVs

struct Damaged {
  std::string name;
  std::string folder;  ///< of the fixture; empty: made_outdated()
  std::set<std::string> ids;
  std::size_t disk;  ///< the only one that may be written
};

void PrintTo(const Damaged& one, std::ostream* out) {
  *out << one.name;
}

/// vg0 on mem0; mem1 has an old text of it.
std::vector<Disk> made_outdated() {
  auto disks = test::disks_with_pvs(2);
  auto store = store_on(disks);
  test::create_group(store, disks);
  const auto left_behind = disks[1]->content();
  {
    auto tx = store.begin("vg0", {.membership = true, .despite = {}});
    auto next = tx.current();
    next.pvs.pop_back();
    tx.prepare(next, "took out a PV");
    tx.commit();
  }
  disks[1]->content() = left_behind;
  return disks;
}

/// What cvck finds on disks, of the first group.
std::set<std::string> found_on(const Scan& scan) {
  std::set<std::string> ids;
  for (const auto& damage : inspect(scan, scan.groups.at(0))) ids.insert(damage.id);
  for (const auto& damage : inspect_rest(scan)) ids.insert(damage.id);
  return ids;
}

void repair_all(MetadataStore& store, const std::string& name) {
  const auto held = store.lock_for_repair(name);
  const auto& group = group_at(held.scan, name);
  for (const auto& repair : plan_repairs(held.scan, group)) carry_out(repair, held.scan, group);
}

class Repairs : public testing::TestWithParam<Damaged> {
 protected:
  std::vector<Disk> disks_ =
      GetParam().folder.empty() ? made_outdated() : test::fixture_disks("corrupt/" + GetParam().folder);
  std::string group_ = GetParam().folder.empty() ? "vg0" : "vgbad";

  CrashImages::Disks copies() const {
    std::vector<test::MemoryDevice*> all;
    for (const auto& disk : disks_) all.push_back(disk.get());
    return copy_of(all);
  }

  CrashLog repair_recorded() const {
    CrashLog log;
    std::size_t number = 0;
    auto store = store_on(disks_, test::quiet_options(), [&](test::MemoryDevice& disk) {
      return std::make_unique<CrashDevice>(disk, number++, log);
    });
    repair_all(store, group_);
    return log;
  }

  void expect_mended(const std::vector<Disk>& disks) const {
    auto store = store_on(disks);
    const auto scan = store.scan(ScanDepth::every_copy);
    const auto found = found_on(scan);
    for (const auto& id : GetParam().ids) EXPECT_FALSE(found.contains(id)) << id;
    EXPECT_THAT(plan_repairs(scan, group_at(scan, group_)), IsEmpty());
  }
};

TEST_P(Repairs, MendWhatIsDamagedAndTouchNothingElse) {
  const auto before = copies();
  auto store = store_on(disks_);
  const auto old_scan = store.scan(ScanDepth::every_copy);
  const auto old_group = group_at(old_scan, group_).vg;
  for (const auto& id : GetParam().ids) ASSERT_TRUE(found_on(old_scan).contains(id)) << id;

  const CrashLog log = repair_recorded();

  expect_mended(disks_);
  EXPECT_EQ(group_at(store.scan(), group_).vg, old_group) << "not even the seqno changes";
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    const auto& now = disks_[i]->content();
    const auto data = static_cast<std::ptrdiff_t>(kDataStart.n);
    EXPECT_TRUE(std::equal(now.begin() + data, now.end(), before[i]->content().begin() + data));
    EXPECT_TRUE(i == GetParam().disk || now == before[i]->content()) << i;
  }
  for (const auto& event : log.events) EXPECT_LE(event.at + Bytes(event.bytes.size()), kDataStart);
}

TEST_P(Repairs, CanBeRepeatedAfterAPowerCutAnywhere) {
  auto before = copies();
  VolumeGroup old_group;
  {
    auto store = store_on(disks_);
    old_group = group_at(store.scan(), group_).vg;
  }
  CrashLog log = repair_recorded();
  ASSERT_FALSE(log.events.empty());
  ASSERT_TRUE(log.events.back().is_flush());
  CrashImages images(std::move(before), std::move(log));
  unsigned seen = 0;

  const auto visit = [&](CrashImages::Disks& disks, const std::string& what) {
    if (HasFailure()) return;
    SCOPED_TRACE(what);
    ++seen;
    auto store = store_on(disks);
    const auto scan = store.scan(ScanDepth::every_copy);
    ASSERT_EQ(scan.groups.size(), 1U);
    ASSERT_EQ(scan.groups[0].vg, old_group);
    ASSERT_THAT(scan.groups[0].obstacles, IsEmpty());
    repair_all(store, group_);
    expect_mended(disks);
  };
  images.each_prefix(visit);
  images.each_subset(visit, {.samples = 50});
  EXPECT_GT(seen, 2U);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Repairs,
                         testing::Values(Damaged{"magic", "06-mda-magic-one", {"METADATA-HEADER"}, 1},
                                         Damaged{"version", "07-mda-version-one", {"METADATA-HEADER"}, 1},
                                         Damaged{"start", "08-mda-start-one", {"METADATA-HEADER"}, 1},
                                         Damaged{"text", "10-text-crc-one", {"METADATA-TEXT"}, 1},
                                         Damaged{"offset", "21-rlocn-offset-out", {"METADATA-TEXT"}, 1},
                                         Damaged{"size", "22b-rlocn-size-zero", {"METADATA-TEXT"}, 1},
                                         Damaged{"stale", "12-old-seqno-one", {"METADATA-STALE"}, 1},
                                         Damaged{"stalefirst", "12b-old-seqno-first", {"METADATA-STALE"}, 0},
                                         Damaged{"unfinished", "15-commit-on-one", {"METADATA-STALE"}, 1},
                                         Damaged{"unmarked", "17-ext-used-clear", {"PV-NOT-MARKED"}, 1},
                                         Damaged{"oldlabel", "18-ext-version1", {"PV-LABEL-OLD"}, 1},
                                         Damaged{"nolabelextension", "19-ext-version0", {"PV-LABEL-OLD"}, 1},
                                         Damaged{"outdated", "", {"PV-OUTDATED"}, 1}),
                         [](const auto& one) { return one.param.name; });

/// What a repair of disks would be told to leave alone.
Errc refusal_on(const std::vector<Disk>& disks) {
  auto store = store_on(disks);
  const auto scan = store.scan(ScanDepth::every_copy);
  try {
    static_cast<void>(plan_repairs(scan, scan.groups.at(0)));
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::interrupted;
}

TEST(RepairsOfTwoDisks, ForgetAnAnnouncedText) {
  const auto disks = test::fixture_disks("corrupt/14-precommitted-both");
  auto store = store_on(disks);
  ASSERT_TRUE(found_on(store.scan(ScanDepth::every_copy)).contains("METADATA-ANNOUNCED"));

  repair_all(store, "vgbad");

  EXPECT_FALSE(found_on(store.scan(ScanDepth::every_copy)).contains("METADATA-ANNOUNCED"));
}

TEST(RepairsWithoutCertainty, AreRefused) {
  EXPECT_EQ(refusal_on(test::fixture_disks("corrupt/53-duplicate-pv")), Errc::refused);
  EXPECT_EQ(refusal_on(test::fixture_disks("system-id")), Errc::refused);
}

TEST(RepairsOfAPlaceInTheData, AreNotPlanned) {
  const auto disks = test::disks_with_pvs(2);
  auto store = store_on(disks);
  test::create_group(store, disks);
  auto label = *disk::read_label(*disks[1]).label;
  label.metadata_areas.push_back({Bytes(2 << 20), Bytes(65536)});
  disk::write_label(*disks[1], label);
  const auto before = disks[1]->content();

  repair_all(store, "vg0");

  EXPECT_EQ(disks[1]->content(), before);
}

TEST(RepairsBesideMissingPvs, AreDone) {
  auto disks = test::fixture_disks("corrupt/12-old-seqno-one");
  disks.erase(disks.begin());  // the one with the newest text, and then the other is all there is
  auto store = store_on(disks);
  ASSERT_FALSE(store.scan().groups.at(0).obstacles.empty());

  EXPECT_NO_THROW(repair_all(store, "vgbad"));
}

}  // namespace

}  // namespace cv::metadata
