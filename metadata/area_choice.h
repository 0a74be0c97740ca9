// Which metadata areas of a group are in use and which are ignored: LVM2's metadata_copies.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/base/id.h"

namespace cv::metadata {

/// metadata_copies: every area that there is.
inline constexpr std::uint32_t kAllAreas = UINT32_MAX;

struct AreaUse {
  PvId pv;
  bool used = true;
  std::optional<bool> wish;  ///< what a person asked for of this PV
};

/// Fulfils the wishes, then uses or ignores as many areas as `copies` says; 0: leaves them as they are. One
/// stays in use in any case. PVs without an area in use come first when more are needed, PVs with several
/// when there are too many.
void choose_areas(std::vector<AreaUse>& areas, std::uint32_t copies);

}  // namespace cv::metadata
