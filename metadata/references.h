// Which volumes of its group a segment names: in areas, as a store, and in the keys of the types that only
// LVM2 manages.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "metadata/volume_group.h"

namespace cv::metadata {

using Renames = std::unordered_map<std::string, std::string>;  ///< old name to new name

/// Calls `visit` with each name of an LV in the segment, as often as it stands there. In a segment of a type
/// that we have never heard of, with every text that might be a name.
void for_each_reference(const Segment& segment, const std::function<void(const std::string&)>& visit);

/// Whether one of the segments names `lv`.
bool names_volume(const LogicalVolume& by, std::string_view lv);

/// Gives what the segment names the new names. Throws Errc::unsupported where the segment is of a type that
/// we have never heard of and holds one of the old names: it could mean anything.
void rename_references(Segment& segment, const Renames& renames);

/// The same in what the group remembers of volumes that are gone.
void rename_in_history(VolumeGroup& vg, const Renames& renames);

/// What the group remembers of volumes that are gone no longer speaks of these, and ends where nothing that
/// is there came from it.
void forget_in_history(VolumeGroup& vg, const std::unordered_set<std::string>& gone);

/// "raid1" of "raid1+RESHAPE".
std::string_view base_type(std::string_view type);
/// The type of the first segment, as LVM2 calls it: "linear", "striped", "crypt", "raid1", ...
std::string type_of(const LogicalVolume& lv);

/// Names to volumes, for those who look up many. Points into the group.
using VolumeIndex = std::unordered_map<std::string_view, const LogicalVolume*>;
VolumeIndex index_of(const VolumeGroup& vg);

/// What a person names: visible volumes, but for LVM2's own "snapshotN" that ties a snapshot to its origin,
/// and the snapshot, which the text does not call visible.
bool is_shown(const VolumeGroup& vg, const LogicalVolume& lv);

}  // namespace cv::metadata
