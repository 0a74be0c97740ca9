#include "tests/support/fixture_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace cv::test {

std::filesystem::path tests_folder() {
  return CVM_TESTS_DIR;
}

std::string test_file(std::string_view path) {
  const auto full = tests_folder() / path;
  std::ifstream file(full, std::ios::binary);
  if (!file) throw std::runtime_error("can't open " + full.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> test_files(std::string_view folder, std::string_view ending) {
  const std::filesystem::path root = tests_folder();
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
    const std::string path = std::filesystem::relative(entry.path(), root).string();
    if (entry.is_regular_file() && path.ends_with(ending)) found.push_back(path);
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace cv::test
