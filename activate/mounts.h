// Where file systems and swap on a block device are in use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activate/device_number.h"

namespace cv::activate {

/// Mount points of what is on the device, as mountinfo has them, in its order. File systems that live on
/// several devices have a number of their own there; they are found by the device that was mounted.
std::vector<std::string> mount_points(DeviceNumber device,
                                      const std::string& mountinfo = "/proc/self/mountinfo");

/// What a file system on the device was mounted as, where that path leads to it no longer: it was renamed
/// since. Tools that look for its mount by that path don't find it.
std::optional<std::string> former_source(DeviceNumber device,
                                         const std::string& mountinfo = "/proc/self/mountinfo");

bool is_swap(DeviceNumber device, const std::string& swaps = "/proc/swaps");

/// Whether a path leads to this block device.
bool is_device(const std::string& path, DeviceNumber device);

}  // namespace cv::activate
