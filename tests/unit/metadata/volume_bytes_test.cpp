// The bytes of volumes through their areas.
#include "metadata/volume_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "metadata/edit.h"
#include "tests/support/group_builder.h"
#include "tests/support/memory_device.h"

namespace cv::metadata {
namespace {

using test::group_with;
using test::id_of;

constexpr std::uint64_t kExtent = 4096;  // bytes; 8 sectors
constexpr std::uint64_t kStart = 2048 * kSectorBytes;

/// Three PVs of 16 extents, every byte of which is told by its place.
class VolumeBytes : public testing::Test {
 protected:
  VolumeBytes() {
    vg_.extent_size = Sectors(8);
    for (std::size_t i = 0; i < vg_.pvs.size(); ++i) {
      disks_.push_back(
          std::make_unique<test::MemoryDevice>("/dev/pv" + std::to_string(i), Bytes(kStart + 16 * kExtent)));
      devices_[vg_.pvs[i].id] = disks_.back().get();
    }
  }

  static std::byte value(std::size_t pv, std::uint64_t at) {
    return static_cast<std::byte>(pv * 89 + at * 7 + at / 256);
  }
  void fill() {
    for (std::size_t pv = 0; pv < disks_.size(); ++pv)
      for (std::uint64_t at = kStart; at < disks_[pv]->content().size(); ++at)
        disks_[pv]->content()[at] = value(pv, at);
  }
  PhysicalArea on(std::size_t pv, std::uint64_t extent) const { return {vg_.pvs[pv].id, Extents(extent)}; }

  LogicalVolume& add(const std::string& name, std::vector<Segment> segments) {
    LogicalVolume lv;
    lv.name = name;
    lv.id = id_of<LvId>(vg_.lvs.size() + 1);
    lv.segments = std::move(segments);
    vg_.lvs.push_back(std::move(lv));
    return vg_.lvs.back();
  }
  static Segment segment(std::uint64_t start, std::uint64_t count, SegmentKind kind) {
    return {
        .start = Extents(start), .count = Extents(count), .tags = {}, .kind = std::move(kind), .carried = {}};
  }

  std::vector<std::byte> read_all(device::BlockDevice& volume) {
    std::vector<std::byte> all(volume.size().n);
    volume.read(Bytes(0), all);
    return all;
  }

  VolumeGroup vg_ = group_with({16, 16, 16});
  std::vector<std::unique_ptr<test::MemoryDevice>> disks_;
  PvDevices devices_;
};

TEST_F(VolumeBytes, OfLinearSegmentsFollowOneAnother) {
  fill();
  add("lv", {segment(0, 2, Striped{{}, {on(0, 3)}}), segment(2, 1, Striped{{}, {on(2, 0)}})});

  const auto volume = open_volume(vg_, devices_, "lv");
  const auto all = read_all(*volume);

  ASSERT_EQ(volume->size(), Bytes(3 * kExtent));
  for (std::uint64_t i = 0; i < 2 * kExtent; ++i) ASSERT_EQ(all[i], value(0, kStart + 3 * kExtent + i));
  for (std::uint64_t i = 0; i < kExtent; ++i) ASSERT_EQ(all[2 * kExtent + i], value(2, kStart + i));
}

TEST_F(VolumeBytes, OfStripesGoRoundInTurn) {
  fill();
  add("lv", {segment(0, 6, Striped{Sectors(2), {on(0, 1), on(1, 5), on(2, 9)}})});

  const auto all = read_all(*open_volume(vg_, devices_, "lv"));

  ASSERT_EQ(all.size(), 6 * kExtent);
  const std::uint64_t firsts[] = {1, 5, 9};
  for (std::uint64_t i = 0; i < all.size(); ++i) {
    const std::uint64_t chunk = i / 1024;
    const auto pv = chunk % 3;
    ASSERT_EQ(all[i], value(pv, kStart + firsts[pv] * kExtent + chunk / 3 * 1024 + i % 1024)) << i;
  }
}

TEST_F(VolumeBytes, OfACryptVolumeAreThoseOfItsDataVolume) {
  fill();
  add("tst", {segment(0, 1, Crypt{.store = "cryptostore1", .area = LogicalArea{"tst_crdata", Extents(1)}})});
  add("tst_crdata", {segment(0, 4, Striped{Sectors(1), {on(0, 0), on(1, 0)}})});

  const auto all = read_all(*open_volume(vg_, devices_, "tst"));

  const auto data = read_all(*open_volume(vg_, devices_, "tst_crdata"));
  EXPECT_EQ(all, std::vector<std::byte>(data.begin() + kExtent, data.begin() + 2 * kExtent));
}

TEST_F(VolumeBytes, OfASeedFormVolumeLieOnThePvItself) {
  fill();
  add("tst", {segment(0, 2, Crypt{.store = "cryptostore1", .area = on(1, 4)})});

  const auto all = read_all(*open_volume(vg_, devices_, "tst"));

  EXPECT_EQ(all.front(), value(1, kStart + 4 * kExtent));
}

TEST_F(VolumeBytes, OfEachCopyOfAStoreCanBeReached) {
  fill();
  const Keystore store{.handler = "luks2", .cipher = "x", .copies = {on(0, 2), on(1, 7)}};
  add("cryptostore1", {segment(0, 1, store)});

  EXPECT_EQ(read_all(*open_volume(vg_, devices_, "cryptostore1")).front(), value(0, kStart + 2 * kExtent));
  EXPECT_EQ(read_all(*open_area(vg_, devices_, store.copies[1], Extents(1), "cryptostore1")).front(),
            value(1, kStart + 7 * kExtent));
}

TEST_F(VolumeBytes, WrittenAnywhereReadBackTheSameAndTouchNothingElse) {
  add("lv",
      {segment(0, 4, Striped{Sectors(1), {on(0, 2), on(1, 2)}}), segment(4, 2, Striped{{}, {on(2, 3)}})});
  const auto volume = open_volume(vg_, devices_, "lv");
  std::vector<std::byte> expected(volume->size().n);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::uint64_t at = i * 4561 % expected.size();
    const std::size_t length = std::min<std::uint64_t>(1 + i * 97, expected.size() - at);
    const std::vector<std::byte> piece(length, static_cast<std::byte>(i + 1));

    volume->write(Bytes(at), piece);

    std::copy(piece.begin(), piece.end(), expected.begin() + static_cast<std::ptrdiff_t>(at));
  }
  volume->flush();

  EXPECT_EQ(read_all(*volume), expected);
  const auto is_blank = [&](std::size_t pv, std::uint64_t begin, std::uint64_t end) {
    return std::all_of(disks_[pv]->content().begin() + static_cast<std::ptrdiff_t>(kStart + begin * kExtent),
                       disks_[pv]->content().begin() + static_cast<std::ptrdiff_t>(kStart + end * kExtent),
                       [](std::byte b) { return b == std::byte{0}; });
  };
  EXPECT_TRUE(is_blank(0, 0, 2) && is_blank(0, 4, 16) && is_blank(2, 0, 3) && is_blank(2, 5, 16));
  EXPECT_EQ(disks_[0]->flushes(), 1u);
}

TEST_F(VolumeBytes, EndWithTheVolume) {
  add("lv", {segment(0, 1, Striped{{}, {on(0, 0)}})});
  const auto volume = open_volume(vg_, devices_, "lv");
  std::vector<std::byte> two(2);

  EXPECT_THROW(volume->read(Bytes(kExtent - 1), two), Error);
  EXPECT_THROW(volume->write(Bytes(UINT64_MAX), two), Error);
}

TEST_F(VolumeBytes, OnAMissingPvAreRefusedByName) {
  add("lv", {segment(0, 1, Striped{{}, {on(1, 0)}})});
  devices_[vg_.pvs[1].id] = nullptr;

  try {
    open_volume(vg_, devices_, "lv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::not_found);
    EXPECT_THAT(error.advice(), testing::HasSubstr("/dev/pv1"));
  }
}

TEST_F(VolumeBytes, OfDamagedAreasAreRefused) {
  add("circle", {segment(0, 1, Crypt{.store = "s", .area = LogicalArea{"circle", Extents(0)}})});
  add("past", {segment(0, 2, Striped{{}, {on(0, 15)}})});
  add("far", {segment(0, 1, Striped{{}, {on(0, UINT64_MAX)}})});
  add("short", {segment(0, 1, Striped{{}, {on(0, 0)}})});
  add("beyond", {segment(0, 2, Crypt{.store = "s", .area = LogicalArea{"short", Extents(0)}})});
  add("none", {segment(0, 1, Striped{{}, {}})});
  add("odd", {segment(0, 3, Striped{Sectors(1), {on(0, 0), on(1, 0)}})});
  add("zero", {segment(0, 2, Striped{Sectors(0), {on(0, 0), on(1, 0)}})});
  add("raid", {segment(0, 1, Opaque{"raid1", {}})});
  add("plain", {segment(0, 1, Keystore{.handler = "plain", .cipher = "x"})});

  for (const auto& lv : vg_.lvs) {
    if (lv.name == "short") continue;
    EXPECT_THROW(open_volume(vg_, devices_, lv.name), Error) << lv.name;
  }
  EXPECT_THROW(open_volume(vg_, devices_, "nosuch"), Error);
}

TEST_F(VolumeBytes, StacksOfVolumesHaveALimit) {
  add("lv0", {segment(0, 1, Striped{{}, {on(0, 0)}})});
  for (int i = 1; i < 100; ++i)
    add("lv" + std::to_string(i),
        {segment(0, 1, Striped{{}, {LogicalArea{"lv" + std::to_string(i - 1), Extents(0)}}})});

  EXPECT_NO_THROW(open_volume(vg_, devices_, "lv20"));
  EXPECT_THROW(open_volume(vg_, devices_, "lv99"), Error);
}

}  // namespace
}  // namespace cv::metadata
