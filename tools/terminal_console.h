// The console of a process: its standard input, its controlling terminal, the host's password agents.
#pragma once

#include <memory>

#include "tools/console.h"

namespace cv::tools {

std::unique_ptr<Console> process_console();

/// The same on given descriptors, which stay the caller's: `input` stands for standard input and, where it is
/// a terminal, for the controlling one too; questions go to `output` otherwise.
std::unique_ptr<Console> console_on(int input, int output);

}  // namespace cv::tools
