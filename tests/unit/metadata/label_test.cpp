// Labels: what the real LVM2 wrote, and what must not be taken for one.
#include "metadata/disk/label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "tests/support/fixture_disk.h"
#include "tests/support/group_builder.h"

namespace cv::metadata::disk {
namespace {

using test::fixture_disk;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SectorBuffer sector_of(test::MemoryDevice& device, unsigned number) {
  SectorBuffer sector;
  device.read(Bytes(number * kSectorBytes), sector);
  return sector;
}

Label sample() {
  return {.sector = 1,
          .id = test::id_of<PvId>(7),
          .device_size = Bytes(64 << 20),
          .data_areas = {{Bytes(2 << 20), Bytes(0)}},
          .metadata_areas = {{Bytes(4096), Bytes(1044480)}, {Bytes(66060288), Bytes(1048576)}},
          .bootloader_areas = {{Bytes(1 << 20), Bytes(1 << 20)}}};
}

/// A change of one byte, with the checksum mended.
SectorBuffer mended(SectorBuffer sector, std::size_t at, unsigned char value) {
  sector[at] = std::byte{value};
  const le32 crc = lvm_crc(std::span(sector).subspan(20));
  std::memcpy(sector.data() + 16, &crc, sizeof crc);
  return sector;
}

TEST(Label, OfLvm2IsReadFieldByField) {
  const auto device = fixture_disk("linear", 0);

  const auto found = read_label(*device);

  ASSERT_TRUE(found.label);
  EXPECT_EQ(found.label->sector, 1u);
  EXPECT_EQ(found.label->id.plain(), "DzBEH1ZA6JJbIu3Ll8wZoQ38ptPis2qS");
  EXPECT_EQ(found.label->device_size, Bytes(67108864));
  EXPECT_THAT(found.label->data_areas, ElementsAre(DiskArea{Bytes(1048576), Bytes(0)}));
  EXPECT_THAT(found.label->metadata_areas, ElementsAre(DiskArea{Bytes(4096), Bytes(1044480)}));
  EXPECT_EQ(found.label->extension, 2u);
  EXPECT_TRUE(found.label->used());
  EXPECT_THAT(found.flaws, IsEmpty());
}

TEST(Label, OfLvm2IsPackedToTheSameBytes) {
  for (const auto* folder : {"linear", "two-mda", "multi-pv", "label-sector-ba", "orphan-pv"}) {
    for (const auto& device : test::fixture_disks(folder)) {
      const auto found = read_label(*device);

      ASSERT_TRUE(found.label) << folder << " " << device->path();
      EXPECT_EQ(pack(*found.label), sector_of(*device, found.label->sector)) << folder << device->path();
    }
  }
}

TEST(Label, IsFoundInEachOfTheFirstFourSectors) {
  for (unsigned sector = 0; sector < kLabelSectors; ++sector) {
    test::MemoryDevice device("/dev/mem", Bytes(8192));
    auto label = sample();
    label.sector = sector;

    write_label(device, label);

    EXPECT_EQ(read_label(device).label, label);
  }
}

TEST(Label, FromADeviceTooSmallForOneIsNone) {
  test::MemoryDevice device("/dev/mem", Bytes(1024));

  EXPECT_FALSE(read_label(device).label);
}

TEST(Label, WithAWrongChecksumIsPassedOverAndNamed) {
  const auto device = fixture_disk("corrupt/01-label-crc-one", 1);

  const auto found = read_label(*device);

  EXPECT_FALSE(found.label);
  EXPECT_THAT(found.flaws, ElementsAre(HasSubstr("wrong checksum")));
}

TEST(Label, ThatNamesAnotherSectorIsPassedOver) {
  const auto device = fixture_disk("corrupt/02-label-sector-field", 1);

  const auto found = read_label(*device);

  EXPECT_FALSE(found.label);
  EXPECT_THAT(found.flaws, ElementsAre(HasSubstr("says that it lies in sector 2")));
}

TEST(Label, OfAnotherTypeIsNone) {
  const auto device = fixture_disk("corrupt/04-label-type", 1);

  EXPECT_FALSE(read_label(*device).label);
}

TEST(Label, InAFurtherSectorIsOnlyMentioned) {
  const auto device = fixture_disk("corrupt/03-two-labels", 1);

  const auto found = read_label(*device);

  ASSERT_TRUE(found.label);
  EXPECT_EQ(found.label->sector, 1u);
  EXPECT_THAT(found.flaws, IsEmpty());
  EXPECT_THAT(found.further, ElementsAre(2u));
}

TEST(Label, WithoutExtensionIsNotUsed) {
  const auto device = fixture_disk("corrupt/19-ext-version0", 1);

  const auto found = read_label(*device);

  ASSERT_TRUE(found.label);
  EXPECT_EQ(found.label->extension, 0u);
  EXPECT_FALSE(found.label->used());
}

TEST(Label, MarkedAsUsedGetsTheCurrentExtension) {
  auto label = sample();
  label.extension = 1;

  const auto marked = with_used(label, true);

  EXPECT_TRUE(marked.used());
  EXPECT_EQ(marked.extension, kLabelExtension);
  EXPECT_FALSE(with_used(marked, false).used());
}

TEST(Label, WhoseListsHaveNoEndIsRefused) {
  auto sector = pack(sample());
  for (std::size_t at = 72; at < sector.size(); ++at) sector[at] = std::byte{1};
  sector = mended(sector, 511, 1);

  const auto unpacked = unpack_label(sector, 1);

  EXPECT_FALSE(unpacked.label);
  EXPECT_THAT(unpacked.flaw, HasSubstr("can't be understood"));
}

TEST(Label, WhoseContentLiesOutsideTheSectorIsRefused) {
  for (const unsigned char high : {std::uint8_t{2}, std::uint8_t{255}}) {
    const auto unpacked = unpack_label(mended(pack(sample()), 21, high), 1);

    EXPECT_FALSE(unpacked.label);
  }
}

TEST(Label, WithMoreAreasThanASectorHoldsIsNotWritten) {
  auto label = sample();
  label.metadata_areas.resize(40, {Bytes(4096), Bytes(4096)});

  EXPECT_THROW(pack(label), Error);
}

TEST(Label, IsErasedWhereverItIs) {
  test::MemoryDevice device("/dev/mem", Bytes(8192));
  auto label = sample();
  for (const unsigned sector : {0u, 3u}) {
    label.sector = sector;
    write_label(device, label);
  }

  erase_labels(device);

  EXPECT_EQ(device.content(), std::vector<std::byte>(8192));
}

}  // namespace
}  // namespace cv::metadata::disk
