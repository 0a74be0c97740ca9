// The pass over argv before CLI11 sees it: LVM2's unique prefixes and free hyphens, values that begin
// with '-'.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/command.h"

namespace cv::tools {

struct PlainArguments {
  std::vector<std::string> options;   ///< each "--name" or "--name=value", name as in the table
  std::vector<std::string> operands;  ///< everything else, in order
};

/// As getopt_long() permutes: options and operands in any order, "--" ends the options, `-L1G`, `-L 1G`,
/// `-L -1G`, bundles of flags. Hyphens inside a long name are ignored, a unique prefix is enough. Throws
/// Errc::usage for an unknown or ambiguous option, a missing value, and a value where none belongs.
PlainArguments plain_arguments(std::span<const std::string> words, std::span<const OptionGroup> table);

}  // namespace cv::tools
