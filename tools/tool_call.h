// Programs of others that do a step for us: mkswap, resize2fs.
#pragma once

#include <string>
#include <vector>

namespace cv::tools {

struct ToolCall {
  std::vector<std::string> words;  ///< the program's name without a path, and its arguments
  int highest_success = 0;         ///< exit statuses up to this one are good news
  friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

/// "resize2fs /dev/mapper/vg0-home 8192s"
std::string shown(const ToolCall& call);

/// Throws Errc::not_found where the program is in none of the folders of the system.
void require_installed(const ToolCall& call);

/// Runs it to its end, with nothing to read, and what it prints on standard error. Signals that would end us
/// wait until then and don't reach it: a file system is not left in the middle of a move. Throws
/// Errc::not_found, Errc::io where it could not be started, Errc::refused where it reports a failure.
void run(const ToolCall& call);

}  // namespace cv::tools
