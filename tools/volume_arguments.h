// What a command line says of PVs and places, turned into the words of metadata/.
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

/// "normal", "contiguous", ...; Arguments has held it against the choices of --alloc.
metadata::Allocation allocation_named(std::string_view name);

/// "PV", or "PV:first-last[:first-last]..." in extents, both included ("first-" to the end, "first+count"),
/// or
/// "@TAG" for all PVs that have it. Throws Errc::not_found where it is no
/// PV of the group, Errc::usage for a range that can't be read.
std::vector<metadata::Permitted> permitted_extents(const metadata::VolumeGroup& vg,
                                                   const metadata::PvDevices& devices,
                                                   const std::vector<std::string>& words);

/// --stripes, --stripesize, --alloc and PV operands from `first_pv` on.
metadata::Placement placement_from(const Arguments& arguments, const metadata::VolumeGroup& vg,
                                   const metadata::PvDevices& devices, std::size_t first_pv);

}  // namespace cv::tools
