// Smaller volumes.
#pragma once

#include <string>

#include "metadata/volume_group.h"

namespace cv::metadata {

/// The size that reduce() gives the volume where it is asked for `to`: the least one of at least `to` extents
/// at which a row of stripes and an encryption sector end. Throws as reduce() does.
Extents reduced_size(const VolumeGroup& vg, const std::string& name, Extents to);

/// The volume loses its end; the extents there are free. Of an encrypted volume the last segment that stays
/// remembers in iv_high how far its window was used, so that no IV is used again.
///
/// Throws Errc::bad_size where nothing would be left (extents, or payload behind a payload_offset) or the
/// volume is no longer than `to`, Errc::refused for hidden parts and what others lie on, Errc::unsupported
/// for types that cvm does not resize.
VolumeGroup reduce(VolumeGroup vg, const std::string& name, Extents to);

/// Whether cvm may give the volume another size: it is plain or encrypted, lies on PVs, and no other volume
/// lies on it. Throws Errc::refused or Errc::unsupported with the reason.
void require_resizable(const VolumeGroup& vg, const LogicalVolume& lv);

}  // namespace cv::metadata
