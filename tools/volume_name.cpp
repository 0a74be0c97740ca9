#include "tools/volume_name.h"

#include "lib/base/error.h"
#include "metadata/names.h"

namespace cv::tools {

VolumeName parse_volume_name(std::string_view text) {
  std::string_view rest = text;
  constexpr std::string_view kDeviceFolder = "/dev/";
  if (rest.starts_with(kDeviceFolder)) rest.remove_prefix(kDeviceFolder.size());
  const auto slash = rest.find('/');
  VolumeName name{std::string(rest.substr(0, slash)), std::nullopt};
  if (slash != std::string_view::npos) name.lv = rest.substr(slash + 1);
  const bool legal =
      metadata::is_legal_vg_name(name.vg) && (!name.lv || metadata::is_legal_lv_name(name.vg, *name.lv));
  if (!legal) {
    throw Error(Errc::bad_name, "'{}' can't be the name of a volume or a volume group", text)
        .advise("write VG or VG/LV; names have letters, digits and _ . + -");
  }
  return name;
}

FullVolumeName parse_full_volume_name(std::string_view text) {
  auto name = parse_volume_name(text);
  if (!name.lv) {
    throw Error(Errc::usage, "'{}' names no volume", text).advise("write it as VG/LV");
  }
  return {std::move(name.vg), std::move(*name.lv)};
}

std::string parse_group_name(std::string_view text) {
  auto name = parse_volume_name(text);
  if (name.lv) {
    throw Error(Errc::usage, "'{}' names a volume, a volume group is wanted", text)
        .advise("write {}", name.vg);
  }
  return std::move(name.vg);
}

}  // namespace cv::tools
