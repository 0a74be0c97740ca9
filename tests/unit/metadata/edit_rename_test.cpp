#include "metadata/edit_rename.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/group_text.h"
#include "metadata/references.h"
#include "tests/support/fixture_files.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Rename, GivesAPlainVolumeAnotherNameAndNothingElse) {
  const VolumeGroup before = create_plain(group_with({20}), volume_called("a", 4), counting_ids());

  const VolumeGroup vg = rename_volume(before, "a", "b");

  EXPECT_EQ(find_lv(vg, "a"), nullptr);
  LogicalVolume expected = lv_at(before, "a");
  expected.name = "b";
  EXPECT_EQ(lv_at(vg, "b"), expected);
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Rename, TakesTheDataOfAnEncryptedVolumeAlong) {
  const VolumeGroup before = create_crypt(group_with_crypt(), crypt_volume("a2", 2), counting_ids(2000));

  const VolumeGroup vg = rename_volume(before, "a", "b");

  EXPECT_THAT(names_of(vg),
              ElementsAre("cryptostore1_crdata", "b_crdata", "a2_crdata", "cryptostore1", "b", "a2"));
  EXPECT_EQ(crypt_in(vg, "b").area, Area(LogicalArea{"b_crdata", Extents(0)}));
  EXPECT_EQ(lv_at(vg, "b_crdata").id, lv_at(before, "a_crdata").id);
  EXPECT_EQ(lv_at(vg, "a2"), lv_at(before, "a2"));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Rename, OfAKeystoreIsFollowedByItsVolumesAndCopies) {
  NewKeystore wanted = luks_store();
  wanted.copies = 2;
  VolumeGroup before = create_store(group_with({31, 31}), wanted, counting_ids());
  before = create_crypt(before, crypt_volume("a", 4), counting_ids(2000));

  const VolumeGroup vg = rename_volume(before, "cryptostore1", "cryptostore12");

  EXPECT_EQ(crypt_in(vg, "a").store, "cryptostore12");
  EXPECT_THAT(store_in(vg, "cryptostore12").copies,
              ElementsAre(Area(LogicalArea{"cryptostore12_crdata", Extents(0)}),
                          Area(LogicalArea{"cryptostore12_crdata2", Extents(0)})));
  EXPECT_THAT(text_of(vg), Not(HasSubstr("cryptostore1_")));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Rename, WorksInTheFormOfTheRfcToo) {
  const VolumeGroup vg =
      rename_volume(rename_volume(rfc_group(), "tst", "b"), "cryptostore1", "cryptostore9");

  EXPECT_EQ(crypt_in(vg, "b").store, "cryptostore9");
  EXPECT_FALSE(is_native(vg));
}

TEST(Rename, TakesTheHiddenPartsOfRaidVolumesAlong) {
  const VolumeGroup before = on_disk("raid");
  const VolumeGroup vg = rename_volume(before, "r5", "other");

  EXPECT_EQ(vg.lvs.size(), before.lvs.size());
  EXPECT_THAT(names_of(vg), Contains("other_rimage_0"));
  EXPECT_THAT(names_of(vg), Contains("other_rmeta_2"));
  EXPECT_THAT(text_of(vg), Not(HasSubstr("r5_")));
  EXPECT_EQ(read_group(text_of(vg)), vg);
}

TEST(Rename, TakesTheImagesAndTheLogOfMirrorsAlong) {
  const VolumeGroup before = on_disk("mirror");
  for (const LogicalVolume& lv : before.lvs) {
    if (!is_visible(lv)) continue;
    const VolumeGroup vg = rename_volume(before, lv.name, "other");
    EXPECT_THAT(text_of(vg), Not(HasSubstr(lv.name + "_m")));
    EXPECT_EQ(read_group(text_of(vg)), vg);
  }
}

TEST(Rename, IsFollowedByThinVolumesTheirSnapshotsAndThePast) {
  VolumeGroup vg = rename_volume(on_disk("thin"), "pool", "lake");
  vg = rename_volume(vg, "thin1", "passdown");  // the name of a value of the pool, too
  vg = rename_volume(vg, "passdown", "one");
  vg = rename_volume(vg, "ext", "outside");
  const VolumeGroup past = rename_volume(rename_volume(on_disk("history"), "t1", "first"), "t3", "third");

  EXPECT_THAT(names_of(vg), Contains("lake_tdata"));
  const std::string text = text_of(vg);
  EXPECT_THAT(text, HasSubstr("discards = \"passdown\""));
  EXPECT_THAT(text, HasSubstr("thin_pool = \"lake\""));
  EXPECT_THAT(text, HasSubstr("origin = \"one\""));
  EXPECT_THAT(text, HasSubstr("external_origin = \"outside\""));
  EXPECT_THAT(text, Not(HasSubstr("pool_t")));
  EXPECT_THAT(text_of(past), HasSubstr("descendants = [\"third\"]"));
  EXPECT_THAT(text_of(past), HasSubstr("origin = \"first\""));
  EXPECT_EQ(read_group(text), vg);
}

TEST(Rename, LeavesThePoolAndTheCacheOfACachedVolumeTheirNames) {
  const VolumeGroup vg = rename_volume(rename_volume(on_disk("cache"), "slow", "x"), "slow2", "y");

  EXPECT_THAT(names_of(vg), Contains("x_corig"));
  EXPECT_THAT(names_of(vg), Contains("y_corig"));
  EXPECT_THAT(names_of(vg), Contains("fast_cpool"));
  EXPECT_THAT(names_of(vg), Contains("cvol_cvol"));
  EXPECT_THAT(text_of(vg), Not(HasSubstr("slow")));
}

TEST(Rename, KnowsSnapshotsThoughTheTextHidesThem) {
  VolumeGroup vg = rename_volume(on_disk("snapshot"), "sn1", "old");
  vg = rename_volume(vg, "org", "new");
  vg = rename_volume(vg, "virt", "air");

  const std::string text = text_of(vg);
  EXPECT_THAT(text, HasSubstr("cow_store = \"old\""));
  EXPECT_THAT(text, HasSubstr("origin = \"new\""));
  EXPECT_THAT(text, HasSubstr("origin = \"air_vorigin\""));
  EXPECT_EQ(error_of([&] { rename_volume(vg, "snapshot0", "x"); }).code(), Errc::refused);
}

TEST(Rename, RefusesHiddenPartsAndBadNames) {
  const VolumeGroup vg = create_plain(group_with_crypt(), volume_called("b", 1), counting_ids(3000));

  EXPECT_EQ(error_of([&] { rename_volume(vg, "a_crdata", "x"); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { rename_volume(vg, "nobody", "x"); }).code(), Errc::not_found);
  EXPECT_EQ(error_of([&] { rename_volume(vg, "a", "b"); }).code(), Errc::exists);
  EXPECT_EQ(error_of([&] { rename_volume(vg, "a", "b_crdata"); }).code(), Errc::bad_name);
  EXPECT_EQ(error_of([&] { rename_volume(vg, "a", "cryptostore2"); }).code(), Errc::bad_name);
  EXPECT_EQ(error_of([&] { rename_volume(vg, "cryptostore1", "x"); }).code(), Errc::bad_name);
  EXPECT_EQ(error_of([&] { rename_volume(vg, "cryptostore1", "cryptostore1"); }).code(), Errc::exists);
  // 124 characters for the VG and the volume: a plain one fits, the data of an encrypted one does not.
  const std::string longest(124 - vg.name.size(), 'n');
  EXPECT_NO_THROW(rename_volume(vg, "b", longest));
  EXPECT_EQ(error_of([&] { rename_volume(vg, "a", longest); }).code(), Errc::bad_name);
  EXPECT_EQ(error_of([&] { rename_volume(on_disk("raid"), "r5", longest.substr(6)); }).code(),
            Errc::bad_name);
}

TEST(Rename, RefusesWhereATypeOfTheFutureHoldsTheName) {
  VolumeGroup vg = create_plain(group_with({20}), volume_called("a", 4), counting_ids());
  vg = create_plain(vg, volume_called("b", 1), counting_ids(2000));
  Opaque opaque;
  opaque.type = "future";
  opaque.body.push_back({"below", config::Tree(config::scalar("a"))});
  find_lv(vg, "b")->segments.front().kind = opaque;

  const Error error = error_of([&] { rename_volume(vg, "a", "c"); });

  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("future"));
}

TEST(Rename, RefusesALockedVolumeAndPartsThatHaveNamesOfTheirOwn) {
  VolumeGroup vg = on_disk("raid");
  set_flag(find_lv(vg, "r1")->flags, "LOCKED");
  EXPECT_EQ(error_of([&] { rename_volume(vg, "r1", "x"); }).code(), Errc::refused);

  LogicalVolume& image = *find_lv(vg, "r5_rimage_0");
  const Renames odd{{"r5_rimage_0", "odd"}};
  image.name = "odd";
  for (Segment& segment : find_lv(vg, "r5")->segments) rename_references(segment, odd);
  const Error error = error_of([&] { rename_volume(vg, "r5", "x"); });
  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("odd"));
}

}  // namespace
}  // namespace cv::metadata
