// The lock files of LVM2: flock(2) on P_global and V_<group>, each with an ":aux" file that lets writers in.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/handle.h"

namespace cv::device {

enum class LockMode { shared, exclusive };

struct LockSettings {
  std::string directory = "/run/lock/lvm";  ///< made with mode 0700 where it is missing
  bool enabled = true;                      ///< false: --nolocking
  bool wait = true;                         ///< false: Errc::locked at once (LVM2's wait_for_locks = 0)
};

/// Holds a lock file until it dies.
class [[nodiscard]] LockFile {
 public:
  LockFile() = default;
  /// Waits, or throws Errc::locked. Throws Errc::interrupted where a signal handler ran meanwhile.
  LockFile(const LockSettings& settings, std::string_view name, LockMode mode);
  LockFile(LockFile&& other) noexcept = default;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

  bool is_held() const { return static_cast<bool>(fd_); }
  void release() noexcept;

 private:
  std::string path_;
  Fd fd_;
};

/// The lock of everything that belongs to no group: which PVs there are, and which group has which.
inline constexpr std::string_view kGlobalLock = "P_global";
/// The lock file of a group.
std::string group_lock(std::string_view group);

}  // namespace cv::device
