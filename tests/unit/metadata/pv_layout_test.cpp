// The layout of new PVs is the one that the real pvcreate chose (tests/fixtures).
#include "metadata/pv_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using disk::DiskArea;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Bytes kDevice(64 << 20);

disk::Label laid_out(PvLayout layout) {
  layout.device_size = kDevice;
  return lay_out(layout, test::id_of<PvId>(1));
}

TEST(PvLayout, ByDefaultGivesMetadataTheFirstMebibyte) {
  const auto label = laid_out({});

  EXPECT_EQ(label.sector, 1u);
  EXPECT_EQ(label.device_size, kDevice);
  EXPECT_THAT(label.data_areas, ElementsAre(DiskArea{Bytes(1 << 20), Bytes(0)}));
  EXPECT_THAT(label.metadata_areas, ElementsAre(DiskArea{Bytes(4096), Bytes(1044480)}));
  EXPECT_THAT(label.bootloader_areas, IsEmpty());
  EXPECT_FALSE(label.used());
}

TEST(PvLayout, GrowsTheMetadataUpToTheAlignment) {
  const auto label = laid_out({.data_alignment = Bytes(2 << 20)});

  EXPECT_THAT(label.data_areas, ElementsAre(DiskArea{Bytes(2 << 20), Bytes(0)}));
  EXPECT_THAT(label.metadata_areas, ElementsAre(DiskArea{Bytes(4096), Bytes(2093056)}));
}

TEST(PvLayout, AddsTheAlignmentOffset) {
  const auto label = laid_out({.data_alignment_offset = Bytes(7 * 512)});

  EXPECT_THAT(label.data_areas, ElementsAre(DiskArea{Bytes(2055 * 512), Bytes(0)}));
  EXPECT_THAT(label.metadata_areas, ElementsAre(DiskArea{Bytes(4096), Bytes(1048064)}));
}

TEST(PvLayout, MakesRoomForLargerMetadata) {
  const auto label = laid_out({.metadata_size = Bytes(4 << 20)});

  EXPECT_THAT(label.data_areas, ElementsAre(DiskArea{Bytes(10240 * 512), Bytes(0)}));
  EXPECT_THAT(label.metadata_areas, ElementsAre(DiskArea{Bytes(4096), Bytes(5238784)}));
}

TEST(PvLayout, PutsASecondCopyAtTheEnd) {
  const auto label = laid_out({.metadata_copies = 2});

  EXPECT_THAT(label.metadata_areas,
              ElementsAre(DiskArea{Bytes(4096), Bytes(1044480)}, DiskArea{Bytes(66060288), Bytes(1048576)}));
}

TEST(ResizedPv, MovesTheAreaAtTheEndWithIt) {
  const auto label = laid_out({.metadata_copies = 2});
  const auto larger = resized(label, "pv", Bytes(128 << 20));
  const auto back = resized(larger, "pv", kDevice);

  EXPECT_EQ(larger.device_size, Bytes(128 << 20));
  EXPECT_THAT(larger.metadata_areas,
              ElementsAre(label.metadata_areas[0], DiskArea{Bytes(127 << 20), Bytes(1 << 20)}));
  EXPECT_EQ(data_end(larger, larger.device_size), whole_sectors(Bytes(127 << 20)));
  EXPECT_EQ(back, label);
}

TEST(ResizedPv, NeverPutsTheAreaOverItself) {
  const auto label = laid_out({.metadata_copies = 2});  // the area: mebibyte 63
  const auto little_more = resized(label, "pv", kDevice + Bytes(512 << 10));
  const auto little_less = resized(label, "pv", kDevice - Bytes(512 << 10));

  EXPECT_EQ(little_more.metadata_areas, label.metadata_areas);
  EXPECT_EQ(little_more.device_size, kDevice + Bytes(512 << 10));
  EXPECT_EQ(little_less.metadata_areas[1], (DiskArea{Bytes(62 << 20), Bytes(1 << 20)}));
  EXPECT_EQ(resized(little_less, "pv", little_less.device_size), little_less);
}

TEST(ResizedPv, WithoutAreaAtTheEndOnlyHasAnotherSize) {
  const auto label = laid_out({});
  auto expected = label;
  expected.device_size = Bytes(3 << 20);

  EXPECT_EQ(resized(label, "pv", Bytes(3 << 20)), expected);
  EXPECT_THROW(static_cast<void>(resized(label, "pv", Bytes(2 << 20))), Error);
  EXPECT_THROW(static_cast<void>(resized(laid_out({.metadata_copies = 2}), "pv", Bytes(3 << 20))), Error);
  EXPECT_THROW(static_cast<void>(resized(laid_out({.metadata_copies = 2}), "pv", Bytes(512))), Error);
}

TEST(PvLayout, WithoutCopiesHasNoMetadataAreas) {
  const auto label = laid_out({.metadata_copies = 0});

  EXPECT_THAT(label.metadata_areas, IsEmpty());
  EXPECT_THAT(label.data_areas, ElementsAre(DiskArea{Bytes(1 << 20), Bytes(0)}));
}

TEST(PvLayout, PutsABootloaderAreaBeforeTheData) {
  const auto label = laid_out({.bootloader_size = Bytes(1 << 20)});

  EXPECT_THAT(label.bootloader_areas, ElementsAre(DiskArea{Bytes(1 << 20), Bytes(1 << 20)}));
  EXPECT_THAT(label.data_areas, ElementsAre(DiskArea{Bytes(2 << 20), Bytes(0)}));
}

TEST(PvLayout, AlignsToWhatTheDeviceLikesBest) {
  EXPECT_EQ(laid_out({.optimal_io = Bytes(65536)}).data_areas.front().offset, Bytes(1 << 20));
  EXPECT_EQ(laid_out({.optimal_io = Bytes(768 * 1024)}).data_areas.front().offset, Bytes(1536 * 1024));
}

TEST(PvLayout, RefusesWhatCanNotBe) {
  const auto id = test::id_of<PvId>(1);

  EXPECT_THROW(lay_out({.device_size = Bytes((2 << 20) - 1)}, id), Error);
  EXPECT_THROW(lay_out({.device_size = Bytes(4 << 20), .metadata_size = Bytes(4 << 20)}, id), Error);
  EXPECT_THROW(lay_out({.device_size = kDevice, .metadata_size = Bytes(UINT64_MAX)}, id), Error);
  EXPECT_THROW(lay_out({.device_size = kDevice, .metadata_copies = 3}, id), Error);
  EXPECT_THROW(lay_out({.device_size = kDevice, .label_sector = 4}, id), Error);
  EXPECT_THROW(lay_out({.device_size = kDevice, .data_alignment_offset = Bytes(100)}, id), Error);
}

TEST(NewMember, HasTheExtentsThatFitBetweenTheAreas) {
  const auto one = member_of(laid_out({}), "/dev/x", kDevice, Sectors(8192));
  const auto two = member_of(laid_out({.metadata_copies = 2}), "/dev/x", kDevice, Sectors(2048));

  EXPECT_EQ(one.pe_start, Sectors(2048));
  EXPECT_EQ(one.pe_count, Extents(15));
  EXPECT_EQ(one.dev_size, Sectors(131072));
  EXPECT_EQ(one.device, "/dev/x");
  EXPECT_TRUE(has_flag(one.flags, "ALLOCATABLE"));
  EXPECT_EQ(two.pe_count, Extents(62));
}

TEST(NewMember, WithoutRoomForOneExtentIsRefused) {
  EXPECT_THROW(member_of(laid_out({}), "/dev/x", kDevice, Sectors(131072)), Error);
}

}  // namespace
}  // namespace cv::metadata
