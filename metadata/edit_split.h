// A volume group becomes two, or two become one. Everything that needs each other stays together.
#pragma once

#include <set>

#include "metadata/edit.h"

namespace cv::metadata {

struct Split {
  VolumeGroup rest;       ///< the old group without what goes
  VolumeGroup split_off;  ///< the new one: EXPORTED, with split_from, until finish_split()
};

/// Moves these PVs with the volumes on them to a new group. A volume goes with all that it lies on, with its
/// keystore and with all other volumes of that; keystores without bytes go with their volumes. Throws
/// Errc::refused with the names of two that need each other and would be parted, Errc::not_found for a PV
/// that is no member.
Split split_group(const VolumeGroup& vg, const std::string& name, const VgId& id, const std::set<PvId>& pvs);

/// The PVs under a volume and all that has to go with it.
std::set<PvId> pvs_of_volume(const VolumeGroup& vg, const std::string& lv);

/// After an interruption: the old group without what the new one has by now. The same where it has gone on
/// already.
VolumeGroup without_split_off(VolumeGroup from, const VolumeGroup& split_off);
/// The new group, in use from now on.
VolumeGroup finish_split(VolumeGroup split_off, const std::string& system_id);

/// All of both; the result supersedes `other`. Throws Errc::exists for a name that both have, Errc::refused
/// where their extents differ or a limit would be exceeded.
VolumeGroup merge_groups(VolumeGroup vg, const VolumeGroup& other);

}  // namespace cv::metadata
