// What a command line says of PVs, places and sizes, turned into the words of metadata/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metadata/allocate.h"
#include "metadata/scan.h"
#include "tools/arguments.h"

namespace cv::tools {

inline constexpr Option kStripes{'i', "stripes", "N", "spread it over so many PVs"};
inline constexpr Option kStripeSize{'I', "stripesize", "SIZE",
                                    "so much on one PV before the next; 64k if not given"};

/// "PV", or "PV:first-last[:first-last]..." in extents, both included. Throws Errc::not_found where it is no
/// PV of the group, Errc::usage for a range that can't be read.
std::vector<metadata::Permitted> permitted_extents(const metadata::VolumeGroup& vg,
                                                   const metadata::PvDevices& devices,
                                                   const std::vector<std::string>& words);

/// --stripes, --stripesize, --alloc and PV operands from `first_pv` on.
metadata::Placement placement_from(const Arguments& arguments, const metadata::VolumeGroup& vg,
                                   const metadata::PvDevices& devices, std::size_t first_pv);

/// -L or -l of a new volume, in extents; a size is rounded up to extents with a message.
Extents size_of_new(const Arguments& arguments, const metadata::VolumeGroup& vg,
                    const metadata::Placement& placement, Sectors alignment);

/// How many extents -L or -l add to `lv`. Throws Errc::refused where it would not grow.
Extents growth_of(const Arguments& arguments, const metadata::VolumeGroup& vg,
                  const metadata::LogicalVolume& lv, const metadata::Placement& placement, Sectors alignment);

}  // namespace cv::tools
