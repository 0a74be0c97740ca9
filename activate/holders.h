// Who keeps a device open.
#pragma once

#include <string>

#include "activate/device_number.h"

namespace cv::activate {

/// Where the kernel tells; other places only in tests.
struct SystemFiles {
  std::string sys = "/sys";
  std::string proc = "/proc";
};

/// "mounted on /mnt, used by vg0-other and loop3, in use as swap, open in mkfs.ext4 (4711)"; empty where
/// nobody can be named. Processes of others are seen by root alone; one that has its own view of the mounts
/// is named where the device is mounted in that view only.
std::string holders_of(DeviceNumber device, const SystemFiles& files = {});

}  // namespace cv::activate
