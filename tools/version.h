// Which cvm this is.
#pragma once

#include <string>

namespace cv::tools {

std::string version_text();

}  // namespace cv::tools
