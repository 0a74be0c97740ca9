#include "metadata/hints.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"
#include "lib/base/undo.h"

namespace cv::metadata {
namespace {

void touch(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  if (!fd) throw Error(Errc::io, "can't make {}: {}", path, errno_text(errno));
}

void empty_hints(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd && errno == ENOENT) return;
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0 || ::ftruncate(fd.get(), 0) != 0)
    throw Error(Errc::io, "can't empty {}: {}", path, errno_text(errno));
}

}  // namespace

void drop_hints(const std::string& run_dir) noexcept {
  try {
    struct stat info {};
    if (::stat(run_dir.c_str(), &info) != 0) return;
    // LVM2's order, lib/label/hints.c: nobody reads hints while "nohints" is there, "newhints" has them made
    // anew.
    const std::string nohints = run_dir + "/nohints";
    {
      touch(nohints);
      const Undo unblock([&]() noexcept { ::unlink(nohints.c_str()); });
      empty_hints(run_dir + "/hints");
    }
    touch(run_dir + "/newhints");
  } catch (const Error& error) {
    log::warning("LVM2 may not see this change until 'pvscan --cache': {}", error.what());
  }
}

}  // namespace cv::metadata
