#include "tests/support/temp_dir.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

namespace cv::test {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "cvm-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw Error(Errc::io, "no temporary directory can be made: {}", errno_text(errno));
  }
  root_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw Error(Errc::io, "{} can't be written", path);
}

void write_file(const std::string& path, std::string_view text) {
  write_file(path, bytes_of(text));
}

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw Error(Errc::io, "{} can't be read", path);
  return bytes;
}

}  // namespace cv::test
