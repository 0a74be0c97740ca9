// Everything that is wrong with a volume group, as a list. Runs before every commit, in every build.
#pragma once

#include <vector>

#include "metadata/damage.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// All damage that the value itself shows; order: group, PVs, LVs. Empty for a clean group.
std::vector<Damage> check(const VolumeGroup& vg);

/// Throws Errc::damaged, or Errc::refused for a mistake of an edit, with the first error in `after` that
/// `before` did not have. What was wrong before may stay.
void require_no_new_errors(const VolumeGroup& before, const VolumeGroup& after);

}  // namespace cv::metadata
