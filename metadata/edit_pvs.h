// Physical volumes of a group come, go, get lost, grow and shrink.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "metadata/edit.h"

namespace cv::metadata {

/// How a person knows it: the device it was seen on last, else its id.
std::string name_of(const PhysicalVolume& pv);

/// Throws Errc::refused where the group is not resizeable or has as many PVs as it may have, Errc::in_use for
/// one that is a member already.
VolumeGroup add_pvs(VolumeGroup vg, const std::vector<PhysicalVolume>& added);

/// Throws Errc::in_use where volumes lie on one of them, Errc::refused where none would be left or the group
/// is not resizeable.
VolumeGroup remove_pvs(VolumeGroup vg, const std::vector<PvId>& gone);

/// The PVs that no volume lies on, in the group's order.
std::vector<PvId> unused_pvs(const VolumeGroup& vg);

/// The device of a PV has `dev_size` sectors, of which volumes may use those before `data_end`. Throws
/// Errc::in_use where volumes lie behind it, Errc::no_space where no extent would be left.
VolumeGroup resize_pv(VolumeGroup vg, const PvId& id, Sectors dev_size, Sectors data_end);

struct PvSettings {
  std::optional<bool> allocatable;
  std::vector<std::string> add_tags;
  std::vector<std::string> delete_tags;
};
VolumeGroup change_pv(VolumeGroup vg, const PvId& id, const PvSettings& wanted);

// ---- PVs that are missing (edit_missing.cpp)

/// Clears MISSING: what the PVs hold is taken for the volumes' data again. Throws Errc::not_found for one
/// that the group does not have, Errc::refused for one without the flag.
VolumeGroup restore_missing(VolumeGroup vg, const std::vector<PvId>& back);

/// What goes with PVs that are given up. All names.
struct Loss {
  std::vector<std::string> volumes;  ///< those that a person sees
  std::vector<std::string> keyless;  ///< of these: the data is there, but no copy of the keystore is left
  std::vector<std::string> stores;   ///< keystores of which no copy is left
  std::vector<std::string> copies;   ///< data LVs of lost copies of keystores that keep others
  std::vector<std::string> lvs;      ///< everything that goes, hidden parts and lost stores included

  bool empty() const { return lvs.empty() && copies.empty(); }
};
Loss loss_of(const VolumeGroup& vg, const std::set<PvId>& missing);

/// Removes these volumes whole. A keystore that loses its last volume is marked `erasing`; one that is lost
/// itself goes.
VolumeGroup remove_lost(VolumeGroup vg, const Loss& loss);

/// Missing PVs that no volume lies on leave the group, the others get the flag MISSING. Throws Errc::refused
/// where none would be left.
VolumeGroup give_up_missing(VolumeGroup vg, const std::set<PvId>& missing);

}  // namespace cv::metadata
