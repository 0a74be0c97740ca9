// find_lv() for those who may ask once or ten thousand times.
#pragma once

#include <optional>
#include <string_view>

#include "metadata/references.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// Passes over the group for the first few questions, then makes an index: that takes as long as many of
/// them.
class VolumeFinder {
 public:
  /// `vg` outlives it and stays as it is.
  explicit VolumeFinder(const VolumeGroup& vg) : vg_(vg) {}

  /// Null where there is none; of two volumes with one name the first.
  const LogicalVolume* find_lv(std::string_view name) {
    constexpr unsigned kFew = 8;
    if (asked_ < kFew) {
      ++asked_;
      return metadata::find_lv(vg_, name);
    }
    if (!index_) index_ = index_of(vg_);
    const auto found = index_->find(name);
    return found == index_->end() ? nullptr : found->second;
  }

 private:
  const VolumeGroup& vg_;
  unsigned asked_ = 0;
  std::optional<VolumeIndex> index_;
};

}  // namespace cv::metadata
