// Who is who in a group, for those who ask about many of its volumes: each answer takes constant time, after
// one pass over the group. find_lv(), owner_of() and users_of() pass over the group with each question.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "metadata/volume_group.h"

namespace cv::metadata {

/// Holds pointers into the group, which must neither move nor change meanwhile.
class GroupIndex {
 public:
  explicit GroupIndex(const VolumeGroup& vg);

  /// Of two volumes with one name, the first. Null where there is none.
  const LogicalVolume* find_lv(std::string_view name) const;
  /// The crypt or keystore LV that names `data_lv` in an area, or null.
  const LogicalVolume* owner_of(std::string_view data_lv) const;
  /// Crypt LVs with at least one segment on `store`, in the order of the group.
  const std::vector<const LogicalVolume*>& users_of(std::string_view store) const;

 private:
  using ByName = std::unordered_map<std::string_view, const LogicalVolume*>;

  ByName lvs_;
  ByName owners_;
  std::unordered_map<std::string_view, std::vector<const LogicalVolume*>> users_;
};

}  // namespace cv::metadata
