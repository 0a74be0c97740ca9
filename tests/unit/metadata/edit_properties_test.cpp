#include "metadata/edit_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/group_text.h"
#include "metadata/references.h"
#include "tests/support/fixture_files.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::ElementsAre;

TEST(Properties, TagsAreTakenAwayFirstAndGivenOnce) {
  VolumeGroup vg = change_properties(group_with_crypt(), "a", {.add_tags = {"one", "two", "one"}});
  vg = change_properties(vg, "a", {.add_tags = {"three", "one"}, .delete_tags = {"one", "none"}});

  EXPECT_THAT(lv_at(vg, "a").tags, ElementsAre("two", "three", "one"));
  for (const auto* bad : {"", "-a", "a b", "ä", "a@b"})
    EXPECT_EQ(error_of([&] { change_properties(vg, "a", {.add_tags = {bad}}); }).code(), Errc::bad_name)
        << bad;
}

TEST(Properties, TagsGoOnWhateverIsShown) {
  for (const auto* name : {"raid", "thin", "cache", "snapshot", "mirror"}) {
    VolumeGroup vg = read_group(test_file(std::string("golden/on_disk/") + name + ".txt"), TextForm::on_disk);
    for (const LogicalVolume& lv : VolumeGroup(vg).lvs) {
      if (!is_shown(vg, lv)) {
        EXPECT_EQ(error_of([&] { change_properties(vg, lv.name, {.add_tags = {"t"}}); }).code(),
                  Errc::refused)
            << lv.name;
        continue;
      }
      vg = change_properties(vg, lv.name, {.add_tags = {"t"}});
      EXPECT_THAT(lv_at(vg, lv.name).tags, ElementsAre("t"));
    }
    EXPECT_EQ(read_group(print_group(vg, {})), vg);
  }
}

TEST(Properties, PermissionAndPolicyAndActivation) {
  VolumeGroup vg = create_plain(group_with({20}), volume_called("a", 1), counting_ids());
  vg = change_properties(vg, "a",
                         {.writable = false,
                          .allocation = Allocation::contiguous,
                          .activation_skip = true,
                          .autoactivation = false});

  const LogicalVolume& lv = lv_at(vg, "a");
  EXPECT_FALSE(has_flag(lv.flags, "WRITE"));
  EXPECT_EQ(lv.allocation, Allocation::contiguous);
  EXPECT_TRUE(has_flag(lv.flags, "ACTIVATION_SKIP"));
  EXPECT_TRUE(has_flag(lv.flags, "NOAUTOACTIVATE"));

  vg = change_properties(vg, "a",
                         {.writable = true,
                          .allocation = Allocation::inherit,
                          .activation_skip = false,
                          .autoactivation = true});
  EXPECT_EQ(vg, create_plain(group_with({20}), volume_called("a", 1), counting_ids()));
}

TEST(Properties, KeepWhatHoldsLvm2OffAnEncryptedVolume) {
  const VolumeGroup vg = group_with_crypt();
  EXPECT_EQ(error_of([&] { change_properties(vg, "a", {.activation_skip = false}); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { change_properties(vg, "a_crdata", {.writable = false}); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { change_properties(vg, "cryptostore1", {.add_tags = {"t"}}); }).code(),
            Errc::refused);
  EXPECT_FALSE(has_flag(lv_at(change_properties(vg, "a", {.writable = false}), "a").flags, "WRITE"));
}

TEST(Properties, LeaveThePermissionOfOthersToLvm2) {
  const VolumeGroup vg = read_group(test_file("golden/on_disk/thin.txt"), TextForm::on_disk);
  EXPECT_EQ(error_of([&] { change_properties(vg, "thin1", {.writable = false}); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { change_properties(vg, "ext", {.writable = true}); }).code(), Errc::refused);
}

}  // namespace
TEST(Properties, KeepsReadAheadAndNumbersAsLvm2WritesThem) {
  const VolumeGroup plain = group_with_crypt();
  NewProperties wanted;
  wanted.device.read_ahead = NumberSetting(512);
  wanted.device.minor = NumberSetting(77);
  VolumeGroup vg = change_properties(plain, "a", wanted);

  const std::string text = print_group(vg, {});
  EXPECT_THAT(text, testing::HasSubstr("read_ahead = 512\nmajor = 0\nminor = 77\n"));
  EXPECT_THAT(text, testing::HasSubstr("\"FIXED_MINOR\""));
  EXPECT_EQ(read_group(text), vg);
  EXPECT_EQ(
      error_of([&] { set_device_properties(vg, {"cryptostore1"}, {.minor = NumberSetting(77)}); }).code(),
      Errc::exists);
  EXPECT_EQ(error_of([&] {
              set_device_properties(plain, {"a", "cryptostore1"}, {.minor = NumberSetting(78)});
            }).code(),
            Errc::exists);
  vg = set_device_properties(std::move(vg), {"a"}, {.read_ahead = NumberSetting(0)});
  EXPECT_THAT(print_group(vg, {}), testing::HasSubstr("read_ahead = -1\n"));
  EXPECT_EQ(read_group(print_group(vg, {})), vg);
  vg = set_device_properties(
      std::move(vg), {"a"},
      {.read_ahead = NumberSetting(std::nullopt), .minor = NumberSetting(std::nullopt)});
  EXPECT_EQ(vg, plain);
}

TEST(Properties, DropsAValueThatItCouldNotReadForTheNewOne) {
  VolumeGroup vg = group_with_crypt();
  const std::string odd =
      print_group(change_properties(vg, "a", {.device = {.read_ahead = NumberSetting(16)}}), {});
  std::string text = odd;
  text.replace(text.find("read_ahead = 16"), 15, "read_ahead = \"x\"");
  vg = read_group(text);
  EXPECT_EQ(find_lv(vg, "a")->read_ahead, std::nullopt);
  EXPECT_THAT(print_group(vg, {}), testing::HasSubstr("read_ahead = \"x\""));

  vg = change_properties(std::move(vg), "a", {.device = {.read_ahead = NumberSetting(16)}});

  EXPECT_EQ(print_group(vg, {}), odd);
}

}  // namespace cv::metadata
