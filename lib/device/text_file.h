// Small text files beside the disks: read as a whole, and replaced as a whole, so that nobody reads half of
// one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cv::device {

/// The file's text; nothing where there is no such file. Throws Errc::io.
std::optional<std::string> read_text_file(const std::string& path);

/// Makes a directory with mode 0700, and its parents. Throws Errc::io.
void make_private_directory(const std::string& path);

/// Whether nothing can be written there because the file system is read-only, as early in a boot. `path` need
/// not exist.
bool is_on_read_only_file_system(const std::string& path);

/// A whole text, mode 0600, under a name that nobody looks for; removed when it dies. It gets its real name
/// in the same directory.
class PendingFile {
 public:
  /// Throws Errc::io.
  PendingFile(std::string directory, std::string_view text);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  /// Gives it that name unless there is such a file: then false. Throws Errc::io.
  bool link_as(const std::string& name);
  /// Takes the place of a file of that name; text and name are on stable storage afterwards. Throws Errc::io.
  void replace(const std::string& name);

 private:
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
  std::string temporary_;  ///< empty: it has its name
};

}  // namespace cv::device
