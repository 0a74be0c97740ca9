// The real LVM2 reads what we write, we read what it writes, and both go on from each other's work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "lib/base/error.h"
#include "lib/device/scan.h"
#include "metadata/disk/metadata_area.h"
#include "metadata/edit.h"
#include "tests/interop/disk/stock_lvm.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using test::StockLvm;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const BeginOptions kMembership{.membership = true, .despite = {}};

NewId random_ids() {
  return [] { return LvId::random(); };
}

VolumeGroup empty_group(const std::string& name) {
  auto vg = test::group_with({});
  vg.name = name;
  vg.id = VgId::random();
  return vg;
}

/// With the kernel's own way of doing so where the range is one of whole blocks.
TEST(BlockDevices, ZeroJustWhatTheyShall) {
  constexpr std::size_t kBytes = 1 << 20;
  const StockLvm lvm(1, Bytes(kBytes * 2));
  const auto device = device::open_device(lvm.device(0), device::Access::read_write);
  std::vector<std::byte> expected(kBytes, std::byte{0xa5});
  device->write(Bytes(0), expected);

  for (const auto& [at, length] : {std::pair{4096, 131072}, {200000, 512}, {300001, 4999}}) {
    device->zero(Bytes(static_cast<std::uint64_t>(at)), Bytes(static_cast<std::uint64_t>(length)));
    std::fill_n(expected.begin() + at, length, std::byte{0});
  }
  device->flush();

  const auto again = device::open_device(lvm.device(0), device::Access::read_only);
  std::vector<std::byte> all(kBytes);
  again->read(Bytes(0), all);
  EXPECT_TRUE(all == expected);
}

/// "vg0" on the PVs that are on all devices.
void create_group(const StockLvm& lvm, MetadataStore& store) {
  auto tx = store.begin_new("vg0");
  auto vg = empty_group("vg0");
  for (const auto& device : lvm.devices()) vg.pvs.push_back(tx.new_member(device->path(), vg.extent_size));
  tx.prepare(vg, "created VG vg0");
  tx.commit();
}

/// The PVs too are made by us.
void create_ours(const StockLvm& lvm, MetadataStore& store) {
  for (const auto& device : lvm.devices())
    store.create_pv(device->path(), {.id = PvId::random(), .layout = {}});
  create_group(lvm, store);
}

void add_volume(MetadataStore& store, const std::string& name, std::uint64_t extents = 1) {
  auto tx = store.begin("vg0");
  tx.prepare(create_plain(tx.current(), test::volume_called(name, extents), random_ids()),
             "created LV " + name);
  tx.commit();
}

void must_be_content(const StockLvm& lvm) {
  const auto vgck = lvm.run("vgck vg0");
  EXPECT_EQ(vgck.status, 0) << vgck.output;
  for (const auto& device : lvm.devices()) {
    const auto headers = lvm.run("pvck --dump headers " + device->path());
    EXPECT_EQ(headers.status, 0) << headers.output;
    EXPECT_THAT(headers.output, Not(HasSubstr("WARNING")));
    EXPECT_THAT(headers.output, Not(HasSubstr("CHECK")));
  }
}

TEST(StockLvm2, ReadsAGroupOfOurs) {
  const StockLvm lvm(2);
  auto store = lvm.store();
  create_ours(lvm, store);
  add_volume(store, "one", 3);
  add_volume(store, "two", 2);

  const auto group = store.read("vg0").group.vg;

  EXPECT_EQ(lvm.must("vgs --noheadings -o vg_seqno,pv_count,lv_count,vg_free_count,vg_missing_pv_count vg0"),
            "3 2 2 9 0");
  EXPECT_EQ(lvm.must("vgs --noheadings -o vg_uuid vg0"), group.id.text());
  EXPECT_EQ(lvm.must("pvs --noheadings -o pv_uuid " + lvm.device(1)), group.pvs[1].id.text());
  EXPECT_EQ(lvm.must("lvs --noheadings -o lv_uuid vg0/one"), find_lv(group, "one")->id.text());
  must_be_content(lvm);
}

TEST(StockLvm2, FindsTheSameLayoutOnOurPvsAsOnItsOwn) {
  const std::pair<std::string, PvLayout> cases[] = {
      {"", {}},
      {"--metadatacopies 2", {.metadata_copies = 2}},
      {"--metadatacopies 0", {.metadata_copies = 0}},
      {"--dataalignment 2m", {.data_alignment = Bytes(2 << 20)}},
      {"--dataalignmentoffset 7s", {.data_alignment_offset = Bytes(7 * 512)}},
      {"--metadatasize 4m", {.metadata_size = Bytes(4 << 20)}},
      {"--bootloaderareasize 1m", {.bootloader_size = Bytes(1 << 20)}},
      {"--labelsector 3", {.label_sector = 3}}};
  for (const auto& [option, layout] : cases) {
    const StockLvm lvm(2);
    auto store = lvm.store();
    const std::string fields =
        "pvs --noheadings --units b -o pe_start,pv_mda_count,pv_mda_size,pv_ba_start,pv_ba_size,dev_size ";

    lvm.must("pvcreate " + option + " " + lvm.device(0));
    store.create_pv(lvm.device(1), {.id = PvId::random(), .layout = layout});

    EXPECT_EQ(lvm.must(fields + lvm.device(1)), lvm.must(fields + lvm.device(0))) << option;
    const auto scan = store.scan();
    auto theirs = find_pv(scan, lvm.device(0))->disk.label;
    theirs.id = find_pv(scan, lvm.device(1))->disk.label.id;
    EXPECT_EQ(find_pv(scan, lvm.device(1))->disk.label, theirs) << option;
  }
}

TEST(StockLvm2, IsReadByUs) {
  const StockLvm lvm(2);
  lvm.must("pvcreate " + lvm.device(0) + " " + lvm.device(1));
  lvm.must("vgcreate vg0 " + lvm.device(0) + " " + lvm.device(1));
  lvm.must("lvcreate -an -Zn -Wn -n lin -l 2 vg0");
  lvm.must("lvcreate -an -Zn -Wn -n str -i 2 -l 2 vg0");
  auto store = lvm.store();

  const auto scan = store.scan(ScanDepth::every_copy);

  const auto& group = group_at(scan, "vg0");
  EXPECT_EQ(std::to_string(group.vg.seqno), lvm.must("vgs --noheadings -o vg_seqno vg0"));
  EXPECT_EQ(group.vg.id.text(), lvm.must("vgs --noheadings -o vg_uuid vg0"));
  EXPECT_THAT(group.vg.lvs, SizeIs(2));
  EXPECT_THAT(group.obstacles, IsEmpty());
  EXPECT_THAT(group.findings, IsEmpty());
  EXPECT_THAT(scan.findings, IsEmpty());
}

TEST(StockLvm2, TakesTurnsWithUsOnOneGroup) {
  const StockLvm lvm(2);
  auto store = lvm.store();
  create_ours(lvm, store);
  std::uint32_t seqno = 1;

  for (int round = 0; round < 80; ++round) {
    const auto tag = fmt::format("r{}", round);
    lvm.must("vgchange --addtag " + tag + " vg0");
    auto tx = store.begin("vg0");  // let go at the end of the round
    ASSERT_EQ(tx.current().seqno, seqno + 1) << round;
    auto next = tx.current();
    next.tags.push_back(
        fmt::format("ours{}-{}", round, std::string(static_cast<std::size_t>(round % 7) * 100, 'x')));
    tx.prepare(next, "added a tag");
    tx.commit();
    seqno += 2;
  }

  EXPECT_EQ(lvm.must("vgs --noheadings -o vg_seqno vg0"), std::to_string(seqno));
  const auto scan = store.scan(ScanDepth::every_copy);
  EXPECT_THAT(group_at(scan, "vg0").vg.tags, SizeIs(160));
  EXPECT_THAT(group_at(scan, "vg0").findings, IsEmpty());
  must_be_content(lvm);
}

TEST(StockLvm2, SeesNothingOfWhatWeOnlyPrepared) {
  const StockLvm lvm(2);
  auto store = lvm.store();
  create_ours(lvm, store);
  auto tx = store.begin("vg0");
  tx.prepare(create_plain(tx.current(), test::volume_called("lv", 1), random_ids()), "test");

  EXPECT_EQ(lvm.must("vgs --noheadings -o vg_seqno,lv_count vg0 --nolocking"), "1 0");
}

TEST(StockLvm2, KeepsOutWhileWeHoldTheLock) {
  const StockLvm lvm(1);
  auto store = lvm.store();
  create_ours(lvm, store);
  const std::string at_once = " --config global/wait_for_locks=0";
  {
    const auto tx = store.begin("vg0");
    EXPECT_NE(lvm.run("vgs vg0" + at_once).status, 0);
    EXPECT_NE(lvm.run("vgchange --addtag x vg0" + at_once).status, 0);
  }
  {
    const auto reader = store.read("vg0");
    EXPECT_EQ(lvm.run("vgs vg0" + at_once).status, 0);
    EXPECT_NE(lvm.run("vgchange --addtag x vg0" + at_once).status, 0);
  }
  EXPECT_EQ(lvm.run("vgchange --addtag x vg0" + at_once).status, 0);
  {
    const device::LockFile global(lvm.locks(), device::kGlobalLock, device::LockMode::exclusive);
    EXPECT_NE(lvm.run("pvs" + at_once).status, 0);
  }
}

TEST(StockLvm2, FindsANewGroupInSpiteOfItsHints) {
  const StockLvm lvm(3);
  lvm.must("pvcreate " + lvm.device(0));
  lvm.must("pvs");  // hints are there now, without our devices
  auto store = lvm.store();
  store.create_pv(lvm.device(1), {.id = PvId::random(), .layout = {}});
  lvm.must("pvs");
  {
    auto tx = store.begin_new("vg0");
    auto vg = empty_group("vg0");
    vg.pvs.push_back(tx.new_member(lvm.device(1), vg.extent_size));
    tx.prepare(vg, "created");
    tx.commit();
  }

  EXPECT_EQ(lvm.must("vgs --noheadings -o vg_name vg0"), "vg0");
}

TEST(StockLvm2, HealsACopyThatWeCouldNotWrite) {
  const StockLvm lvm(2);
  auto store = lvm.store();
  create_ours(lvm, store);
  const disk::DiskArea place{Bytes(4096), Bytes(1044480)};
  auto& second = *store.find_device(lvm.device(1));
  const auto old_header = disk::read_area_header(second, place);
  add_volume(store, "lv");
  disk::write_area_header(second, old_header);
  second.flush();

  EXPECT_EQ(lvm.must("vgs --noheadings -o vg_seqno vg0").back(), '2');
  lvm.must("vgchange --addtag healed vg0");

  const auto scan = store.scan(ScanDepth::every_copy);
  EXPECT_EQ(group_at(scan, "vg0").vg.seqno, 3u);
  EXPECT_THAT(group_at(scan, "vg0").findings, IsEmpty());
}

TEST(StockLvm2, TakesPvsOfAGroupThatWeRemoved) {
  const StockLvm lvm(2);
  auto store = lvm.store();
  create_ours(lvm, store);

  store.begin("vg0", kMembership).remove_group();

  EXPECT_EQ(lvm.must("vgs --noheadings"), "");
  EXPECT_EQ(lvm.must("pvs --noheadings -o pv_in_use " + lvm.device(0)), "");
  lvm.must("vgcreate theirs " + lvm.device(0) + " " + lvm.device(1));
  EXPECT_THAT(store.scan(ScanDepth::every_copy).groups, SizeIs(1));
}

TEST(StockLvm2, LeavesPvsThatWeCanTakeWhenItRemovedAGroup) {
  const StockLvm lvm(2);
  lvm.must("vgcreate -y theirs " + lvm.device(0) + " " + lvm.device(1));
  lvm.must("vgremove -y theirs");
  auto store = lvm.store();

  create_group(lvm, store);

  EXPECT_EQ(lvm.must("vgs --noheadings -o pv_count vg0"), "2");
  must_be_content(lvm);
}

TEST(StockLvm2, ExtendsAndReducesOurGroupAndWeItsOwn) {
  const StockLvm lvm(3);
  lvm.must("vgcreate vg0 " + lvm.device(0));
  auto store = lvm.store();
  store.create_pv(lvm.device(1), {.id = PvId::random(), .layout = {}});
  {
    auto tx = store.begin("vg0", kMembership);
    auto next = tx.current();
    next.pvs.push_back(tx.new_member(lvm.device(1), next.extent_size));
    tx.prepare(next, "extended");
    tx.commit();
  }
  lvm.must("vgextend vg0 " + lvm.device(2));
  lvm.must("vgreduce vg0 " + lvm.device(0));
  {
    auto tx = store.begin("vg0", kMembership);
    auto next = tx.current();
    next.pvs.pop_back();
    tx.prepare(next, "reduced");
    tx.commit();
  }

  EXPECT_EQ(lvm.must("vgs --noheadings -o pv_count vg0"), "1");
  EXPECT_EQ(lvm.must("pvs --noheadings -o vg_name " + lvm.device(2)), "");
  must_be_content(lvm);
  EXPECT_THAT(store.scan(ScanDepth::every_copy).findings, IsEmpty());
}

TEST(StockLvm2, ReadsOurGroupOnDevicesWith4096ByteBlocks) {
  const StockLvm lvm(2, Bytes(32 << 20), 4096);
  auto store = lvm.store();
  ASSERT_EQ(store.find_device(lvm.device(0))->block_size(), Bytes(4096));
  create_ours(lvm, store);
  for (int i = 0; i < 10; ++i) {
    auto tx = store.begin("vg0");
    auto next = tx.current();
    next.tags.push_back(fmt::format("t{}", i));
    tx.prepare(next, "added a tag");
    tx.commit();
  }
  for (int i = 0; i < 10; ++i) {
    lvm.must(fmt::format("vgchange --addtag s{} vg0", i));
    add_volume(store, fmt::format("lv{}", i));
  }

  EXPECT_EQ(lvm.must("vgs --noheadings -o vg_seqno vg0"), "31");
  must_be_content(lvm);
}

TEST(LoopDevice, WithLargeBlocksIsReadAndWrittenAtAnyPlace) {
  for (const unsigned sector : {512u, 4096u}) {
    const StockLvm lvm(1, Bytes(4 << 20), sector);
    const auto device = device::open_device(lvm.device(0), device::Access::read_write);
    std::mt19937 random(20261120);
    std::vector<std::byte> expected(4 << 20);
    for (int round = 0; round < 60; ++round) {
      const std::size_t at = random() % expected.size();
      const std::size_t length =
          std::min<std::size_t>(expected.size() - at, round % 10 == 0 ? 3000000 : random() % 9000);
      std::vector<std::byte> piece(length, static_cast<std::byte>(round + 1));

      device->write(Bytes(at), piece);

      std::copy(piece.begin(), piece.end(), expected.begin() + static_cast<std::ptrdiff_t>(at));
    }
    device->flush();

    std::vector<std::byte> all(expected.size());
    device->read(Bytes(0), all);
    EXPECT_EQ(all, expected);
  }
}

TEST(LoopDevice, InExclusiveUseIsHeld) {
  const StockLvm lvm(1);
  EXPECT_FALSE(device::is_held(lvm.device(0)));
  const auto candidates = device::candidate_devices();
  EXPECT_THAT(candidates, testing::Contains(lvm.device(0)));

  ASSERT_EQ(test::run_program({"mkfs.ext2", "-q", lvm.device(0)}).status, 0);
  auto store = lvm.store();
  EXPECT_THROW(store.create_pv(lvm.device(0), {.id = PvId::random(), .layout = {}}), Error);
  EXPECT_NO_THROW(store.create_pv(lvm.device(0), {.id = PvId::random(), .layout = {}, .wipe = true}));
  EXPECT_EQ(lvm.must("pvs --noheadings -o pv_name"), lvm.device(0));
}

}  // namespace
}  // namespace cv::metadata
