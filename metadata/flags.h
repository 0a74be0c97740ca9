// Which names LVM2 knows in `status` and `flags`. What changes them is declared in volume_group.h.
#pragma once

#include <string_view>

namespace cv::metadata {

enum class FlagOwner { group, physical, logical };

/// Whether LVM2 can read a `status` with that name. It can't read the whole group otherwise.
bool is_status_flag(FlagOwner owner, std::string_view name);

}  // namespace cv::metadata
