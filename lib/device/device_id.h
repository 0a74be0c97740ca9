// What LVM2's devices file calls a device: a name that stays when device numbers change.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace cv::device {

/// The type of those that have nothing better than their path, which may be another one after the next boot.
inline constexpr std::string_view kPathType = "devname";

struct DeviceId {
  std::string type;   ///< "sys_wwid", "sys_serial", "loop_file", "devname", ...
  std::string name;   ///< without blanks
  unsigned part = 0;  ///< the partition's number; 0: the whole device
  friend auto operator<=>(const DeviceId&, const DeviceId&) = default;
};

/// Its name of that type, or nothing where it has none. Types that are not known here: nothing.
std::optional<std::string> device_id_name(const std::string& path, std::string_view type,
                                          const std::string& sysfs = "/sys");

/// The best that there is, in LVM2's order; its path where there is nothing better.
DeviceId device_id_of(const std::string& path, const std::string& sysfs = "/sys");

/// The partition's number, 0 for a whole device.
unsigned partition_number(const std::string& path, const std::string& sysfs = "/sys");

}  // namespace cv::device
