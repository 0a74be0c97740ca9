// Changes of keystores that are there: functions from group to group, as in edit.h.
#pragma once

#include <string>

#include "metadata/volume_group.h"

namespace cv::metadata {

/// The store's bytes are about to change: the next generation. Throws Errc::refused where `store` is no
/// keystore, or one that is being erased.
VolumeGroup with_next_generation(VolumeGroup vg, const std::string& store);

}  // namespace cv::metadata
