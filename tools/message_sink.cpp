#include "tools/message_sink.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/uio.h>

namespace cv::tools {

void MessageSink::line(log::Level level, std::string_view text) noexcept {
  if (level > level_) return;
  // One call a line, so that lines of several processes don't mix.
  const auto piece = [](std::string_view part) { return iovec{const_cast<char*>(part.data()), part.size()}; };
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto shown = text.substr(0, end);
    std::array<iovec, 4> pieces{piece("  "), piece(level == log::Level::warning ? "WARNING: " : ""),
                                piece(shown), piece("\n")};
    while (writev(descriptor_, pieces.data(), static_cast<int>(pieces.size())) < 0 && errno == EINTR) {
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

log::Level level_of(std::size_t verbose, bool quiet) {
  using log::Level;
  if (quiet) return Level::warning;
  constexpr std::array levels{Level::notice, Level::info, Level::verbose, Level::debug, Level::trace};
  return levels[std::min(verbose, levels.size() - 1)];
}

}  // namespace cv::tools
