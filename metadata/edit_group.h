// Changes of a volume group as a whole: its name, its properties, and what becomes of it.
#pragma once

#include "metadata/edit.h"

namespace cv::metadata {

/// Throws Errc::bad_name where the group or one of its volumes could not have such a name.
VolumeGroup rename_group(VolumeGroup vg, const std::string& name);

/// Gives the group away: neither it nor its PVs belong to this host any more.
VolumeGroup export_group(VolumeGroup vg);
/// Takes it for the host with that system id; empty: it has none. A split that made it is over then.
VolumeGroup import_group(VolumeGroup vg, const std::string& system_id);

struct GroupSettings {
  std::vector<std::string> add_tags;
  std::vector<std::string> delete_tags;
  std::optional<std::uint32_t> max_lv;           ///< 0: any number
  std::optional<std::uint32_t> max_pv;           ///< 0: any number
  std::optional<std::uint32_t> metadata_copies;  ///< 0: as they were set one by one
  std::optional<Sectors> extent_size;
  std::optional<bool> resizeable;
  std::optional<bool> autoactivation;
  std::optional<Allocation> allocation;
  std::optional<std::string> system_id;  ///< empty: none
};
/// Throws Errc::refused for limits that the group exceeds, Errc::bad_size for an extent size that something
/// in it can't be divided by.
VolumeGroup change_group(VolumeGroup vg, const GroupSettings& wanted);

/// Another id; texts with the old one count as old copies until forget_former_ids().
VolumeGroup change_id(VolumeGroup vg, const VgId& id);
/// Once no text that it replaces is left on its PVs.
VolumeGroup forget_former_ids(VolumeGroup vg);

/// Without its volumes. Keystores stay, marked `erasing`, until their bytes are overwritten.
VolumeGroup remove_all_volumes(VolumeGroup vg);
/// Whether all that is left are keystores being erased, with their data LVs.
bool holds_no_volumes(const VolumeGroup& vg);

}  // namespace cv::metadata
