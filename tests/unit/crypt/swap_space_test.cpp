#include "lib/crypt/swap_space.h"

#include <fstream>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cv::crypt {
namespace {

constexpr std::string_view kHeadline = "Filename\tType\tSize\tUsed\tPriority\n";

/// Of a process that may lock nothing: whether it warns.
bool warns(const std::string& swaps) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) ::_exit(3);
    // CAP_IPC_LOCK would let it.
    __user_cap_header_struct all{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct nothing[2]{};
    if (::syscall(SYS_capset, &all, nothing) != 0) ::_exit(4);
    ::_exit(why_secrets_may_be_swapped(swaps) ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 2) << status;
  return WEXITSTATUS(status) == 1;
}

TEST(SwapSpace, IsAReasonToWarnOnlyWhereThereIsSomeAndNothingCanBeLocked) {
  const int with[2] = {::memfd_create("swaps", 0), ::memfd_create("swaps", 0)};
  const auto path = [&](int number) { return "/proc/self/fd/" + std::to_string(with[number]); };
  std::ofstream(path(0)) << kHeadline;
  std::ofstream(path(1)) << kHeadline << "/dev/sda2\tpartition\t8388604\t0\t-2\n";

  EXPECT_FALSE(warns(path(0)));
  EXPECT_TRUE(warns(path(1)));
  EXPECT_FALSE(warns("/nowhere/swaps"));
}

}  // namespace
}  // namespace cv::crypt
