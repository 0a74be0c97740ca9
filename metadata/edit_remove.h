// Volumes that go, of any type.
#pragma once

#include <string>
#include <vector>

#include "metadata/volume_group.h"

namespace cv::metadata {

/// Whole volume goes, with every hidden one that only it uses (images, logs, caches, the data of an encrypted
/// volume); the last volume of a store marks the store `erasing` unless `keep_store`; remove_store() finishes
/// that once the bytes are overwritten. The spare of the pools goes with the last pool.
///
/// A thin volume leaves a message for its pool, which stock LVM2 gives to the pool when it activates it.
///
/// Throws Errc::refused for hidden parts, for what others lie on and what is locked, and where a message for
/// the pool is waiting already; Errc::in_use for the keystore of another volume.
VolumeGroup remove_volume(VolumeGroup vg, const std::string& name, bool keep_store);

/// What remove_volume() takes away, the volume first, without keystores.
std::vector<std::string> volumes_that_go(const VolumeGroup& vg, const std::string& name);
/// Those, and the volumes that they lie on: none of them may be active where LVM2 manages one of them.
std::vector<std::string> volumes_concerned(const VolumeGroup& vg, const std::string& name);

/// Everything that a person sees in the group, each volume behind those that lie on it.
std::vector<std::string> in_order_of_removal(const VolumeGroup& vg);

}  // namespace cv::metadata
