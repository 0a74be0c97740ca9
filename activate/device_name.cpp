#include "activate/device_name.h"

namespace cv::activate {

namespace {

void append_doubled(std::string& name, std::string_view part) {
  for (const char c : part) {
    if (c == '-') name += '-';
    name += c;
  }
}

}  // namespace

std::string dm_name(std::string_view vg, std::string_view lv, std::string_view layer) {
  std::string name;
  append_doubled(name, vg);
  name += '-';
  append_doubled(name, lv);
  if (layer.empty()) return name;
  // Stock leaves out the hyphen before layers that begin with an underscore (dm_build_dm_name).
  if (layer.front() != '_') name += '-';
  name += layer;
  return name;
}

std::string dm_uuid(const VgId& vg, const LvId& lv, std::string_view layer) {
  std::string uuid = "LVM-" + vg.plain() + lv.plain();
  if (!layer.empty()) uuid.append("-").append(layer);
  return uuid;
}

}  // namespace cv::activate
