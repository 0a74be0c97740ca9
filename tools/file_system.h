// The file system on a volume, and how it gets another size: by its own tools, in the order that is safe.
#pragma once

#include <string>
#include <vector>

#include "activate/device_number.h"
#include "lib/base/units.h"
#include "tools/tool_call.h"

namespace cv::tools {

/// What is on a volume's device, as far as its size depends on it.
struct FileSystem {
  std::string type;    ///< libblkid's name: "ext4", "xfs", "btrfs", "swap"; empty: nothing that is known
  std::string device;  ///< path
  std::vector<std::string> mounted_on;
  std::string mounted_as;  ///< where it is mounted by a name that it no longer has: that name
  bool is_swapping = false;
  std::uint64_t devices = 1;  ///< of a btrfs: on how many it lives
  std::string uuid;           ///< of swap space, which is made anew: what it is known by
  std::string label;
};

/// Looks at an active device. Throws Errc::refused where there are several signatures, Errc::io.
FileSystem file_system_on(const std::string& device, activate::DeviceNumber number);

/// The steps on both sides of the volume's own.
struct FileSystemResize {
  std::vector<ToolCall> before;
  std::vector<ToolCall> after;
  bool stays_mounted = false;  ///< a volume that gets smaller may be open
  friend bool operator==(const FileSystemResize&, const FileSystemResize&) = default;
};

/// How it gets from one size to the other. Throws Errc::refused where its tools can't do that, or not as it
/// is mounted now; Errc::in_use.
FileSystemResize resize_of(const FileSystem& file_system, Bytes from, Bytes to);

/// Throws Errc::refused where ext2 to ext4 or btrfs on the device reach behind `size` by what their
/// superblock says. To be asked when nobody else changes the volume any more.
void require_fits(const FileSystem& file_system, Bytes size);

}  // namespace cv::tools
