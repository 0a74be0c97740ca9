// The completion of bash, written from the tables of the commands.
#pragma once

#include <span>
#include <string>

#include "tools/command.h"

namespace cv::tools {

std::string bash_completion(std::span<const Command> commands);

}  // namespace cv::tools
