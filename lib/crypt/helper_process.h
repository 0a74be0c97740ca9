// A child process that does what we would not do ourselves: it may crash, hang, or start others, and takes
// nothing of ours with it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/handle.h"

namespace cv::crypt {

using Deadline = std::chrono::steady_clock::time_point;

/// In a session and process group of its own, so that it reaches no terminal. It has the descriptors it is
/// given and no other, no secret (SecureBytes are wiped by a fork), signals as a new process has them, / as
/// its directory, no core dumps.
class HelperProcess {
 public:
  /// Runs `work` in the child, which ends with status 0 when it returns. The child's descriptors 0, 1, ...
  /// are those of `descriptors`; -1: /dev/null. Throws Errc::kernel.
  HelperProcess(const std::vector<int>& descriptors, const std::function<void()>& work);
  /// Kills what is left of the group.
  ~HelperProcess();
  HelperProcess(const HelperProcess&) = delete;
  HelperProcess& operator=(const HelperProcess&) = delete;

  /// For poll(): readable when the child has ended.
  int ended_fd() const { return pidfd_.get(); }
  /// Kills the group, and says how the child had ended, as waitpid() does.
  int stop() noexcept;

 private:
  pid_t child_ = -1;
  Fd pidfd_;
  int status_ = 0;
};

/// "ended with status 3", "was killed by signal 11 (Segmentation fault)"; from what stop() gave.
std::string describe_end(int status);

/// For poll(): 0 when it has passed.
int milliseconds_until(Deadline deadline);

/// Two ends of something that children don't inherit.
struct Ends {
  Fd first;
  Fd second;
};
Ends make_socket_pair();
/// `first` reads what is written to `second`.
Ends make_pipe();

}  // namespace cv::crypt
