// Devices with larger blocks than others, and what a group may be made of.
#pragma once

#include <string>
#include <vector>

#include "lib/base/units.h"

namespace cv::metadata {

struct BlocksOfDevice {
  std::string path;
  Bytes block;  ///< logical block size, a power of two
};

/// Throws Errc::refused where extents are no multiple of the blocks of a device that joins, and unless
/// `mixed` (devices/allow_mixed_block_sizes) where no member has blocks like it: a file
/// system on 512-byte blocks can't be read on a device with larger ones. What members are is not judged.
void require_fitting_blocks(const std::vector<BlocksOfDevice>& members,
                            const std::vector<BlocksOfDevice>& joining, Sectors extent_size, bool mixed);

}  // namespace cv::metadata
