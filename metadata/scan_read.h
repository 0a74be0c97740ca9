// What lies on all devices: labels, area headers and texts, each for itself. What they say together is judged
// in scan.cpp.
#pragma once

#include <vector>

#include "metadata/scan.h"

namespace cv::metadata {

using TextKey = TextCache::key_type;

/// One area that holds a readable text.
struct Copy {
  std::size_t pv;    ///< index into DisksRead::pvs
  std::size_t area;  ///< index into its areas
  TextKey key;
};

struct DisksRead {
  std::vector<FoundPv> pvs;  ///< in the order of the devices; all are orphans so far
  std::vector<Copy> copies;
  std::vector<Damage> findings;
};

/// Reads texts that `cache` does not have yet; with every_copy, all. Never throws for what is on a disk.
DisksRead read_disks(const std::vector<device::BlockDevice*>& devices, ScanDepth depth, TextCache& cache);

/// Of an area that has a flaw.
Damage damage_of(const PvOnDisk& pv, const AreaOnDisk& area);

}  // namespace cv::metadata
