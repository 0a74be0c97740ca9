// Volumes that go, of any type.
#pragma once

#include <string>
#include <vector>

#include "metadata/volume_group.h"

namespace cv::metadata {

/// Whole volume goes, with every hidden one that only it uses (images, logs, caches, the data of an encrypted
/// volume); the last volume of a store marks the store `erasing` unless `keep_store`; remove_stores()
/// finishes that once the bytes are overwritten. The spare of the pools goes with the last pool.
///
/// A thin volume leaves a message for its pool, which stock LVM2 sends with its next change of the pool.
///
/// Throws Errc::refused for hidden parts, for what others lie on and what is locked, and where a message for
/// the pool is waiting already; Errc::in_use for the keystore of another volume.
VolumeGroup remove_volume(VolumeGroup vg, const std::string& name, bool keep_store);
/// All of them or none: what remove_volume() makes of one after the other, in one pass over the group. Thin
/// volumes of one pool leave a message each. A volume that goes along with one before it may be named.
VolumeGroup remove_volumes(VolumeGroup vg, const std::vector<std::string>& names, bool keep_stores);

/// What remove_volume() takes away, the volume first, without keystores.
std::vector<std::string> volumes_that_go(const VolumeGroup& vg, const std::string& name);
/// What goes with any of them, and the volumes that those lie on: none of them may be active where LVM2
/// manages one of them. Names of stores, and such that there are not, concern nobody.
std::vector<std::string> volumes_concerned(const VolumeGroup& vg, const std::vector<std::string>& names);

/// Everything that a person sees in the group, each volume behind those that lie on it.
std::vector<std::string> in_order_of_removal(const VolumeGroup& vg);

}  // namespace cv::metadata
