// Signals that would end a command wait while it is in the middle of a change.
#pragma once

#include <csignal>

namespace cv {

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT wait as long as this lives. One that came takes effect when it dies,
/// after a line that says so.
class [[nodiscard]] BlockedSignals {
 public:
  BlockedSignals();
  BlockedSignals(BlockedSignals&& other) noexcept;
  BlockedSignals& operator=(BlockedSignals&&) = delete;
  ~BlockedSignals();

 private:
  sigset_t before_{};
  bool is_active_ = false;
};

}  // namespace cv
