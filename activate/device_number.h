// The number under which the kernel knows a block device.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cv::activate {

struct DeviceNumber {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  friend bool operator==(const DeviceNumber&, const DeviceNumber&) = default;
  friend auto operator<=>(const DeviceNumber&, const DeviceNumber&) = default;
};

/// "253:4"
std::string to_text(DeviceNumber number);
std::optional<DeviceNumber> parse_device_number(std::string_view text);

/// Asks the file system. Throws Errc::not_found where there is no such file, Errc::unsupported where it is no
/// block device: device-mapper can't stand on a regular file.
DeviceNumber device_number_of(const std::string& path);

}  // namespace cv::activate
