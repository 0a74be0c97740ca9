// New encrypted volumes, from the moment that they are live to the one that others may look at them.
//
// What stood on their extents before comes out as noise, since key and IVs are new. Their beginning is zeroed
// through the new device all the same, as LVM2 does for plain volumes, and until then udev has been told to
// scan nothing (Publication::unscanned).
#pragma once

#include <string>
#include <vector>

#include "activate/mapper.h"
#include "metadata/volume_group.h"

namespace cv::activate {

/// So much of a new encrypted volume reads as zeros.
inline constexpr Bytes kWipedOfNew{4096};

/// Wipes those of `lvs` that are live, encrypted and may be written to, and shows them to everybody. It goes
/// on with the others after a failure, and throws the first one at the end; the volumes are shown all the
/// same.
void wipe_new_volumes(Mapper& mapper, const metadata::VolumeGroup& vg, const std::vector<std::string>& lvs);

}  // namespace cv::activate
