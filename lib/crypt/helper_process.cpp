#include "lib/crypt/helper_process.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"

namespace cv::crypt {

namespace {

constexpr int kCannotStart = 127;

/// Signals as a new process has them: handlers would run our code, and what is blocked can't be ended.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Moves the descriptors to 0, 1, ... and closes all others.
bool arrange_descriptors(const std::vector<int>& wanted) {
  const int count = static_cast<int>(wanted.size());
  std::vector<int> away;
  for (const int descriptor : wanted) {
    const int source = descriptor >= 0 ? descriptor : ::open("/dev/null", O_RDWR);
    away.push_back(::fcntl(source, F_DUPFD, count));
    if (away.back() < 0) return false;
  }
  for (int i = 0; i < count; ++i)
    if (::dup2(away[static_cast<std::size_t>(i)], i) < 0) return false;
  return ::syscall(SYS_close_range, static_cast<unsigned>(count), UINT_MAX, 0U) == 0;
}

[[noreturn]] void run_child(const std::vector<int>& descriptors, const std::function<void()>& work,
                            pid_t parent) noexcept {
  if (::setsid() < 0) ::_exit(kCannotStart);
  reset_signals();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotStart);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
  if (!arrange_descriptors(descriptors) || ::chdir("/") != 0) ::_exit(kCannotStart);
  work();
  ::_exit(0);
}

}  // namespace

HelperProcess::HelperProcess(const std::vector<int>& descriptors, const std::function<void()>& work) {
  const pid_t parent = ::getpid();
  child_ = ::fork();
  if (child_ < 0) throw Error(Errc::kernel, "no process can be started: {}", errno_text(errno));
  if (child_ == 0) run_child(descriptors, work, parent);
  pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0U)));
  if (!pidfd_) {
    const int why = errno;
    stop();
    throw Error(Errc::kernel, "a process can't be watched: {}", errno_text(why))
        .advise("this needs Linux 5.9 or later");
  }
}

HelperProcess::~HelperProcess() {
  stop();
}

int HelperProcess::stop() noexcept {
  if (child_ < 0) return status_;
  // Before the child is waited for: as long as it is a zombie, nobody else has the number of its group. A
  // child that has no group yet has started nobody.
  ::kill(-child_, SIGKILL);
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, &status_, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  return status_;
}

std::string describe_end(int status) {
  if (WIFEXITED(status)) return fmt::format("ended with status {}", WEXITSTATUS(status));
  return fmt::format("was killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
}

int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

Ends make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error(Errc::kernel, "no socket can be made: {}", errno_text(errno));
  return {Fd(ends[0]), Fd(ends[1])};
}

Ends make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(Errc::kernel, "no pipe can be made: {}", errno_text(errno));
  return {Fd(ends[0]), Fd(ends[1])};
}

}  // namespace cv::crypt
