// Another label for a PV, and metadata areas at other places with it.
#pragma once

#include <functional>

#include "metadata/scan.h"

namespace cv::metadata {

/// Neither read nor written from now on, or used again. Throws Errc::damaged for an area without a header.
void ignore_area(device::BlockDevice& device, const disk::DiskArea& area, bool ignore);

/// The label becomes `wanted`, which resized() made of it. Areas that are at another place there are made
/// first, ignored where they were; `fill` puts into those in use what belongs there. A power cut leaves the
/// old label with its areas or the new one with its own.
void relabel(PvOnDisk& pv, const disk::Label& wanted, const std::function<void(const disk::DiskArea&)>& fill);

}  // namespace cv::metadata
