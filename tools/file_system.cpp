#include "tools/file_system.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "activate/mounts.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/device/block_device.h"
#include "lib/device/probe.h"

namespace cv::tools {

namespace {

/// Finds errors and mends what needs no question; resize2fs wants that of what is not mounted. 1: mended.
constexpr int kMended = 1;

/// btrfs counts in these, however large its own sectors are.
constexpr std::uint64_t kBtrfsUnit = 4096;

bool is_ext(const FileSystem& file_system) {
  return file_system.type == "ext2" || file_system.type == "ext3" || file_system.type == "ext4";
}

std::vector<std::byte> read(const std::string& path, Bytes at, std::size_t size) {
  const auto device = device::open_device(path, device::Access::read_only);
  std::vector<std::byte> bytes(size);
  device->read(at, bytes);
  return bytes;
}

template <class Number>
Number little(std::span<const std::byte> bytes, std::size_t at) {
  Number number = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;)
    number = static_cast<Number>(number << 8U | std::to_integer<Number>(bytes[at + i]));
  return number;
}

/// Kernel documentation, filesystems/ext4/super.rst: s_blocks_count_lo and _hi, s_log_block_size, the feature
/// 64bit in s_feature_incompat.
Bytes size_of_ext(const std::string& device) {
  const auto block = read(device, Bytes(1024), 1024);
  constexpr std::uint32_t k64Bit = 0x80;
  std::uint64_t count = little<std::uint32_t>(block, 0x4);
  if ((little<std::uint32_t>(block, 0x60) & k64Bit) != 0)
    count |= std::uint64_t{little<std::uint32_t>(block, 0x150)} << 32U;
  return Bytes(count << (10U + (little<std::uint32_t>(block, 0x18) & 15U)));
}

/// btrfs documentation, on-disk format: the superblock at 64 KiB, num_devices, and total_bytes of the
/// dev_item in it.
constexpr Bytes kBtrfsSuperblock(64 << 10);
constexpr std::size_t kBtrfsDevices = 0x88;
constexpr std::size_t kBtrfsDeviceSize = 0xc9 + 8;

std::string text_until_null(std::span<const std::byte> bytes) {
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, text.find('\0'));
}

std::string uuid_text(std::span<const std::byte> bytes) {
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", std::to_integer<unsigned>(bytes[i]));
  }
  return text;
}

Error in_use(const FileSystem& file_system, std::string_view how) {
  return Error(Errc::in_use, "the {} on {} is {}", file_system.type, file_system.device, how);
}

/// resize2fs and xfs_growfs find what is mounted by the path it was mounted as.
void require_present_name(const FileSystem& on) {
  if (on.mounted_as.empty()) return;
  throw Error(Errc::refused,
              "the {} on {} is mounted as {}, which it is no longer called: its tools would not find it",
              on.type, on.device, on.mounted_as)
      .advise("mount it anew, or give the volume its old name back for the time being");
}

FileSystemResize resize_of_ext(const FileSystem& on, bool is_smaller, Bytes to) {
  const ToolCall checked{{"e2fsck", "-f", "-p", on.device}, kMended};
  if (!is_smaller) {
    const ToolCall grown{{"resize2fs", on.device}};
    require_present_name(on);
    if (!on.mounted_on.empty()) return {.before = {}, .after = {grown}};
    return {.before = {checked}, .after = {grown}};
  }
  if (!on.mounted_on.empty())
    throw in_use(on, fmt::format("mounted on {} and can't get smaller there", on.mounted_on.front()))
        .advise("unmount it first");
  return {.before = {checked, {{"resize2fs", on.device, fmt::format("{}s", to.n / kSectorBytes)}}},
          .after = {}};
}

FileSystemResize resize_of_xfs(const FileSystem& on, bool is_smaller) {
  if (is_smaller)
    throw Error(Errc::refused, "the xfs on {} can't get smaller: no tool can do that", on.device)
        .advise("make a smaller volume and copy what is there");
  if (on.mounted_on.empty())
    throw Error(Errc::refused, "the xfs on {} is not mounted, and only grows where it is", on.device)
        .advise("mount it first, or leave out --resizefs and run xfs_growfs when it is mounted");
  require_present_name(on);
  return {.before = {}, .after = {{{"xfs_growfs", on.mounted_on.front()}}}};
}

FileSystemResize resize_of_btrfs(const FileSystem& on, bool is_smaller, Bytes to) {
  if (on.devices != 1)
    throw Error(Errc::refused, "the btrfs on {} lives on {} devices", on.device, on.devices)
        .advise("resize its part on this one with 'btrfs filesystem resize'");
  if (on.mounted_on.empty())
    throw Error(Errc::refused, "the btrfs on {} is not mounted, and is resized only where it is", on.device)
        .advise("mount it first");
  const auto& point = on.mounted_on.front();
  if (!is_smaller) return {.before = {}, .after = {{{"btrfs", "filesystem", "resize", "max", point}}}};
  const auto size = fmt::format("{}", to.n / kBtrfsUnit * kBtrfsUnit);
  return {
      .before = {{{"btrfs", "filesystem", "resize", size, point}}, {{"btrfs", "filesystem", "sync", point}}},
      .after = {},
      .stays_mounted = true};
}

FileSystemResize resize_of_swap(const FileSystem& on) {
  if (on.is_swapping) throw in_use(on, "in use").advise("take it out of use with swapoff first");
  ToolCall made{{"mkswap"}};
  if (!on.uuid.empty()) made.words.insert(made.words.end(), {"-U", on.uuid});
  if (!on.label.empty()) made.words.insert(made.words.end(), {"-L", on.label});
  made.words.push_back(on.device);
  return {.before = {}, .after = {made}};
}

}  // namespace

FileSystem file_system_on(const std::string& path, activate::DeviceNumber number) {
  const auto device = device::open_device(path, device::Access::read_only);
  FileSystem found{.device = path};
  const auto signatures = device::foreign_signatures(*device);
  if (signatures.size() > 1) {
    std::vector<std::string> types;
    for (const auto& signature : signatures) types.push_back(signature.type);
    // btrfs and others keep copies of their superblock.
    if (std::ranges::adjacent_find(types, std::ranges::not_equal_to()) != types.end())
      throw Error(Errc::refused, "{} holds signs of {}: what is on it is not certain", path,
                  fmt::join(types, " and "))
          .advise("take away what is left over with wipefs, or leave out --resizefs");
  }
  if (!signatures.empty()) found.type = signatures.front().type;
  found.mounted_on = activate::mount_points(number);
  found.mounted_as = activate::former_source(number).value_or("");
  found.is_swapping = activate::is_swap(number);
  if (found.type == "btrfs")
    found.devices = little<std::uint64_t>(read(path, kBtrfsSuperblock, 4096), kBtrfsDevices);
  if (found.type == "swap") {
    // <linux/swap.h>, union swap_header: a uuid and a label of 16 bytes each behind 1024 bytes and 12.
    const auto header = read(path, Bytes(1024), 512);
    const auto info = std::span(header).subspan(12, 32);
    if (std::ranges::any_of(info.first(16), [](std::byte b) { return b != std::byte(0); }))
      found.uuid = uuid_text(info.first(16));
    found.label = text_until_null(info.last(16));
  }
  return found;
}

FileSystemResize resize_of(const FileSystem& file_system, Bytes from, Bytes to) {
  const bool is_smaller = to < from;
  if (is_ext(file_system)) return resize_of_ext(file_system, is_smaller, to);
  if (file_system.type == "xfs") return resize_of_xfs(file_system, is_smaller);
  if (file_system.type == "btrfs") return resize_of_btrfs(file_system, is_smaller, to);
  if (file_system.type == "swap") return resize_of_swap(file_system);
  if (file_system.type.empty())
    throw Error(Errc::refused, "there is no file system on {}", file_system.device)
        .advise("leave out --resizefs");
  throw Error(Errc::refused, "a {} on {} can't be resized by cvm", file_system.type, file_system.device)
      .advise("leave out --resizefs and use its own tools");
}

void require_fits(const FileSystem& file_system, Bytes size) {
  Bytes needed(0);
  if (is_ext(file_system)) needed = size_of_ext(file_system.device);
  if (file_system.type == "btrfs")
    needed = Bytes(little<std::uint64_t>(read(file_system.device, kBtrfsSuperblock, 4096), kBtrfsDeviceSize));
  if (needed <= size) return;
  throw Error(Errc::refused, "the {} on {} takes {} bytes, more than the {} that would be left",
              file_system.type, file_system.device, needed.n, size.n)
      .advise("somebody has made it larger meanwhile; run the command again");
}

}  // namespace cv::tools
