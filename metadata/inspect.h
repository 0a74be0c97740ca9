// Everything that can be found wrong with a group without a key: the rules of its value, its copies, its
// PVs and the bytes of its keystores.
#pragma once

#include <vector>

#include "metadata/damage.h"
#include "metadata/scan.h"

namespace cv::metadata {

/// All findings on one group of a scan of every copy, errors first. Reads the copies of its keystores; what
/// can't be read is a finding.
std::vector<Damage> inspect(const Scan& scan, const FoundGroup& group);

/// What belongs to no readable group.
std::vector<Damage> inspect_rest(const Scan& scan);

/// What the text alone shows besides check(): nothing that keeps a change from being committed.
std::vector<Damage> inspect_volumes(const VolumeGroup& vg);

/// The header announces a text that was never made valid.
bool has_announced(const disk::AreaHeader& header);

/// Whether its extents lie where a disk can have bytes at all.
bool is_countable(const PhysicalVolume& pv, Sectors extent_size);

/// Whether an area and the extents of the PV share a byte: then one of both is damaged.
bool reaches_into_data(const disk::DiskArea& area, const PhysicalVolume& pv, Sectors extent_size);

}  // namespace cv::metadata
