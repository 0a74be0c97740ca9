// Signals that would end a command wait while it is in the middle of a change.
#pragma once

namespace cv {

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT wait as long as one of these lives in a thread. One that came takes
/// effect when the last dies, after a line that says so. It dies in the thread that made it.
class [[nodiscard]] BlockedSignals {
 public:
  BlockedSignals();
  BlockedSignals(BlockedSignals&& other) noexcept;
  BlockedSignals& operator=(BlockedSignals&&) = delete;
  ~BlockedSignals();

 private:
  bool is_active_ = true;
};

}  // namespace cv
