// Choosing the metadata: the damaged states that the real LVM2 was shown (tests/fixtures/corrupt), and its
// healthy disks.
#include "metadata/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lib/base/error.h"
#include "metadata/disk/metadata_area.h"
#include "tests/support/fixture_disk.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using test::Disk;
using test::fixture_disks;
using test::store_on;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> ids_of(const std::vector<Damage>& findings) {
  std::vector<std::string> ids;
  for (const auto& finding : findings) ids.push_back(finding.id);
  return ids;
}

bool has_obstacle(const FoundGroup& group, Hindrance kind) {
  return std::any_of(group.obstacles.begin(), group.obstacles.end(),
                     [&](const Obstacle& obstacle) { return obstacle.kind == kind; });
}

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error(Errc::interrupted, "nothing was thrown");
}

/// The healthy base of the damaged states, or one of them.
Scan scan_of(std::string_view folder) {
  static std::vector<Disk> disks;  // outlives the scan, which points to it
  disks = fixture_disks(folder);
  static std::vector<device::BlockDevice*> devices;
  devices.clear();
  for (const auto& disk : disks) devices.push_back(disk.get());
  TextCache cache;
  return scan_devices(devices, "", ScanDepth::one_copy, cache);
}

TEST(Scan, FindsTheGroupAndTheOrphanOfHealthyDisks) {
  const auto scan = scan_of("corrupt/00-good");

  const auto& group = group_at(scan, "vgbad");
  EXPECT_EQ(group.vg.seqno, 3u);
  EXPECT_THAT(group.devices, SizeIs(2));
  EXPECT_THAT(group.obstacles, IsEmpty());
  EXPECT_THAT(group.findings, IsEmpty());
  EXPECT_THAT(scan.findings, IsEmpty());
  ASSERT_THAT(scan.pvs, SizeIs(3));
  EXPECT_EQ(scan.pvs[0].state, PvState::member);
  EXPECT_EQ(scan.pvs[0].group, "vgbad");
  EXPECT_EQ(scan.pvs[2].state, PvState::orphan);
}

TEST(Scan, ReadsEveryHealthyFixture) {
  for (const auto* folder :
       {"linear", "striped", "mirror", "raid", "thin", "snapshot", "cache", "tags", "multi-pv", "empty-vg",
        "history", "crypt-native", "crypt-shared", "crypt-seed-verbatim"}) {
    const auto disks = fixture_disks(folder, Bytes(8 << 20));
    auto store = store_on(disks);

    const auto scan = store.scan(ScanDepth::every_copy);

    ASSERT_THAT(scan.groups, SizeIs(1)) << folder;
    EXPECT_THAT(scan.groups.front().obstacles, IsEmpty()) << folder;
    EXPECT_THAT(scan.findings, IsEmpty()) << folder;
  }
}

TEST(Scan, ReadsEachDistinctTextOnce) {
  const auto disks = fixture_disks("corrupt/00-good");
  auto store = store_on(disks);

  store.scan();

  // Of three PVs all from the label to the end of the header, and one text of about 1.5 KB.
  Bytes total;
  for (const auto& disk : disks) total += disk->bytes_read();
  EXPECT_LT(total, Bytes(3 * (4096 + 512) + 2048));
}

TEST(Scan, ThatTakesGroupsFindsWhatOthersFindAndLeavesThemToBeReadAgain) {
  const auto disks = fixture_disks("corrupt/00-good");
  std::vector<device::BlockDevice*> devices;
  for (const auto& disk : disks) devices.push_back(disk.get());
  TextCache cache;
  const auto wanted = scan_devices(devices, "", ScanDepth::one_copy, cache).groups.at(0);

  for (const auto* name : {"", "vgbad", "another"}) {
    const auto taken = take_groups(devices, "", cache, name);
    EXPECT_EQ(taken.groups.at(0).vg, wanted.vg);
    EXPECT_EQ(ids_of(taken.groups.at(0).findings), ids_of(wanted.findings));
    EXPECT_EQ(cache.begin()->second.vg.has_value(), std::string_view(name) == "another");
    EXPECT_EQ(scan_devices(devices, "", ScanDepth::one_copy, cache).groups.at(0).vg, wanted.vg) << name;
  }
}

TEST(Scan, ThatTakesGroupsTellsOfOldCopiesToo) {
  for (const auto* folder :
       {"corrupt/12-old-seqno-one", "corrupt/12b-old-seqno-first", "corrupt/53-duplicate-pv"}) {
    const auto disks = fixture_disks(folder);
    std::vector<device::BlockDevice*> devices;
    for (const auto& disk : disks) devices.push_back(disk.get());
    TextCache cache;
    TextCache other;

    const auto copied = scan_devices(devices, "", ScanDepth::one_copy, cache);
    const auto taken = take_groups(devices, "", other);

    ASSERT_EQ(taken.groups.size(), copied.groups.size()) << folder;
    for (std::size_t i = 0; i < taken.groups.size(); ++i) {
      EXPECT_EQ(taken.groups[i].vg, copied.groups[i].vg) << folder;
      EXPECT_EQ(ids_of(taken.groups[i].findings), ids_of(copied.groups[i].findings)) << folder;
    }
  }
}

TEST(Scan, MissesThePvWhoseLabelIsDamaged) {
  for (const auto* folder :
       {"corrupt/01-label-crc-one", "corrupt/02-label-sector-field", "corrupt/04-label-type"}) {
    const auto scan = scan_of(folder);

    const auto& group = group_at(scan, "vgbad");
    EXPECT_EQ(group.vg.seqno, 3u);
    EXPECT_TRUE(has_obstacle(group, Hindrance::missing_pvs)) << folder;
    EXPECT_EQ(std::count_if(group.devices.begin(), group.devices.end(),
                            [](const auto& pv) { return pv.second == nullptr; }),
              1);
    EXPECT_THAT(ids_of(scan.findings), Contains("PV-LABEL")) << folder;
  }
}

TEST(Scan, UsesTheOtherCopyWhereOneIsDamaged) {
  for (const auto& [folder, id] : {std::pair{"corrupt/06-mda-magic-one", "METADATA-HEADER"},
                                   {"corrupt/07-mda-version-one", "METADATA-HEADER"},
                                   {"corrupt/08-mda-start-one", "METADATA-HEADER"},
                                   {"corrupt/21-rlocn-offset-out", "METADATA-TEXT"},
                                   {"corrupt/22b-rlocn-size-zero", "METADATA-TEXT"}}) {
    const auto scan = scan_of(folder);

    const auto& group = group_at(scan, "vgbad");
    EXPECT_EQ(group.vg.seqno, 3u) << folder;
    EXPECT_THAT(group.obstacles, IsEmpty()) << folder;
    EXPECT_THAT(ids_of(group.findings), Contains(id)) << folder;
  }
}

TEST(Scan, NoticesADamagedTextBehindAGoodHeaderWhenAllCopiesAreRead) {
  const auto disks = fixture_disks("corrupt/10-text-crc-one");
  auto store = store_on(disks);

  const auto scan = store.scan(ScanDepth::every_copy);

  EXPECT_THAT(group_at(scan, "vgbad").obstacles, IsEmpty());
  EXPECT_THAT(ids_of(group_at(scan, "vgbad").findings), Contains("METADATA-TEXT"));
}

TEST(Scan, SaysThatAGroupIsDamagedWhenAllItsTextsAre) {
  const auto scan = scan_of("corrupt/11-text-crc-both");

  const auto error = error_of([&] { group_at(scan, "vgbad"); });

  EXPECT_EQ(error.code(), Errc::damaged);
  EXPECT_THAT(error.what(), HasSubstr("wrong checksum"));
  EXPECT_THAT(error.advice(), HasSubstr("vgcfgrestore"));
  EXPECT_EQ(scan.pvs[0].state, PvState::unreadable);
}

TEST(Scan, PointsToSuspectsWhenNoHeaderCanBeRead) {
  const auto scan = scan_of("corrupt/09-mda-crc-both");

  const auto error = error_of([&] { group_at(scan, "vgbad"); });

  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_THAT(error.advice(), HasSubstr("/dev/loop0"));
  EXPECT_EQ(scan.pvs[0].state, PvState::unreadable);
}

TEST(Scan, RefusesTextsThatStockRefuses) {
  for (const auto* folder : {"33-segment-count", "34-segment-gap", "35-dup-lv-name", "37-bad-lv-uuid",
                             "39-unknown-lv-status", "40-missing-status", "44-contents-wrong", "45-version-2",
                             "46-missing-vg-id", "47-name-with-leading-hyphen", "48-unterminated"}) {
    const auto scan = scan_of(std::string("corrupt/") + folder);

    EXPECT_THAT(scan.groups, IsEmpty()) << folder;
    EXPECT_EQ(scan.pvs[0].state, PvState::unreadable) << folder;
  }
}

TEST(Scan, TakesTheHighestSeqnoWhereverItIs) {
  for (const auto* folder :
       {"corrupt/12-old-seqno-one", "corrupt/12b-old-seqno-first", "corrupt/15-commit-on-one"}) {
    const auto scan = scan_of(folder);

    const auto& group = group_at(scan, "vgbad");
    EXPECT_EQ(group.vg.seqno, 4u) << folder;
    EXPECT_THAT(group.obstacles, IsEmpty()) << folder;
    EXPECT_THAT(ids_of(group.findings), Contains("METADATA-STALE")) << folder;
  }
}

TEST(Scan, PassesOverWhatIsOnlyAnnounced) {
  const auto scan = scan_of("corrupt/14-precommitted-both");

  EXPECT_EQ(group_at(scan, "vgbad").vg.seqno, 3u);
  EXPECT_THAT(group_at(scan, "vgbad").findings, IsEmpty());
}

TEST(Scan, MentionsMembersThatAreNotMarkedAsUsed) {
  for (const auto& [folder, id] : {std::pair{"corrupt/17-ext-used-clear", "PV-NOT-MARKED"},
                                   {"corrupt/18-ext-version1", "PV-LABEL-OLD"},
                                   {"corrupt/19-ext-version0", "PV-LABEL-OLD"}}) {
    const auto scan = scan_of(folder);

    EXPECT_THAT(group_at(scan, "vgbad").obstacles, IsEmpty()) << folder;
    EXPECT_THAT(ids_of(group_at(scan, "vgbad").findings), Contains(id)) << folder;
  }
}

TEST(Scan, MentionsASecondLabel) {
  const auto scan = scan_of("corrupt/03-two-labels");

  EXPECT_THAT(group_at(scan, "vgbad").findings, IsEmpty());
  EXPECT_THAT(ids_of(scan.findings), ElementsAre("PV-LABEL-TWICE"));
}

TEST(Scan, DoesNotTakeAUsedPvForAnOrphan) {
  const auto scan = scan_of("corrupt/20-orphan-used-set");

  EXPECT_EQ(scan.pvs[2].state, PvState::used);
  EXPECT_THAT(ids_of(scan.findings), Contains("PV-USED"));
}

TEST(Scan, TreatsAPvThatIsFlaggedMissingAsMissing) {
  const auto scan = scan_of("corrupt/42-pv-missing-flag");

  const auto& group = group_at(scan, "vgbad");
  EXPECT_TRUE(has_obstacle(group, Hindrance::missing_pvs));
  EXPECT_THAT(group.obstacles.front().sentence, HasSubstr("was missing during a change"));
}

TEST(Scan, NamesAPvThatIsNotThere) {
  const auto scan = scan_of("corrupt/51-missing-pv");

  const auto& group = group_at(scan, "vgbad");
  EXPECT_TRUE(has_obstacle(group, Hindrance::missing_pvs));
  EXPECT_THAT(group.obstacles.front().advice, HasSubstr("vgreduce --removemissing vgbad"));
}

TEST(Scan, RefusesChangesWhileTwoDevicesAreOnePv) {
  const auto scan = scan_of("corrupt/53-duplicate-pv");

  const auto& group = group_at(scan, "vgbad");
  EXPECT_TRUE(has_obstacle(group, Hindrance::duplicate_pvs));
  EXPECT_EQ(group.devices.at(scan.pvs[1].disk.label.id)->path(), "/dev/loop1");
  EXPECT_EQ(scan.pvs[3].state, PvState::duplicate);
}

TEST(Scan, WarnsOfADeviceThatIsSmallerThanItsPv) {
  auto disks = fixture_disks("corrupt/00-good");
  disks[1]->content().resize(20 << 20);
  auto store = store_on(disks);

  const auto scan = store.scan();

  EXPECT_THAT(group_at(scan, "vgbad").obstacles, IsEmpty());
  EXPECT_THAT(ids_of(group_at(scan, "vgbad").findings), Contains("PV-TRUNCATED"));
}

/// One sector of it can't be read.
class DeviceWithBadSector final : public device::BlockDevice {
 public:
  DeviceWithBadSector(device::BlockDevice& target, Bytes bad)
      : BlockDevice(target.path()), target_(target), bad_(bad) {}

  Bytes size() const override { return target_.size(); }
  Bytes block_size() const override { return target_.block_size(); }
  void read(Bytes at, std::span<std::byte> into) override {
    if (at < bad_ + Bytes(512) && bad_ < at + Bytes(into.size()))
      throw Error(Errc::io, "can't read {} at {}", path(), bad_.n);
    target_.read(at, into);
  }
  void write(Bytes at, std::span<const std::byte> from) override { target_.write(at, from); }
  void flush() override { target_.flush(); }

 private:
  device::BlockDevice& target_;
  Bytes bad_;
};

TEST(Scan, LosesNoLabelToABadSectorBehindIt) {
  for (const std::uint64_t bad : {2048U, 3584U, 4096U}) {
    const auto disks = test::disks_with_pvs(1);
    auto writer = test::store_on(disks);
    test::create_group(writer, disks);
    auto store = test::store_on(disks, metadata::StoreOptions{}, [bad](test::MemoryDevice& disk) {
      return std::make_unique<DeviceWithBadSector>(disk, Bytes(bad));
    });

    const auto scan = store.scan();

    ASSERT_EQ(scan.pvs.size(), 1U) << bad;
    EXPECT_EQ(scan.pvs[0].disk.label.id, writer.scan().pvs[0].disk.label.id);
    EXPECT_EQ(scan.groups.size(), bad == 4096 ? 0U : 1U) << bad;
  }
}

TEST(Scan, RefusesToChangeAGroupWithTwoTextsOfOneSeqno) {
  const auto good = fixture_disks("corrupt/00-good");
  auto disks = fixture_disks("corrupt/00-good");
  const disk::DiskArea place{Bytes(4096), Bytes(1044480)};
  auto header = disk::read_area_header(*disks[1], place);
  auto text = disk::read_text(*disks[1], header, header.committed);
  text.replace(text.find("description = \""), 15, "description = \"X");
  header.committed = disk::place_text(header, disk::measure(text));
  disk::write_text(*disks[1], header, header.committed, text);
  disk::write_area_header(*disks[1], header);
  auto store = store_on(disks);

  const auto scan = store.scan();

  const auto& group = group_at(scan, "vgbad");
  EXPECT_EQ(group.vg.seqno, 3u);
  EXPECT_TRUE(has_obstacle(group, Hindrance::conflict));
  EXPECT_EQ(error_of([&] { store.begin("vgbad"); }).code(), Errc::damaged);
}

TEST(Scan, RecognisesAPvThatTheGroupHasLeftBehind) {
  auto disks = test::disks_with_pvs(2);
  auto store = store_on(disks);
  auto vg = test::create_group(store, disks);
  const auto left_behind = disks[1]->content();
  {
    auto tx = store.begin("vg0", {.membership = true, .despite = {}});
    vg.pvs.pop_back();
    tx.prepare(vg, "took out a PV");
    tx.commit();
  }
  disks[1]->content() = left_behind;

  const auto scan = store.scan();

  EXPECT_EQ(find_pv(scan, "/dev/mem1")->state, PvState::outdated);
  EXPECT_THAT(ids_of(group_at(scan, "vg0").findings), Contains("PV-OUTDATED"));
  EXPECT_THAT(group_at(scan, "vg0").obstacles, IsEmpty());
}

TEST(Scan, DoesNotReadOrCountIgnoredAreas) {
  const auto disks = fixture_disks("two-mda", Bytes(64 << 20));
  auto store = store_on(disks);

  const auto scan = store.scan();

  EXPECT_THAT(group_at(scan, "vg2mda").findings, IsEmpty());
}

TEST(Scan, HindersChangesOfExportedAndForeignGroups) {
  const auto exported = scan_of("exported");
  ASSERT_THAT(exported.groups, SizeIs(1));
  EXPECT_TRUE(has_obstacle(exported.groups.front(), Hindrance::exported));
  EXPECT_THROW(require_usable(exported.groups.front()), Error);

  const auto foreign = scan_of("system-id");
  ASSERT_THAT(foreign.groups, SizeIs(1));
  EXPECT_TRUE(has_obstacle(foreign.groups.front(), Hindrance::foreign));
  EXPECT_EQ(error_of([&] { require_changeable(foreign.groups.front()); }).code(), Errc::refused);
  EXPECT_NO_THROW(require_changeable(foreign.groups.front(), {Hindrance::foreign}));
}

TEST(Scan, LetsTheHostThatAGroupBelongsToUseIt) {
  const auto disks = fixture_disks("system-id", Bytes(64 << 20));
  auto options = test::quiet_options();
  options.host_system_id = store_on(disks).scan().groups.front().vg.system_id;

  auto store = store_on(disks, options);
  const auto scan = store.scan();

  EXPECT_THAT(scan.groups.front().obstacles, IsEmpty());
}

TEST(Scan, RefusesANameThatTwoGroupsHave) {
  auto disks = test::disks_with_pvs(2);
  {
    std::vector<Disk> one;
    one.push_back(std::move(disks[0]));
    auto store = store_on(one);
    test::create_group(store, one);
    disks[0] = std::move(one[0]);
  }
  {
    std::vector<Disk> other;
    other.push_back(std::move(disks[1]));
    auto store = store_on(other);
    auto tx = store.begin_new("vg0");
    auto vg = test::group_with({});
    vg.id = test::id_of<VgId>(2);
    vg.pvs.push_back(tx.new_member("/dev/mem1", vg.extent_size = Sectors(128)));
    tx.prepare(vg, "created");
    tx.commit();
    disks[1] = std::move(other[0]);
  }
  auto store = store_on(disks);

  const auto scan = store.scan();

  EXPECT_THAT(scan.groups, SizeIs(2));
  EXPECT_THAT(error_of([&] { group_at(scan, "vg0"); }).what(), HasSubstr("two volume groups"));
}

TEST(Scan, OfNothingFindsNothing) {
  const auto scan = store_on({}).scan();

  EXPECT_THAT(scan.groups, IsEmpty());
  EXPECT_EQ(error_of([&] { group_at(scan, "vg0"); }).code(), Errc::not_found);
}

}  // namespace
}  // namespace cv::metadata
