// The store: making and removing PVs, locks, LVM2's hints.
#include "metadata/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "metadata/disk/metadata_area.h"
#include "tests/support/fixture_disk.h"
#include "tests/support/group_builder.h"
#include "tests/support/temp_dir.h"

namespace cv::metadata {
namespace {

using test::create_group;
using test::Disk;
using test::disks_with_pvs;
using test::id_of;
using test::store_on;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Disk> blank_disks(unsigned count, Bytes size = Bytes(4 << 20)) {
  std::vector<Disk> disks;
  for (unsigned i = 0; i < count; ++i)
    disks.push_back(std::make_unique<test::MemoryDevice>("/dev/mem" + std::to_string(i), size));
  return disks;
}

/// The magic of an ext2 superblock and what libblkid wants beside it.
void put_ext4(test::MemoryDevice& disk) {
  const auto put = [&](std::size_t at, std::uint8_t value) { disk.content()[1024 + at] = std::byte{value}; };
  put(0x38, 0x53);
  put(0x39, 0xef);
  put(0x4c, 1);
  put(0x5c, 4);     // has_journal
  put(0x60, 0x42);  // filetype, extents
}

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error(Errc::interrupted, "nothing was thrown");
}

TEST(CreatePv, MakesAnOrphanWithEmptyMetadata) {
  const auto disks = blank_disks(1);
  auto store = store_on(disks);

  const auto label = store.create_pv("/dev/mem0", {.id = id_of<PvId>(1)});

  EXPECT_EQ(disk::read_label(*disks[0]).label, label);
  EXPECT_EQ(label.device_size, Bytes(4 << 20));
  const auto scan = store.scan();
  ASSERT_EQ(scan.pvs.size(), 1u);
  EXPECT_EQ(scan.pvs[0].state, PvState::orphan);
  EXPECT_TRUE(scan.pvs[0].disk.areas.front().header->committed.empty());
  EXPECT_THAT(scan.findings, IsEmpty());
}

TEST(CreatePv, RefusesADeviceThatHoldsSomethingElseUntilToldToWipeIt) {
  const auto disks = blank_disks(1);
  put_ext4(*disks[0]);
  const auto content = disks[0]->content();
  auto store = store_on(disks);

  const auto error = error_of([&] { store.create_pv("/dev/mem0", {.id = id_of<PvId>(1)}); });
  EXPECT_EQ(error.code(), Errc::refused);
  EXPECT_THAT(error.what(), HasSubstr("ext"));
  EXPECT_EQ(disks[0]->content(), content);

  store.create_pv("/dev/mem0", {.id = id_of<PvId>(1), .wipe = true});
  EXPECT_EQ(disks[0]->content()[1024 + 0x38], std::byte{0});
  EXPECT_EQ(store.scan().pvs.size(), 1u);
}

TEST(CreatePv, NeverTakesAMemberOfAGroup) {
  const auto disks = disks_with_pvs(1);
  auto store = store_on(disks);
  create_group(store, disks);
  const auto content = disks[0]->content();

  const auto error =
      error_of([&] { store.create_pv("/dev/mem0", {.id = id_of<PvId>(1), .wipe = true, .force = true}); });

  EXPECT_EQ(error.code(), Errc::in_use);
  EXPECT_THAT(error.what(), HasSubstr("vg0"));
  EXPECT_EQ(disks[0]->content(), content);
}

TEST(CreatePv, TakesAPvThatSeemsInUseOnlyByForce) {
  for (const auto* folder : {"corrupt/20-orphan-used-set", "corrupt/11-text-crc-both"}) {
    const auto disks = test::fixture_disks(folder);
    const unsigned number = std::string_view(folder).find("orphan") != std::string_view::npos ? 2 : 0;
    const auto path = disks[number]->path();
    auto store = store_on(disks);

    EXPECT_EQ(error_of([&] { store.create_pv(path, {.id = id_of<PvId>(1)}); }).code(), Errc::refused)
        << folder;
    EXPECT_NO_THROW(store.create_pv(path, {.id = id_of<PvId>(1), .force = true})) << folder;
    EXPECT_EQ(find_pv(store.scan(), path)->state, PvState::orphan) << folder;
  }
}

TEST(CreatePv, MayBeRepeatedOnAnOrphan) {
  const auto disks = disks_with_pvs(1);
  auto store = store_on(disks);

  store.create_pv("/dev/mem0", {.id = id_of<PvId>(9), .layout = {.metadata_copies = 2, .label_sector = 3}});

  const auto scan = store.scan();
  ASSERT_EQ(scan.pvs.size(), 1u);
  EXPECT_EQ(scan.pvs[0].disk.label.id, id_of<PvId>(9));
  EXPECT_EQ(scan.pvs[0].disk.label.sector, 3u);
  EXPECT_EQ(scan.pvs[0].disk.areas.size(), 2u);
  EXPECT_THAT(scan.findings, IsEmpty());
}

TEST(CreatePv, RefusesAnIdThatIsTakenAndADeviceItDoesNotHave) {
  const auto disks = disks_with_pvs(2);
  auto store = store_on(disks);

  EXPECT_EQ(error_of([&] { store.create_pv("/dev/mem0", {.id = id_of<PvId>(101)}); }).code(), Errc::exists);
  EXPECT_EQ(error_of([&] { store.create_pv("/dev/other", {.id = id_of<PvId>(5)}); }).code(), Errc::not_found);
}

TEST(CreatePv, RefusesADeviceThatIsTooSmall) {
  const auto disks = blank_disks(1, Bytes(1 << 20));
  auto store = store_on(disks);

  EXPECT_EQ(error_of([&] { store.create_pv("/dev/mem0", {.id = id_of<PvId>(5)}); }).code(), Errc::no_space);
}

TEST(RemovePv, TakesTheLabelOfAnOrphan) {
  const auto disks = disks_with_pvs(2);
  auto store = store_on(disks);

  store.remove_pv("/dev/mem0");

  EXPECT_EQ(store.scan().pvs.size(), 1u);
  EXPECT_EQ(error_of([&] { store.remove_pv("/dev/mem0"); }).code(), Errc::not_found);
}

TEST(RemovePv, RefusesAMember) {
  const auto disks = disks_with_pvs(1);
  auto store = store_on(disks);
  create_group(store, disks);

  EXPECT_EQ(error_of([&] { store.remove_pv("/dev/mem0", true); }).code(), Errc::in_use);
}

class LockingStore : public testing::Test {
 protected:
  StoreOptions options() const {
    auto options = test::quiet_options();
    options.locks = {.directory = dir_.path("lock"), .enabled = true, .wait = false};
    options.lvm_run_dir = dir_.path("run");
    return options;
  }

  test::TempDir dir_;
  std::vector<Disk> disks_ = disks_with_pvs(1);
};

TEST_F(LockingStore, LetsOnlyOneTransactionIn) {
  auto store = store_on(disks_, options());
  create_group(store, disks_);
  {
    const auto tx = store.begin("vg0");

    EXPECT_EQ(error_of([&] { store.begin("vg0"); }).code(), Errc::locked);
    EXPECT_EQ(error_of([&] { store.read("vg0"); }).code(), Errc::locked);
  }

  EXPECT_NO_THROW(store.begin("vg0"));
}

TEST_F(LockingStore, LetsReadersInTogetherAndKeepsWritersOut) {
  auto store = store_on(disks_, options());
  create_group(store, disks_);
  const auto one = store.read("vg0");
  const auto two = store.read("vg0");

  EXPECT_EQ(one.group.vg, two.group.vg);
  EXPECT_EQ(error_of([&] { store.begin("vg0"); }).code(), Errc::locked);
  EXPECT_NO_THROW(store.report());
}

TEST_F(LockingStore, TakesTheGlobalLockForChangesOfMembershipOnly) {
  auto store = store_on(disks_, options());
  create_group(store, disks_);
  const auto tx = store.begin("vg0");
  EXPECT_NO_THROW(store.report());
  const auto other = store.begin_new("other");

  EXPECT_EQ(error_of([&] { store.report(); }).code(), Errc::locked);
  EXPECT_EQ(error_of([&] { store.create_pv("/dev/mem0", {.id = id_of<PvId>(1)}); }).code(), Errc::locked);
}

TEST_F(LockingStore, RefusesNamesThatAreNone) {
  auto store = store_on(disks_, options());

  for (const auto* name : {"", "../x", "a/b", "-a", "."})
    EXPECT_EQ(error_of([&] { store.begin(name); }).code(), Errc::bad_name) << name;
}

TEST_F(LockingStore, RefusesAGroupThatExists) {
  auto store = store_on(disks_, options());
  create_group(store, disks_);

  EXPECT_EQ(error_of([&] { store.begin_new("vg0"); }).code(), Errc::exists);
}

TEST_F(LockingStore, DropsTheHintsOfLvm2WhenGroupsComeAndGo) {
  std::filesystem::create_directory(dir_.path("run"));
  auto store = store_on(disks_, options());
  const auto hints_are_dropped = [&] {
    const bool dropped =
        test::read_file(dir_.path("run/hints")).empty() && std::filesystem::exists(dir_.path("run/newhints"));
    std::filesystem::remove(dir_.path("run/newhints"));
    test::write_file(dir_.path("run/hints"), std::string_view("scan:/dev/x"));
    return dropped;
  };
  test::write_file(dir_.path("run/hints"), std::string_view("scan:/dev/x"));

  create_group(store, disks_);
  EXPECT_TRUE(hints_are_dropped());
  {
    auto tx = store.begin("vg0");
    tx.prepare(test::with_volume(tx.current(), "lv", 1), "test");
    tx.commit();
    auto next = tx.current();
    next.lvs.clear();
    tx.prepare(next, "test");
    tx.commit();
  }
  EXPECT_FALSE(hints_are_dropped());
  store.begin("vg0", {.membership = true, .despite = {}}).remove_group();
  EXPECT_TRUE(hints_are_dropped());
  store.create_pv("/dev/mem0", {.id = id_of<PvId>(1)});
  EXPECT_TRUE(hints_are_dropped());
  EXPECT_FALSE(std::filesystem::exists(dir_.path("run/nohints")));
}

}  // namespace
}  // namespace cv::metadata
