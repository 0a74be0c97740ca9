#include "tools/file_system.h"

#include <gtest/gtest.h>

#include "tests/unit/tools/expect_error.h"

namespace cv::tools {
namespace {

constexpr Bytes kSmall(40 << 20);
constexpr Bytes kLarge(80 << 20);

FileSystem some(std::string type, std::vector<std::string> mounted_on = {}) {
  return {.type = std::move(type), .device = "/dev/mapper/vg0-lv", .mounted_on = std::move(mounted_on)};
}

std::vector<std::string> lines(const std::vector<ToolCall>& calls) {
  std::vector<std::string> all;
  for (const auto& call : calls) all.push_back(shown(call));
  return all;
}

using test::expect_error;
using Lines = std::vector<std::string>;

TEST(FileSystem, ExtIsCheckedBeforeItGrowsUnmounted) {
  const auto steps = resize_of(some("ext4"), kSmall, kLarge);
  EXPECT_EQ(lines(steps.before), Lines{"e2fsck -f -p /dev/mapper/vg0-lv"});
  EXPECT_EQ(lines(steps.after), Lines{"resize2fs /dev/mapper/vg0-lv"});
}

TEST(FileSystem, ExtGrowsMounted) {
  const auto steps = resize_of(some("ext3", {"/home"}), kSmall, kLarge);
  EXPECT_TRUE(steps.before.empty());
  EXPECT_EQ(lines(steps.after), Lines{"resize2fs /dev/mapper/vg0-lv"});
}

TEST(FileSystem, StaysAsItIsWhereItsToolsWouldNotFindItsMount) {
  for (const char* type : {"ext4", "xfs"}) {
    auto mounted = some(type, {"/home"});
    mounted.mounted_as = "/dev/mapper/vg0-old";
    expect_error(Errc::refused, "mounted as /dev/mapper/vg0-old",
                 [&] { static_cast<void>(resize_of(mounted, kSmall, kLarge)); });
  }
}

TEST(FileSystem, ExtGetsSmallerBeforeItsVolume) {
  const auto steps = resize_of(some("ext2"), kLarge, kSmall);
  EXPECT_EQ(lines(steps.before),
            (Lines{"e2fsck -f -p /dev/mapper/vg0-lv", "resize2fs /dev/mapper/vg0-lv 81920s"}));
  EXPECT_TRUE(steps.after.empty());
  EXPECT_FALSE(steps.stays_mounted);
}

TEST(FileSystem, BtrfsGetsSmallerWhereItIsMounted) {
  const auto steps = resize_of(some("btrfs", {"/data", "/other"}), kLarge, kSmall + Bytes(512));
  EXPECT_EQ(lines(steps.before),
            (Lines{"btrfs filesystem resize 41943040 /data", "btrfs filesystem sync /data"}));
  EXPECT_TRUE(steps.stays_mounted);
}

TEST(FileSystem, SwapKeepsWhatItIsKnownBy) {
  auto swap = some("swap");
  swap.uuid = "6b1f1f0e-54c5-4b0d-9b65-3b2c3b0a7f11";
  swap.label = "resting";
  const auto steps = resize_of(swap, kLarge, kSmall);
  EXPECT_TRUE(steps.before.empty());
  EXPECT_EQ(lines(steps.after),
            Lines{"mkswap -U 6b1f1f0e-54c5-4b0d-9b65-3b2c3b0a7f11 -L resting /dev/mapper/vg0-lv"});
}

TEST(FileSystem, RefusesWhatItsToolsCannotDo) {
  auto busy_swap = some("swap");
  busy_swap.is_swapping = true;
  auto spread = some("btrfs", {"/data"});
  spread.devices = 2;
  expect_error(Errc::in_use, "unmount",
               [&] { static_cast<void>(resize_of(some("ext4", {"/home"}), kLarge, kSmall)); });
  expect_error(Errc::in_use, "swapoff", [&] { static_cast<void>(resize_of(busy_swap, kSmall, kLarge)); });
  expect_error(Errc::refused, "smaller",
               [&] { static_cast<void>(resize_of(some("xfs", {"/home"}), kLarge, kSmall)); });
  expect_error(Errc::refused, "mount it", [&] { static_cast<void>(resize_of(some("xfs"), kSmall, kLarge)); });
  expect_error(Errc::refused, "mount it",
               [&] { static_cast<void>(resize_of(some("btrfs"), kSmall, kLarge)); });
  expect_error(Errc::refused, "2 devices", [&] { static_cast<void>(resize_of(spread, kSmall, kLarge)); });
  expect_error(Errc::refused, "crypto_LUKS",
               [&] { static_cast<void>(resize_of(some("crypto_LUKS"), kSmall, kLarge)); });
  expect_error(Errc::refused, "no file system",
               [&] { static_cast<void>(resize_of(some(""), kSmall, kLarge)); });
}

TEST(ToolCall, SaysHowItsProgramEnded) {
  EXPECT_NO_THROW(run({{"true"}}));
  EXPECT_NO_THROW(run({{"sh", "-c", "exit 1"}, 1}));
  expect_error(Errc::refused, "status 2", [] { run({{"sh", "-c", "exit 2"}, 1}); });
  expect_error(Errc::refused, "signal 9", [] { run({{"sh", "-c", "kill -9 $$"}}); });
  expect_error(Errc::not_found, "not installed", [] { require_installed({{"no-such-tool"}}); });
}

}  // namespace
}  // namespace cv::tools
