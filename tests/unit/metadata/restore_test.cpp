// What a restored text must not forget: IVs that were used since, and where stores are.
#include "metadata/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "metadata/check.h"
#include "metadata/edit.h"
#include "metadata/group_text.h"
#include "metadata/iv_space.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// "a" of two extents on cryptostore1.
VolumeGroup group_with_a() {
  auto vg = create_store(test::group_with({100, 100}), test::luks_store(), test::counting_ids());
  return create_crypt(std::move(vg), test::crypt_volume("a", 2), test::counting_ids(2000));
}

SectorRange last_ivs(const VolumeGroup& vg, const std::string& lv) {
  return iv_range(vg, lv_at(vg, lv), lv_at(vg, lv).segments.back());
}
Sectors iv_next(const VolumeGroup& vg) {
  return keystore_of(lv_at(vg, "cryptostore1"))->iv_next.value_or(Sectors());
}
VolumeGroup grown(VolumeGroup vg, const std::string& lv, std::uint64_t by) {
  return extend(std::move(vg), lv, Extents(by), {});
}
void expect_clean(const VolumeGroup& vg) {
  for (const auto& damage : check(vg)) EXPECT_NE(damage.severity, Severity::error) << damage.sentence;
}

TEST(RestoredGroup, IsTheOneOfTheFileWhereNothingHappenedSince) {
  const auto file = group_with_a();
  EXPECT_EQ(keep_used_ivs(file, file), file);
}

TEST(RestoredGroup, GoesOnBehindTheIvsOfAVolumeThatGrewSince) {
  const auto file = group_with_a();
  const auto now = grown(file, "a", 3);

  const auto restored = keep_used_ivs(file, now);

  expect_clean(restored);
  EXPECT_EQ(size_of(lv_at(restored, "a")), Extents(2));
  const auto more = grown(restored, "a", 1);
  expect_clean(more);
  EXPECT_GE(last_ivs(more, "a").begin, last_ivs(now, "a").end);
}

TEST(RestoredGroup, GivesAVolumeThatWentSinceANewWindowWhenItGrows) {
  const auto file = group_with_a();
  const auto now = remove_volume(grown(file, "a", 5), "a", true);

  const auto restored = keep_used_ivs(file, now);

  expect_clean(restored);
  const auto more = grown(restored, "a", 1);
  expect_clean(more);
  EXPECT_GE(last_ivs(more, "a").begin, last_ivs(file, "a").begin + kIvWindow);
  EXPECT_LE(last_ivs(more, "a").end, iv_next(more));
}

TEST(RestoredGroup, NeverTakesIvNextBack) {
  const auto file = group_with_a();
  const auto now = create_crypt(file, test::crypt_volume("b", 2), test::counting_ids(3000));
  ASSERT_GT(iv_next(now), iv_next(file));

  const auto restored = keep_used_ivs(file, now);

  EXPECT_EQ(iv_next(restored), iv_next(now));
  const auto other = create_crypt(restored, test::crypt_volume("c", 2), test::counting_ids(4000));
  EXPECT_GE(last_ivs(other, "c").begin, iv_next(now));
}

TEST(RestoredGroup, ClosesEveryWindowWhereNothingIsLeftToCompareWith) {
  const auto file = group_with_a();

  const auto restored = keep_used_ivs(file, VolumeGroup{});

  expect_clean(restored);
  EXPECT_FALSE(last_ivs(grown(restored, "a", 1), "a").begin < last_ivs(file, "a").begin + kIvWindow);
}

TEST(RestoredGroup, MatchesStoresByIdNotByName) {
  const auto file = group_with_a();
  auto other = create_store(test::group_with({100, 100}), test::luks_store(), test::counting_ids(7000));
  other = create_crypt(std::move(other), test::crypt_volume("x", 2), test::counting_ids(8000));
  other = create_crypt(std::move(other), test::crypt_volume("y", 2), test::counting_ids(9000));

  EXPECT_EQ(iv_next(keep_used_ivs(file, other)), iv_next(file)) << "another store's IVs are none of ours";
}

TEST(RestoredGroup, TellsWhatWouldGo) {
  const auto file = test::group_with({100, 100});
  const auto now = group_with_a();

  const auto losses = losses_of(now, file);

  EXPECT_THAT(losses.volumes, ElementsAre("a"));
  EXPECT_THAT(losses.stores, ElementsAre("cryptostore1"));
  EXPECT_THAT(losses_of(file, now).stores, IsEmpty());
}

class LayoutFromABackup : public testing::Test {
 protected:
  LayoutFromABackup() { layout_.device_size = Bytes(64 << 20); }
  disk::Label again(unsigned copies) {
    layout_.metadata_copies = copies;
    follow_backup(layout_, file_, file_.pvs[0].id);
    return lay_out(layout_, file_.pvs[0].id);
  }

  VolumeGroup file_ = test::group_with({10});
  PvLayout layout_;
};

TEST_F(LayoutFromABackup, PutsTheDataWhereTheyWere) {
  for (const std::uint64_t start : {128U, 2048U, 2055U, 4096U, 10240U}) {
    for (const unsigned copies : {0U, 1U, 2U}) {
      SCOPED_TRACE(fmt::format("{} sectors, {} areas", start, copies));
      file_.pvs[0].pe_start = Sectors(start);
      layout_ = {.device_size = Bytes(64 << 20)};

      const auto label = again(copies);

      ASSERT_EQ(label.data_areas.size(), 1U);
      EXPECT_EQ(label.data_areas[0].offset, Bytes(start * 512));
      EXPECT_EQ(label.metadata_areas.size(), copies);
      EXPECT_EQ(member_of(label, "x", layout_.device_size, file_.extent_size).pe_start, Sectors(start));
      EXPECT_GE(member_of(label, "x", layout_.device_size, file_.extent_size).pe_count, Extents(10));
    }
  }
}

TEST_F(LayoutFromABackup, LeavesTheBootLoaderItsPlace) {
  const auto text = print_group(file_, {}, TextForm::backup);
  const auto at = text.find("\t\t\tpe_start");
  ASSERT_NE(at, std::string::npos);
  auto with_loader = text;
  with_loader.insert(at, "\t\t\tba_start = 2048\n\t\t\tba_size = 2048\n");
  file_ = read_group(with_loader, TextForm::backup);
  file_.pvs[0].pe_start = Sectors(4096);

  const auto label = again(1);

  ASSERT_EQ(label.bootloader_areas.size(), 1U);
  EXPECT_EQ(label.bootloader_areas[0].offset, Bytes(1 << 20));
  EXPECT_EQ(label.bootloader_areas[0].size, Bytes(1 << 20));
  EXPECT_EQ(label.data_areas[0].offset, Bytes(2 << 20));
}

TEST_F(LayoutFromABackup, IsRefusedWhereItDoesNotFit) {
  layout_.device_size = Bytes(40 << 20);
  EXPECT_THROW(again(1), Error) << "40 MiB hold no 10 extents";
  layout_.device_size = Bytes(41 << 20);
  EXPECT_EQ(again(1).metadata_areas.size(), 1U);
  EXPECT_THROW(again(2), Error) << "no room behind the data";
  EXPECT_THROW(follow_backup(layout_, file_, test::id_of<PvId>(77)), Error);

  file_.pvs[0].pe_start = Sectors(16);
  EXPECT_THROW(again(1), Error) << "no room before the data";
  EXPECT_EQ(again(0).data_areas[0].offset, Bytes(8192));
}

}  // namespace
}  // namespace cv::metadata
