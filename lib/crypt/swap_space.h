// Whether secrets may end up in swap space.
#pragma once

#include <optional>
#include <string>

namespace cv::crypt {

/// Why the kernel locks no memory for this process, where the machine swaps: "Cannot allocate memory".
/// Nothing where secrets stay in memory. `swaps` lists the areas below a headline.
std::optional<std::string> why_secrets_may_be_swapped(const std::string& swaps = "/proc/swaps");

}  // namespace cv::crypt
