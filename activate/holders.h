// Who keeps a block device from being closed, as a person would say it.
#pragma once

#include <string>

#include "activate/device_number.h"

namespace cv::activate {

/// "mounted on /home", "used by luks-1234 and sdb", or "" where nobody is known: then some process has it
/// open.
std::string holders_of(DeviceNumber device, const std::string& sys_dir = "/sys",
                       const std::string& mountinfo = "/proc/self/mountinfo",
                       const std::string& swaps = "/proc/swaps");

}  // namespace cv::activate
