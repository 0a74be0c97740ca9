#include "metadata/store_bytes.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "metadata/edit.h"
#include "tests/support/group_builder.h"
#include "tests/support/memory_device.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::IsEmpty;

/// A store with three copies on three PVs in memory; extents of 64 KiB keep it small.
class StoreOnThreePvs : public ::testing::Test {
 protected:
  StoreOnThreePvs() {
    vg_ = group_with({8, 8, 8});
    vg_.extent_size = Sectors(128);
    NewKeystore wanted = luks_store();
    wanted.copies = 3;
    wanted.region = Bytes(100000);
    wanted.first_iv = Sectors(42);
    vg_ = create_store(vg_, wanted, counting_ids());
    for (const PhysicalVolume& pv : vg_.pvs) {
      disks_.push_back(std::make_unique<MemoryDevice>(
          pv.device, to_bytes(pv.pe_start + to_sectors(pv.pe_count, vg_.extent_size))));
      devices_[pv.id] = disks_.back().get();
    }
    header_.resize(70000);
    fill_random(header_);
  }

  const LogicalVolume& store() const { return lv_at(vg_, "cryptostore1"); }
  Keystore& keystore() { return std::get<Keystore>(find_lv(vg_, "cryptostore1")->segments.front().kind); }
  void write() { write_new_copies(vg_, devices_, store(), header_); }

  VolumeGroup vg_;
  std::vector<std::unique_ptr<MemoryDevice>> disks_;
  PvDevices devices_;
  std::vector<std::byte> header_;
};

TEST_F(StoreOnThreePvs, GivesBackWhatWasWrittenToEachCopy) {
  write();

  const auto copies = read_copies(vg_, devices_, store());

  ASSERT_EQ(copies.size(), 3U);
  for (const StoreCopy& copy : copies) {
    EXPECT_TRUE(copy.intact) << copy.flaw;
    ASSERT_GE(copy.bytes.size(), header_.size());
    EXPECT_TRUE(std::equal(header_.begin(), header_.end(), copy.bytes.begin()));
    EXPECT_EQ(copy.trailer->generation, 1U);
    EXPECT_EQ(copy.trailer->iv_next, Sectors(42));
  }
}

TEST_F(StoreOnThreePvs, PrefersTheNewestIntactCopy) {
  write();
  keystore().generation = 2;
  const PvDevices only_second{{vg_.pvs[1].id, devices_[vg_.pvs[1].id]}};
  VolumeGroup newer = vg_;
  std::get<Keystore>(find_lv(newer, "cryptostore1")->segments.front().kind).copies = {keystore().copies[1]};
  write_new_copies(newer, devices_, lv_at(newer, "cryptostore1"), header_);
  std::ranges::fill(disks_[2]->content(), std::byte{0x5a});

  const auto copies = read_copies(vg_, devices_, store());

  EXPECT_EQ(copies[0].number, 2U);
  EXPECT_EQ(copies[0].trailer->generation, 2U);
  EXPECT_TRUE(copies[1].intact);
  EXPECT_FALSE(copies[2].intact);
}

TEST_F(StoreOnThreePvs, StillGivesACopyWhoseDigestIsWrong) {
  write();
  for (const auto& disk : disks_) disk->content()[(2048 * 512) + 17] ^= std::byte{1};

  const auto copies = read_copies(vg_, devices_, store());

  for (const StoreCopy& copy : copies) {
    EXPECT_FALSE(copy.intact);
    EXPECT_FALSE(copy.flaw.empty());
    EXPECT_FALSE(copy.bytes.empty());
  }
}

TEST_F(StoreOnThreePvs, PutsCopiesOnMissingPvsLast) {
  write();
  devices_[vg_.pvs[0].id] = nullptr;

  const auto copies = read_copies(vg_, devices_, store());

  ASSERT_EQ(copies.size(), 3U);
  EXPECT_TRUE(copies[0].intact);
  EXPECT_TRUE(copies[1].intact);
  EXPECT_THAT(copies[2].bytes, IsEmpty());
}

TEST_F(StoreOnThreePvs, ErasesEveryByteOfEveryCopy) {
  write();
  const auto written = disks_[0]->content();

  erase_copies(vg_, devices_, store());

  for (const StoreCopy& copy : read_copies(vg_, devices_, store())) EXPECT_FALSE(copy.trailer);
  std::size_t same = 0;
  for (std::size_t at = 2048 * 512; at < (2048 + 256) * 512; ++at)
    same += written[at] == disks_[0]->content()[at] ? 1 : 0;
  EXPECT_LT(same, 256U * 512 / 64);  // by chance one in 256
  EXPECT_GT(disks_[0]->flushes(), 0U);
}

TEST_F(StoreOnThreePvs, RefusesToEraseWhileACopyIsOutOfReach) {
  write();
  devices_[vg_.pvs[2].id] = nullptr;

  EXPECT_THROW(erase_copies(vg_, devices_, store()), Error);
}

TEST_F(StoreOnThreePvs, RaisesIvNextInTheTrailersAndNeverLowersIt) {
  write();

  keystore().iv_next = Sectors(100);
  update_trailers(vg_, devices_, store());
  EXPECT_EQ(iv_next_of_trailers(vg_, devices_, store()), Sectors(100));

  keystore().iv_next = Sectors(50);
  update_trailers(vg_, devices_, store());
  EXPECT_EQ(iv_next_of_trailers(vg_, devices_, store()), Sectors(100));
  for (const StoreCopy& copy : read_copies(vg_, devices_, store())) EXPECT_TRUE(copy.intact);
}

}  // namespace
}  // namespace cv::metadata
