// New names for volumes.
#pragma once

#include <string>

#include "metadata/volume_group.h"

namespace cv::metadata {

/// The volume and its hidden parts (NAME_crdata, NAME_rimage_0, ...) get a new name; whatever names them
/// follows. Nothing moves and no id changes. A keystore stays a cryptostore<number>. Pools and caches that
/// the volume uses keep their names, as in LVM2.
///
/// Throws Errc::not_found, Errc::exists, Errc::bad_name; Errc::refused for hidden parts and what is locked;
/// Errc::unsupported where a part has a name that does not come from its owner's, or where a type that we
/// have never heard of holds one of the names.
VolumeGroup rename_volume(VolumeGroup vg, const std::string& from, const std::string& to);

}  // namespace cv::metadata
