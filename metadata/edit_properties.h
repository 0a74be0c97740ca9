// What a volume is apart from its extents: tags, permission, policy, and whether it is activated by itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "metadata/volume_group.h"

namespace cv::metadata {

struct NewProperties {
  std::vector<std::string> add_tags;
  std::vector<std::string> delete_tags;  ///< first; one that is not there is no error
  std::optional<bool> writable;
  std::optional<Allocation> allocation;
  std::optional<bool> activation_skip;
  std::optional<bool> autoactivation;
};

/// Throws Errc::bad_name for what can't be a tag, Errc::refused for hidden volumes, for a permission of what
/// only LVM2 manages or what others lie on, and where an encrypted volume would lose its ACTIVATION_SKIP,
/// which keeps stock LVM2 quiet.
VolumeGroup change_properties(VolumeGroup vg, const std::string& name, const NewProperties& wanted);

}  // namespace cv::metadata
