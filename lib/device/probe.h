// What somebody else wrote onto a device: file systems, partition tables, RAID members, as libblkid knows
// them.
#pragma once

#include <string>
#include <vector>

#include "lib/device/block_device.h"

namespace cv::device {

struct Signature {
  std::string type;  ///< libblkid's name: "ext4", "crypto_LUKS", "gpt"
  Bytes offset;      ///< of the magic number
  Bytes length;      ///< of the magic number
  friend bool operator==(const Signature&, const Signature&) = default;
};

/// Everything but LVM2's own label, in the order libblkid finds it. Looks at the first and last 4 MiB.
std::vector<Signature> foreign_signatures(BlockDevice& device);

/// Zeroes the magic numbers of all foreign signatures, those that only show up behind others included.
/// Returns what was there.
std::vector<Signature> wipe_signatures(BlockDevice& device);

}  // namespace cv::device
