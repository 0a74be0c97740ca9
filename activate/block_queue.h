// What /sys says of a block device, and is told.
#pragma once

#include <cstdint>
#include <optional>

#include "activate/device_number.h"

namespace cv::activate {

/// In sectors; nothing where the kernel does not say.
std::optional<std::uint32_t> read_ahead_of(DeviceNumber device);
/// What fails is logged as a warning.
void set_read_ahead(DeviceNumber device, std::uint32_t sectors);

/// Makes udev look at a device again, as `udevadm trigger` does. It keeps the flags that it was given last.
/// What fails is logged as a warning.
void announce_again(DeviceNumber device);

}  // namespace cv::activate
