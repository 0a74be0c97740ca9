// Everything that is wrong with a volume group, as a list. Runs before every commit, in every build.
#pragma once

#include <string>
#include <vector>

#include "metadata/volume_group.h"

namespace cv::metadata {

enum class Severity { warning, error };

struct Damage {
  std::string id;  ///< stable: "LV-OVERLAP"; listed in cvck(8)
  Severity severity = Severity::error;
  std::string sentence;
  std::string advice;  ///< may be empty
  friend bool operator==(const Damage&, const Damage&) = default;
};

/// All damage that the value itself shows; order: group, PVs, LVs. Empty for a clean group.
std::vector<Damage> check(const VolumeGroup& vg);

/// Throws Errc::damaged, or Errc::refused for a mistake of an edit, with the first error in `after` that
/// `before` did not have. What was wrong before may stay.
void require_no_new_errors(const VolumeGroup& before, const VolumeGroup& after);

}  // namespace cv::metadata
