// What the real LVM2 wrote (tests/fixtures) and files of golden tests, as text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cv::test {

/// tests/ of the checkout that was built.
std::filesystem::path tests_folder();

/// The whole file `path` below tests/. Throws where it can't be read.
std::string test_file(std::string_view path);

/// Paths below tests/ of the files in `folder` (and the folders in it) whose names end in `ending`, sorted.
std::vector<std::string> test_files(std::string_view folder, std::string_view ending);

}  // namespace cv::test
