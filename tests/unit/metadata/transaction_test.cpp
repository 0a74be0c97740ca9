// Transactions: what becomes true when, and what is refused.
#include "metadata/transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "metadata/disk/metadata_area.h"
#include "tests/support/fixture_disk.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using test::create_group;
using test::Disk;
using test::disks_with_pvs;
using test::fixture_disks;
using test::store_on;
using test::with_volume;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr disk::DiskArea kArea{Bytes(4096), Bytes(1044480)};

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error(Errc::interrupted, "nothing was thrown");
}

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

TEST(Transaction, IsInvisibleUntilItsCommit) {
  const auto disks = disks_with_pvs(2);
  auto store = store_on(disks);
  const auto before = create_group(store, disks);
  auto tx = store.begin("vg0");

  tx.prepare(with_volume(tx.current(), "lv", 1), "test");
  EXPECT_EQ(read_again(disks), before);
  EXPECT_EQ(tx.current(), before);

  tx.commit();
  EXPECT_EQ(read_again(disks), tx.current());
  EXPECT_EQ(tx.current().seqno, before.seqno + 1);
  EXPECT_NE(find_lv(tx.current(), "lv"), nullptr);
}

TEST(Transaction, ThatIsNotCommittedLeavesNothingAnnounced) {
  const auto disks = disks_with_pvs(2);
  auto store = store_on(disks);
  const auto before = create_group(store, disks);

  {
    auto tx = store.begin("vg0");
    tx.prepare(with_volume(tx.current(), "lv", 1), "test");
    EXPECT_FALSE(disk::read_area_header(*disks[0], kArea).precommitted.empty());
  }

  EXPECT_TRUE(disk::read_area_header(*disks[0], kArea).precommitted.empty());
  EXPECT_EQ(read_again(disks), before);
}

TEST(Transaction, MayCommitSeveralChangesOneAfterTheOther) {
  const auto disks = disks_with_pvs(2);
  auto store = store_on(disks);
  create_group(store, disks);
  auto tx = store.begin("vg0");

  for (std::uint64_t i = 1; i <= 20; ++i) {
    tx.prepare(with_volume(tx.current(), "lv" + std::to_string(i), i), "test");
    tx.commit();
  }

  EXPECT_EQ(read_again(disks).seqno, 21u);
  EXPECT_THAT(read_again(disks).lvs, SizeIs(20));
  EXPECT_THAT(store.scan(ScanDepth::every_copy).groups.front().findings, IsEmpty());
}

TEST(Transaction, MayTryAgainAfterAbandoning) {
  const auto disks = disks_with_pvs(1);
  auto store = store_on(disks);
  create_group(store, disks);
  auto tx = store.begin("vg0");
  tx.prepare(with_volume(tx.current(), "first", 1), "test");

  tx.abandon();
  tx.prepare(with_volume(tx.current(), "second", 2), "test");
  tx.commit();

  EXPECT_EQ(read_again(disks).lvs.front().name, "second");
  EXPECT_EQ(read_again(disks).seqno, 2u);
}

TEST(Transaction, FlushesEachDeviceBeforeAndBehindTheCommit) {
  const auto disks = disks_with_pvs(2);
  auto store = store_on(disks);
  create_group(store, disks);
  const unsigned before = disks[0]->flushes();

  commit_volume(store, "lv", 1);

  EXPECT_EQ(disks[0]->flushes(), before + 2);
}

TEST(Transaction, RemembersWhereItsDevicesAre) {
  auto disks = disks_with_pvs(1);
  auto store = store_on(disks);
  create_group(store, disks);
  std::vector<Disk> moved;
  moved.push_back(std::make_unique<test::MemoryDevice>("/dev/elsewhere", disks[0]->content()));
  auto other_store = store_on(moved);

  commit_volume(other_store, "lv", 1);

  EXPECT_EQ(read_again(moved).pvs.front().device, "/dev/elsewhere");
}

TEST(Transaction, RefusesErrorsThatAChangeWouldBringIn) {
  const auto disks = disks_with_pvs(1);
  auto store = store_on(disks);
  const auto before = create_group(store, disks);
  auto tx = store.begin("vg0");
  auto next = with_volume(tx.current(), "lv", 1);
  next.lvs.push_back(next.lvs.front());

  EXPECT_THROW(tx.prepare(next, "test"), Error);

  EXPECT_EQ(read_again(disks), before);
}

TEST(Transaction, RefusesMetadataWithoutRoomBeforeItWritesAnything) {
  const auto disks = disks_with_pvs(2);
  auto store = store_on(disks);
  create_group(store, disks);
  const auto content = disks[0]->content();
  auto tx = store.begin("vg0");
  auto next = tx.current();
  next.tags.assign(600, std::string(900, 't'));
  for (std::size_t i = 0; i < next.tags.size(); ++i) next.tags[i] += std::to_string(i);

  const auto error = error_of([&] { tx.prepare(next, "test"); });

  EXPECT_EQ(error.code(), Errc::no_space);
  EXPECT_THAT(error.what(), HasSubstr("its area holds 521472"));
  EXPECT_EQ(disks[0]->content(), content);
}

TEST(Transaction, NoticesThatSomebodyIgnoredItsLock) {
  const auto disks = disks_with_pvs(1);
  auto store = store_on(disks);
  create_group(store, disks);
  auto tx = store.begin("vg0");
  auto intruder = store_on(disks);
  commit_volume(intruder, "theirs", 5);

  const auto error = error_of([&] { tx.prepare(with_volume(tx.current(), "ours", 1), "test"); });

  EXPECT_EQ(error.code(), Errc::refused);
  EXPECT_THAT(error.what(), HasSubstr("changed although its lock was held"));
  EXPECT_EQ(read_again(disks).lvs.front().name, "theirs");
}

TEST(Transaction, IsRefusedForGroupsThatMustNotBeChanged) {
  const std::pair<const char*, const char*> cases[] = {{"exported", "exported"},
                                                       {"system-id", "system id"},
                                                       {"corrupt/51-missing-pv", "not complete"},
                                                       {"corrupt/53-duplicate-pv", "both say"},
                                                       {"corrupt/42-pv-missing-flag", "was missing"}};
  for (const auto& [folder, reason] : cases) {
    const auto disks = fixture_disks(folder);
    auto store = store_on(disks);
    const auto name = store.scan().groups.front().vg.name;

    const auto error = error_of([&] { store.begin(name); });

    EXPECT_EQ(error.code(), Errc::refused) << folder;
    EXPECT_THAT(error.what(), HasSubstr(reason)) << folder;
    EXPECT_FALSE(error.advice().empty()) << folder;
  }
}

TEST(Transaction, HealsCopiesThatAreOldOrUnreadable) {
  for (const auto* folder :
       {"corrupt/12-old-seqno-one", "corrupt/15-commit-on-one", "corrupt/10-text-crc-one",
        "corrupt/17-ext-used-clear", "corrupt/18-ext-version1", "corrupt/19-ext-version0",
        "corrupt/21-rlocn-offset-out", "corrupt/22b-rlocn-size-zero"}) {
    const auto disks = fixture_disks(folder);
    auto store = store_on(disks);
    auto tx = store.begin("vgbad");
    auto next = tx.current();
    next.tags.push_back("healed");

    tx.prepare(next, "test");
    tx.commit();

    auto later = store_on(disks);
    const auto scan = later.scan(ScanDepth::every_copy);
    EXPECT_THAT(scan.findings, IsEmpty()) << folder;
    EXPECT_THAT(group_at(scan, "vgbad").findings, IsEmpty()) << folder;
    EXPECT_EQ(group_at(scan, "vgbad").vg, tx.current()) << folder;
  }
}

TEST(Transaction, LeavesOutAreasWhoseHeaderIsDamaged) {
  const auto disks = fixture_disks("corrupt/06-mda-magic-one");
  const auto content = disks[1]->content();
  auto store = store_on(disks);
  auto tx = store.begin("vgbad");
  auto next = tx.current();
  next.tags.push_back("changed");

  tx.prepare(next, "test");
  tx.commit();

  EXPECT_EQ(disks[1]->content(), content);
  EXPECT_EQ(store_on(disks).scan().groups.front().vg.seqno, 4u);
}

TEST(Transaction, LeavesIgnoredAreasAlone) {
  const auto disks = fixture_disks("two-mda", Bytes(64 << 20));
  auto store = store_on(disks);
  std::vector<disk::AreaHeader> ignored;
  const auto scan = store.scan();
  for (const auto& pv : scan.pvs)
    for (const auto& area : pv.disk.areas)
      if (area.header->ignored()) ignored.push_back(*area.header);
  ASSERT_FALSE(ignored.empty());
  auto tx = store.begin("vg2mda");
  auto next = tx.current();
  next.tags.push_back("changed");

  tx.prepare(next, "test");
  tx.commit();

  std::vector<disk::AreaHeader> after;
  auto later = store_on(disks);
  const auto rescan = later.scan(ScanDepth::every_copy);
  for (const auto& pv : rescan.pvs)
    for (const auto& area : pv.disk.areas)
      if (area.header->ignored()) after.push_back(*area.header);
  EXPECT_EQ(after, ignored);
  EXPECT_EQ(group_at(rescan, "vg2mda").vg, tx.current());
  EXPECT_THAT(group_at(rescan, "vg2mda").findings, IsEmpty());
}

TEST(Transaction, DoesNotTouchAPvThatIsMissing) {
  auto disks = disks_with_pvs(2);
  auto store = store_on(disks);
  create_group(store, disks);
  const auto old = disks[1]->content();
  std::vector<Disk> rest;
  rest.push_back(std::move(disks[0]));
  auto rest_store = store_on(rest);
  auto tx = rest_store.begin("vg0", {.membership = true, .despite = {Hindrance::missing_pvs}});
  // A volume lies on it: an unused one would be taken back as soon as it is there again.
  auto next = with_volume(tx.current(), "kept", 7);
  std::get<PhysicalArea>(std::get<Striped>(next.lvs.back().segments.front().kind).stripes.front()).pv =
      next.pvs[1].id;
  set_flag(next.pvs[1].flags, "MISSING");

  tx.prepare(next, "test");
  tx.commit();

  EXPECT_EQ(disks[1]->content(), old);
  rest.push_back(std::move(disks[1]));
  auto later = store_on(rest);
  const auto scan = later.scan();
  EXPECT_EQ(group_at(scan, "vg0").vg, tx.current());
  EXPECT_EQ(group_at(scan, "vg0").devices.at(test::id_of<PvId>(101)), nullptr);
}

TEST(Transaction, TakesInAPvAndLetsItGoAgain) {
  auto disks = disks_with_pvs(2);
  auto store = store_on(disks);
  {
    auto tx = store.begin_new("vg0");
    auto vg = test::group_with({});
    vg.pvs.push_back(tx.new_member("/dev/mem0", vg.extent_size = Sectors(128)));
    tx.prepare(vg, "created");
    tx.commit();
    vg = tx.current();
    vg.pvs.push_back(tx.new_member("/dev/mem1", vg.extent_size));
    tx.prepare(vg, "extended");
    tx.commit();
  }
  EXPECT_TRUE(disk::read_label(*disks[1]).label->used());
  EXPECT_THAT(read_again(disks).pvs, SizeIs(2));
  {
    auto tx = store.begin("vg0", {.membership = true, .despite = {}});
    auto vg = tx.current();
    vg.pvs.pop_back();
    tx.prepare(vg, "reduced");
    tx.commit();
  }

  EXPECT_FALSE(disk::read_label(*disks[1]).label->used());
  auto later = store_on(disks);
  EXPECT_EQ(find_pv(later.scan(), "/dev/mem1")->state, PvState::orphan);
  EXPECT_THAT(read_again(disks).pvs, SizeIs(1));
}

TEST(Transaction, ThatTakesInAPvInVainUnmarksIt) {
  auto disks = disks_with_pvs(1);
  auto store = store_on(disks);
  const auto before = disk::read_label(*disks[0]).label;
  {
    auto tx = store.begin_new("vg0");
    auto vg = test::group_with({});
    vg.pvs.push_back(tx.new_member("/dev/mem0", vg.extent_size = Sectors(128)));
    tx.prepare(vg, "created");
    EXPECT_TRUE(disk::read_label(*disks[0]).label->used());
  }

  EXPECT_EQ(disk::read_label(*disks[0]).label, before);
  EXPECT_THAT(store.scan().groups, IsEmpty());
  EXPECT_NO_THROW(create_group(store, disks));
}

TEST(Transaction, RefusesPvsThatOthersHave) {
  auto disks = fixture_disks("corrupt/20-orphan-used-set");
  auto store = store_on(disks);
  const auto tx = store.begin_new("other");

  EXPECT_EQ(error_of([&] { tx.new_member("/dev/loop0", Sectors(8192)); }).code(), Errc::in_use);
  EXPECT_EQ(error_of([&] { tx.new_member("/dev/loop2", Sectors(8192)); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { tx.new_member("/dev/other", Sectors(8192)); }).code(), Errc::not_found);
}

TEST(Transaction, RemovesAGroupSoThatItsPvsAreFree) {
  const auto disks = disks_with_pvs(2);
  auto store = store_on(disks);
  create_group(store, disks);

  store.begin("vg0", {.membership = true, .despite = {}}).remove_group();

  auto later = store_on(disks);
  const auto scan = later.scan(ScanDepth::every_copy);
  EXPECT_THAT(scan.groups, IsEmpty());
  EXPECT_THAT(scan.findings, IsEmpty());
  EXPECT_EQ(scan.pvs[0].state, PvState::orphan);
  EXPECT_NO_THROW(create_group(later, disks));
}

TEST(Transaction, DoesNotRemoveAGroupWithVolumes) {
  const auto disks = disks_with_pvs(1);
  auto store = store_on(disks);
  create_group(store, disks);
  commit_volume(store, "lv", 1);
  auto tx = store.begin("vg0", {.membership = true, .despite = {}});

  EXPECT_EQ(error_of([&] { tx.remove_group(); }).code(), Errc::in_use);
}

TEST(Transaction, WorksOnDevicesWith4096ByteBlocks) {
  const auto disks = disks_with_pvs(2, Bytes(4 << 20), Bytes(4096));
  auto store = store_on(disks);
  create_group(store, disks);

  for (std::uint64_t i = 1; i <= 10; ++i) commit_volume(store, "lv" + std::to_string(i), i);

  EXPECT_THAT(read_again(disks).lvs, SizeIs(10));
}

}  // namespace
}  // namespace cv::metadata
