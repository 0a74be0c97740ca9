// "VG", "VG/LV", "/dev/VG/LV": what people call a group or a volume on a command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cv::tools {

struct VolumeName {
  std::string vg;
  std::optional<std::string> lv;
  friend bool operator==(const VolumeName&, const VolumeName&) = default;
};

/// Throws Errc::bad_name for what can't be such a name.
VolumeName parse_volume_name(std::string_view text);
/// The same where a volume must be named: "VG/LV".
struct FullVolumeName {
  std::string vg;
  std::string lv;
};
FullVolumeName parse_full_volume_name(std::string_view text);
/// The same where only a group may be named.
std::string parse_group_name(std::string_view text);

}  // namespace cv::tools
