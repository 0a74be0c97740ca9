// What an LV is called in device-mapper: names with doubled hyphens, uuids that say whose it is.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/id.h"

namespace cv::activate {

/// "VG-LV" with every hyphen inside a part doubled; a layer is appended as "-layer".
std::string dm_name(std::string_view vg, std::string_view lv, std::string_view layer = {});

/// "LVM-" + both ids without hyphens, and "-layer". Stock LVM2 knows its devices by it, and so do we.
std::string dm_uuid(const VgId& vg, const LvId& lv, std::string_view layer = {});

}  // namespace cv::activate
