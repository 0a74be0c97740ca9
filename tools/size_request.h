// -L and -l of a command line: how large a volume shall be, in extents.
#pragma once

#include "metadata/edit.h"
#include "tools/arguments.h"
#include "tools/common_options.h"

namespace cv::tools {

inline constexpr Option kNewSize{
    'L', "size", "[+|-]SIZE",
    "the new size, or with a sign by how much it changes: a number and one of b, "
    "s, k, m, g, t, p, e"};
inline constexpr Option kNewExtents{'l', "extents", "[+|-]N[%VG|%FREE|%PVS|%LV]",
                                    "the same in extents or as a part of what there is"};

inline constexpr Option kResizeFs{
    'r',
    "resizefs",
    "",
    "resize the file system or swap space on it too, with its own tools; before "
    "the volume where it gets smaller, behind it where it gets larger",
    "",
    true};

/// Of new volumes; a size is rounded up to extents with a message, a part of what there is down. More than is
/// free is cut to that where a part was asked for.
metadata::SizeInTurn sizes_of_new(const Arguments& arguments, const metadata::VolumeGroup& vg,
                                  const metadata::Placement& placement);

/// What a command does with sizes.
enum class Resizing { extend, reduce, either };

/// The size that `lv` shall have, always another one than it has; rows of stripes are not looked at. A part
/// of what there is is rounded up, with a minus sign down, as LVM2 does. Throws Errc::refused where the
/// volume would not change, or not in the right direction.
Extents new_size_of(const Arguments& arguments, const metadata::VolumeGroup& vg,
                    const metadata::LogicalVolume& lv, const metadata::Placement& placement,
                    Sectors alignment, Resizing resizing);

}  // namespace cv::tools
