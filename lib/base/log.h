// Messages for people: levels and one sink for the whole process.
//
// The sink is process-wide because libdevmapper and libcryptsetup know only process-wide log hooks,
// and their lines must come out here too (docs/decisions/0002-one-log-sink.md).
#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace cv::log {

enum class Level {
  error,    ///< why the command fails
  warning,  ///< printed with "WARNING: "; the command goes on
  notice,   ///< what was done; silent with -q
  info,     ///< -v: steps
  verbose,  ///< -vv: each key derivation, each table
  debug,    ///< -vvv: decisions
  trace,    ///< -vvvv: what the libraries say
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void line(Level level, std::string_view text) noexcept = 0;
};

/// Hands messages to `sink` until the guard dies; the former sink comes back then.
class Redirect {
 public:
  explicit Redirect(Sink& sink);
  ~Redirect();
  Redirect(const Redirect&) = delete;
  Redirect& operator=(const Redirect&) = delete;

 private:
  Sink* former_;
};

/// Never throws and allocates nothing of its own, so that it may be called from a C library's hook.
/// Without a sink only errors and warnings are shown, on stderr.
void line(Level level, std::string_view text) noexcept;

template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::error, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void notice(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::notice, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void verbose(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::verbose, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cv::log
