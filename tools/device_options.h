// Options on how the kernel treats a volume's device: read-ahead and persistent numbers.
#pragma once

#include "metadata/edit_properties.h"
#include "tools/arguments.h"

namespace cv::tools {

inline constexpr Option kReadAhead{'r', "readahead", "auto|none|SECTORS",
                                   "how far the kernel reads ahead; auto: as the kernel thinks fit"};
inline constexpr Option kPersistent{'M', "persistent", "y|n",
                                    "y: the device always has the number that --minor says", "y|n"};
inline constexpr Option kMajor{'j', "major", "NUMBER", "taken for LVM2's sake: the kernel chooses it"};
inline constexpr Option kMinor{0, "minor", "NUMBER", "the minor number of the device, with --persistent y"};

/// Whether any of them is given.
bool wants_device_properties(const Arguments& arguments);

/// What they say. Throws Errc::usage for what can't be and for options that do not go together.
metadata::DeviceProperties device_properties(const Arguments& arguments);

}  // namespace cv::tools
