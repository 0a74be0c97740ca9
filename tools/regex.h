// POSIX extended regular expressions.
#pragma once

#include <string>

namespace cv::tools {

/// Whether `pattern` matches anywhere in `text`. Throws Errc::usage for a pattern that is none.
bool found_in(const std::string& pattern, const std::string& text);

}  // namespace cv::tools
