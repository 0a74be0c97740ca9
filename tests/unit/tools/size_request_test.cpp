// Sizes as -L and -l ask for them. The numbers are what stock LVM2 2.03.16 made of the same words on the same
// group.
#include "tools/size_request.h"

#include <gtest/gtest.h>

#include "metadata/edit.h"
#include "tests/support/group_builder.h"
#include "tests/unit/tools/expect_error.h"
#include "tools/commands/list.h"

namespace cv::tools {
namespace {

using namespace metadata;

/// 62 extents on two PVs, "a" has 10 on the first, "b" 7 on the second.
VolumeGroup group() {
  VolumeGroup vg = test::group_with({31, 31});
  NewVolume a = test::volume_called("a", 10);
  a.placement.permitted = {{vg.pvs[0].id, {Extents(0), Extents(31)}}};
  vg = create_plain(vg, a, test::counting_ids());
  NewVolume b = test::volume_called("b", 7);
  b.placement.permitted = {{vg.pvs[1].id, {Extents(0), Extents(31)}}};
  return create_plain(vg, b, test::counting_ids(2000));
}

std::uint64_t resized(const std::string& option, const std::string& value,
                      Resizing resizing = Resizing::either) {
  const VolumeGroup vg = group();
  const std::vector<std::string> words{option, value, "vg0/a"};
  const Arguments arguments(command_named("cvresize"), words);
  return new_size_of(arguments, vg, lv_at(vg, "a"), {}, Sectors(1), resizing).n;
}

std::uint64_t created(const std::string& option, const std::string& value, Placement placement = {}) {
  const std::vector<std::string> words{option, value, "vg0"};
  const Arguments arguments(command_named("cvcreate"), words);
  const VolumeGroup vg = group();
  return sizes_of_new(arguments, vg, placement)(Room(vg, placement)).n;
}

TEST(NewSize, IsWhatLvm2MakesOfTheSameWords) {
  const std::vector<std::pair<std::string, std::uint64_t>> of_sizes{
      {"41M", 11}, {"+1M", 11}, {"-5M", 9}, {"33M", 9}};
  const std::vector<std::pair<std::string, std::uint64_t>> of_extents{
      {"50%VG", 31},     {"+33%VG", 31}, {"33%LV", 4},     {"+33%LV", 14},
      {"-33%LV", 7},     {"-15%VG", 1},  {"+33%FREE", 25}, {"50%FREE", 23},
      {"+100%FREE", 55}, {"100%VG", 55}, {"+50%PVS", 41},  {"100%PVS", 55},
      {"-10%FREE", 6},   {"-10%PVS", 4}, {"120%LV", 12},   {"+120%FREE", 55}};
  for (const auto& [value, extents] : of_sizes) EXPECT_EQ(resized("-L", value), extents) << value;
  for (const auto& [value, extents] : of_extents) EXPECT_EQ(resized("-l", value), extents) << value;
}

TEST(NewSize, IsRefusedWhereLvm2RefusesIt) {
  for (const auto* value : {"-1M", "37M", "40M"})
    test::expect_error(Errc::refused, "10 extents", [&] { resized("-L", value); });
  test::expect_error(Errc::refused, "can't lose 10", [] { resized("-L", "-40M"); });
  test::expect_error(Errc::refused, "10 extents", [] { resized("-l", "10"); });
  test::expect_error(Errc::refused, "can't lose 10", [] { resized("-l", "-10"); });
  test::expect_error(Errc::usage, "ORIGIN", [] { resized("-l", "+50%ORIGIN"); });
}

TEST(NewSize, GoesInTheDirectionOfTheCommand) {
  EXPECT_EQ(resized("-l", "12", Resizing::extend), 12U);
  EXPECT_EQ(resized("-l", "8", Resizing::reduce), 8U);
  test::expect_error(Errc::refused, "already", [] { resized("-l", "8", Resizing::extend); });
  test::expect_error(Errc::refused, "only 10", [] { resized("-l", "12", Resizing::reduce); });
  test::expect_error(Errc::usage, "smaller", [] { resized("-l", "-1", Resizing::extend); });
  test::expect_error(Errc::usage, "larger", [] { resized("-l", "+1", Resizing::reduce); });
}

TEST(SizeOfANewVolume, IsWhatLvm2MakesOfTheSameWords) {
  const std::vector<std::pair<std::string, std::uint64_t>> of_extents{
      {"33%VG", 20}, {"33%FREE", 14}, {"100%VG", 45}, {"33%PVS", 20}, {"100%PVS", 45}, {"120%FREE", 45}};
  for (const auto& [value, extents] : of_extents) EXPECT_EQ(created("-l", value), extents) << value;
  Placement first;
  first.permitted = {{group().pvs[0].id, {Extents(0), Extents(31)}}};
  EXPECT_EQ(created("-l", "100%PVS", first), 21U);
  test::expect_error(Errc::usage, "%VG", [] { created("-l", "10%LV"); });
}

}  // namespace
}  // namespace cv::tools
