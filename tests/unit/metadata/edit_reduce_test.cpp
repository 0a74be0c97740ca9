#include "metadata/edit_reduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/group_text.h"
#include "metadata/iv_space.h"
#include "metadata/usage.h"
#include "tests/support/fixture_files.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kExtentSectors = 8192;

TEST(Reduce, FreesTheEndOfAPlainVolume) {
  VolumeGroup vg = create_plain(group_with({5, 7}), volume_called("a", 12), counting_ids());

  vg = reduce(vg, "a", Extents(9));
  EXPECT_EQ(lv_at(vg, "a").segments.size(), 2U);
  vg = reduce(vg, "a", Extents(6));

  EXPECT_EQ(lv_at(vg, "a").segments.size(), 1U);
  EXPECT_EQ(size_of(lv_at(vg, "a")), Extents(6));
  EXPECT_EQ(free_extents(vg), Extents(6));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Reduce, TakesWholeRowsOfStripes) {
  NewVolume wanted = volume_called("a", 8);
  wanted.placement.stripes = 2;
  wanted.placement.stripe_size = Sectors(128);
  const VolumeGroup vg = create_plain(group_with({10, 10}), wanted, counting_ids());

  EXPECT_EQ(reduced_size(vg, "a", Extents(5)), Extents(6));
  EXPECT_EQ(size_of(lv_at(reduce(vg, "a", Extents(5)), "a")), Extents(6));
  EXPECT_EQ(error_of([&] { reduce(vg, "a", Extents(7)); }).code(), Errc::bad_size);
}

TEST(Reduce, RemembersWhichIvsAnEncryptedVolumeHas) {
  VolumeGroup vg = reduce(group_with_crypt(6), "a", Extents(4));

  EXPECT_EQ(crypt_in(vg, "a").iv_high, Sectors(6 * kExtentSectors));
  EXPECT_EQ(size_of(lv_at(vg, "a_crdata")), Extents(4));
  EXPECT_THAT(check(vg), IsEmpty());

  vg = reduce(vg, "a", Extents(2));
  EXPECT_EQ(crypt_in(vg, "a").iv_high, Sectors(6 * kExtentSectors));  // never goes down
  vg = extend(vg, "a", Extents(3), {});
  EXPECT_EQ(crypt_in(vg, "a", 1).iv_offset, Sectors(6 * kExtentSectors));
  vg = reduce(vg, "a", Extents(1));  // both segments are cut
  EXPECT_EQ(crypt_in(vg, "a").iv_high, Sectors(9 * kExtentSectors));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Reduce, ClosesAWindowThatTheVolumeHadLeft) {
  VolumeGroup vg = group_with_crypt(4);
  std::get<Crypt>(find_lv(vg, "a")->segments.front().kind).iv_high = kIvWindow - Sectors(8);
  vg = extend(vg, "a", Extents(3), {});  // in a new window: the rest of its own is too short
  ASSERT_EQ(crypt_in(vg, "a", 1).iv_offset, kIvWindow);

  vg = reduce(vg, "a", Extents(3));

  EXPECT_EQ(crypt_in(vg, "a").iv_high, kIvWindow);
  vg = extend(vg, "a", Extents(1), {});
  EXPECT_EQ(crypt_in(vg, "a", 1).iv_offset, kIvWindow * 2);
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Reduce, GivesNoIvOfA32BitCipherAway) {
  NewKeystore wanted = plain_store();
  wanted.cipher = "aes-xts-plain";
  VolumeGroup vg = create_store(group_with({31}), wanted, counting_ids());
  vg = create_crypt(vg, crypt_volume("a", 4), counting_ids(2000));

  vg = extend(reduce(vg, "a", Extents(2)), "a", Extents(2), {});

  EXPECT_EQ(crypt_in(vg, "a", 1).iv_offset, Sectors(4 * kExtentSectors));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Reduce, DoesNotReachThePayloadOffset) {
  VolumeGroup vg = group_with_crypt(4);
  auto& crypt = std::get<Crypt>(find_lv(vg, "a")->segments.front().kind);
  crypt.payload_offset = Sectors(2 * kExtentSectors);
  crypt.old_header = true;

  EXPECT_EQ(error_of([&] { reduce(vg, "a", Extents(2)); }).code(), Errc::bad_size);
  vg = reduce(vg, "a", Extents(3));

  EXPECT_EQ(payload_size(vg, lv_at(vg, "a")), Sectors(kExtentSectors));
  EXPECT_TRUE(crypt_in(vg, "a").old_header);
  EXPECT_EQ(crypt_in(vg, "a").iv_high, Sectors(2 * kExtentSectors));
}

TEST(Reduce, EndsWithAnEncryptionSector) {
  VolumeGroup vg = group_with({40});
  NewKeystore wanted = plain_store();
  wanted.sector_bytes = 4096;
  vg = create_store(vg, wanted, counting_ids());
  vg = create_crypt(vg, crypt_volume("a", 8), counting_ids(2000));
  vg.extent_size = Sectors(2);  // as no group of ours has them: two extents are half an encryption sector

  EXPECT_EQ(reduced_size(vg, "a", Extents(3)), Extents(4));
}

TEST(Reduce, RefusesWhatIsNotItsToChange) {
  const VolumeGroup vg = group_with_crypt();
  EXPECT_EQ(error_of([&] { reduce(vg, "a", Extents(0)); }).code(), Errc::bad_size);
  EXPECT_EQ(error_of([&] { reduce(vg, "a", Extents(4)); }).code(), Errc::bad_size);
  EXPECT_EQ(error_of([&] { reduce(vg, "a_crdata", Extents(1)); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { reduce(vg, "cryptostore1", Extents(1)); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { reduce(vg, "nobody", Extents(1)); }).code(), Errc::not_found);

  const auto read = [](const std::string& name) {
    return read_group(test_file("golden/on_disk/" + name + ".txt"), TextForm::on_disk);
  };
  const Error of_raid = error_of([&] { reduce(read("raid"), "r1", Extents(1)); });
  EXPECT_EQ(of_raid.code(), Errc::unsupported);
  EXPECT_THAT(of_raid.what(), HasSubstr("raid1"));
  // The origin and the cow store of a snapshot.
  EXPECT_EQ(error_of([&] { reduce(read("snapshot"), "org", Extents(1)); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { extend(read("snapshot"), "org", Extents(1), {}); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { reduce(read("snapshot"), "sn1", Extents(1)); }).code(), Errc::refused);
}

}  // namespace
}  // namespace cv::metadata
