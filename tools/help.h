// What --help and `cvm help` print.
#pragma once

#include <span>
#include <string>

#include "tools/command.h"

namespace cv::tools {

std::string help_text(const Command& command);
/// One line for each command.
std::string help_overview(std::span<const Command> commands);

/// "cvcreate" or "cvm pvcreate": how the command is called.
std::string invocation(const Command& command);
/// "cvcreate" or "cvm-pvcreate": LVM2 has a page pvcreate(8) of its own.
std::string page_name(const Command& command);
/// "-L, --size SIZE"
std::string usage_of(const Option& option);

}  // namespace cv::tools
