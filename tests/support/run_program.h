// Other people's programs, run as judges.
#pragma once

#include <string>
#include <vector>

namespace cv::test {

struct ProgramResult {
  int status = -1;     ///< exit status; 127 where it can't be started, -1 where a signal ended it
  std::string output;  ///< stdout and stderr
};

/// Found by PATH; standard input is empty.
ProgramResult run_program(const std::vector<std::string>& arguments);

}  // namespace cv::test
