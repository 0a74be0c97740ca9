#include "lib/base/blocked_signals.h"

#include <csignal>
#include <utility>

#include "lib/base/log.h"

namespace cv {
namespace {

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/// The mask of a thread is one thing for all that hold signals back in it, and these end in any order.
struct Mask {
  unsigned holders = 0;
  sigset_t before{};  ///< the first of them
};
thread_local Mask mask;

}  // namespace

BlockedSignals::BlockedSignals() {
  if (mask.holders++ > 0) return;
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : kEnding) sigaddset(&wanted, signal);
  ::pthread_sigmask(SIG_BLOCK, &wanted, &mask.before);
}

BlockedSignals::BlockedSignals(BlockedSignals&& other) noexcept
    : is_active_(std::exchange(other.is_active_, false)) {}

BlockedSignals::~BlockedSignals() {
  if (!is_active_ || --mask.holders > 0) return;
  sigset_t waiting;
  sigemptyset(&waiting);
  ::sigpending(&waiting);
  for (const int signal : kEnding)
    if (sigismember(&waiting, signal) == 1 && sigismember(&mask.before, signal) == 0)
      log::warning("signal {} came during the change and takes effect now that it is complete", signal);
  ::pthread_sigmask(SIG_SETMASK, &mask.before, nullptr);
}

}  // namespace cv
