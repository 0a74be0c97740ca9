#include "lib/base/blocked_signals.h"

#include <utility>

#include "lib/base/log.h"

namespace cv {
namespace {

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

}  // namespace

BlockedSignals::BlockedSignals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : kEnding) sigaddset(&wanted, signal);
  is_active_ = ::pthread_sigmask(SIG_BLOCK, &wanted, &before_) == 0;
}

BlockedSignals::BlockedSignals(BlockedSignals&& other) noexcept
    : before_(other.before_), is_active_(std::exchange(other.is_active_, false)) {}

BlockedSignals::~BlockedSignals() {
  if (!is_active_) return;
  sigset_t waiting;
  sigemptyset(&waiting);
  ::sigpending(&waiting);
  for (const int signal : kEnding)
    if (sigismember(&waiting, signal) == 1 && sigismember(&before_, signal) == 0)
      log::warning("signal {} came during the change and takes effect now that it is complete", signal);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace cv
