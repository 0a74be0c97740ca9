// Which extents of each PV are taken, and by whom. What is not here is free.
#pragma once

#include <string_view>
#include <vector>

#include "lib/base/range.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

struct Taken {
  ExtentRange extents;
  const LogicalVolume* by = nullptr;  ///< points into the group that was asked
};

struct PvUsage {
  std::vector<Taken> taken;  ///< by begin; overlaps are possible in a damaged group
  ExtentSet free;            ///< within [0, pe_count), without what is taken
};

struct Usage {
  std::vector<PvUsage> pvs;  ///< in the order of vg.pvs
  /// Ranges that name a PV that the group does not have.
  std::vector<const LogicalVolume*> lost;
  /// A volume of unknown type whose extents can't be told: nothing may be allocated beside it.
  const LogicalVolume* unclear = nullptr;
};

/// Linear in segments, but for one sort a PV. Segments of unknown type count as taking their whole length
/// from every ["pvN", extent] pair they mention.
Usage usage_of(const VolumeGroup& vg);

Extents free_extents(const Usage& usage);
Extents free_extents(const VolumeGroup& vg);

/// The PVs under the striped segments of an LV, one of them more than once where it holds several pieces.
std::vector<PvId> pvs_of(const LogicalVolume& lv);

}  // namespace cv::metadata
