// LUKS volumes that are taken over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/edit.h"
#include "metadata/iv_space.h"
#include "metadata/usage.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::IsEmpty;

Import import_of(std::uint64_t payload_sectors, std::uint64_t header_bytes) {
  Import import;
  import.lv = "old";
  import.store = "cryptostore1";
  import.header.handler = "luks1";
  import.header.cipher = "aes-xts-plain64";
  import.header.key_bits = 512;
  import.header.payload_offset = Sectors(payload_sectors);
  import.header.header_size = Bytes(header_bytes);
  import.copies = 1;
  return import;
}

TEST(ImportLuks, TurnsTheLeadingExtentsIntoTheStoreWhereThePayloadIsAligned) {
  const VolumeGroup before = create_plain(group_with({20}), volume_called("old", 10), counting_ids());

  const VolumeGroup vg = import_luks(before, import_of(2 * 8192, 2068480), counting_ids(2000));

  EXPECT_EQ(size_of(lv_at(vg, "cryptostore1")), Extents(2));
  EXPECT_EQ(size_of(lv_at(vg, "old")), Extents(8));
  EXPECT_EQ(store_in(vg).generation, 0U);
  EXPECT_FALSE(crypt_in(vg, "old").payload_offset);
  EXPECT_EQ(lv_at(vg, "old").id, lv_at(before, "old").id);
  EXPECT_EQ(free_extents(vg), free_extents(before));
  const auto& data = std::get<Striped>(lv_at(vg, "old_crdata").segments.front().kind);
  EXPECT_EQ(std::get<PhysicalArea>(data.stripes.front()).first, Extents(2));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(ImportLuks, CopiesTheHeaderAwayWhereThePayloadIsNotAligned) {
  const VolumeGroup before = create_plain(group_with({20}), volume_called("old", 10), counting_ids());

  const VolumeGroup vg = import_luks(before, import_of(4096, 2068480), counting_ids(2000));

  EXPECT_EQ(crypt_in(vg, "old").payload_offset, Sectors(4096));
  EXPECT_TRUE(crypt_in(vg, "old").old_header);
  EXPECT_EQ(payload_size(vg, lv_at(vg, "old")), Sectors(10 * 8192 - 4096));
  EXPECT_EQ(free_extents(vg), free_extents(before) - Extents(1));
  EXPECT_EQ(store_in(vg).iv_next, kIvWindow);
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(ImportLuks, SplitsAVolumeOfSeveralSegmentsAtThePayload) {
  VolumeGroup vg = group_with({3, 10});
  NewVolume wanted = volume_called("old", 2);
  wanted.placement.permitted = {{vg.pvs[0].id, {Extents(0), Extents(3)}}};
  vg = create_plain(vg, wanted, counting_ids());
  vg = extend(vg, "old", Extents(6), Placement{{{vg.pvs[1].id, {Extents(0), Extents(10)}}}, 1, {}, {}});

  vg = import_luks(vg, import_of(4 * 8192, 16 << 20), counting_ids(2000));

  EXPECT_EQ(size_of(lv_at(vg, "cryptostore1_crdata")), Extents(4));
  EXPECT_EQ(size_of(lv_at(vg, "old_crdata")), Extents(4));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(ImportLuks, CopiesTheHeaderWhereARowOfStripesWouldBeTorn) {
  NewVolume wanted = volume_called("old", 8);
  wanted.placement.stripes = 2;
  wanted.placement.stripe_size = Sectors(128);
  const VolumeGroup vg = create_plain(group_with({20, 20}), wanted, counting_ids());

  EXPECT_FALSE(imports_in_place(vg, import_of(8192, 2068480)));
  EXPECT_TRUE(imports_in_place(vg, import_of(2 * 8192, 2068480)));
  EXPECT_THAT(check(import_luks(vg, import_of(8192, 2068480), counting_ids(2000))), IsEmpty());
  EXPECT_THAT(check(import_luks(vg, import_of(2 * 8192, 2068480), counting_ids(2000))), IsEmpty());
}

TEST(ImportLuks, RefusesAPayloadBehindTheEnd) {
  const VolumeGroup vg = create_plain(group_with({20}), volume_called("old", 2), counting_ids());

  EXPECT_EQ(error_of([&] { import_luks(vg, import_of(2 * 8192, 2068480), counting_ids(2000)); }).code(),
            Errc::damaged);
}

TEST(ImportLuks, RefusesWhatIsEncryptedOrHiddenAlready) {
  const VolumeGroup vg = group_with_crypt();
  Import import = import_of(4096, 2068480);
  import.store = "cryptostore2";

  for (const auto* name : {"a", "a_crdata", "cryptostore1"}) {
    import.lv = name;
    EXPECT_EQ(error_of([&] { import_luks(vg, import, counting_ids(2000)); }).code(), Errc::refused) << name;
  }
}

TEST(ImportLuks, ExtendsBehindThePayloadWithContinuousIvs) {
  VolumeGroup vg = create_plain(group_with({20}), volume_called("old", 10), counting_ids());
  vg = import_luks(vg, import_of(4096, 2068480), counting_ids(2000));

  vg = extend(vg, "old", Extents(2), {});

  ASSERT_EQ(lv_at(vg, "old").segments.size(), 1U);
  const SectorRange ivs = iv_range(vg, lv_at(vg, "old"), lv_at(vg, "old").segments.front());
  EXPECT_EQ(ivs, (SectorRange{Sectors(0), Sectors(12 * 8192 - 4096)}));
  EXPECT_THAT(check(vg), IsEmpty());
}

}  // namespace
}  // namespace cv::metadata
