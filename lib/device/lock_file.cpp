#include "lib/device/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "lib/base/error.h"
#include "lib/base/log.h"

namespace cv::device {
namespace {

void make_directory(const std::string& directory) {
  std::error_code failure;
  if (std::filesystem::is_directory(directory, failure)) return;
  const auto parent = std::filesystem::path(directory).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failure);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    throw Error(Errc::locked, "can't make the lock directory {}: {}", directory, errno_text(errno))
        .advise("run as root, or name another directory in global/locking_dir");
}

Fd open_lock(const std::string& path) {
  // LVM2 asks for 0777 under its umask of 077.
  Fd fd(::open(path.c_str(), O_CREAT | O_APPEND | O_RDWR | O_CLOEXEC, 0700));
  if (!fd) {
    throw Error(Errc::locked, "can't open the lock file {}: {}", path, errno_text(errno))
        .advise("run as root, or name another directory in global/locking_dir");
  }
  return fd;
}

/// Whether `path` still names the file that `fd` is; a holder that leaves unlinks it.
bool is_same_file(const Fd& fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd.get(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

void flock_or_throw(const Fd& fd, const std::string& path, int operation, bool wait) {
  if (::flock(fd.get(), operation | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) throw Error(Errc::locked, "can't lock {}: {}", path, errno_text(errno));
  if (!wait)
    throw Error(Errc::locked, "another command holds the lock {}", path)
        .advise("try again when it is done, or wait for it with global/wait_for_locks = 1");
  log::info("waiting for the lock {}, which another command holds", path);
  if (::flock(fd.get(), operation) == 0) return;
  if (errno == EINTR) throw Error(Errc::interrupted, "interrupted while waiting for the lock {}", path);
  throw Error(Errc::locked, "can't lock {}: {}", path, errno_text(errno));
}

Fd take(const std::string& path, int operation, bool wait) {
  for (;;) {
    Fd fd = open_lock(path);
    flock_or_throw(fd, path, operation, wait);
    if (is_same_file(fd, path)) return fd;
  }
}

/// Lets go, and removes the file where nobody else has it.
void drop(Fd fd, const std::string& path) noexcept {
  ::flock(fd.get(), LOCK_UN);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 && is_same_file(fd, path)) ::unlink(path.c_str());
}

class Auxiliary {
 public:
  Auxiliary(std::string path, bool wait) : path_(std::move(path)), fd_(take(path_, LOCK_EX, wait)) {}
  ~Auxiliary() { drop(std::move(fd_), path_); }
  Auxiliary(const Auxiliary&) = delete;
  Auxiliary& operator=(const Auxiliary&) = delete;

 private:
  std::string path_;
  Fd fd_;
};

}  // namespace

LockFile::LockFile(const LockSettings& settings, std::string_view name, LockMode mode) {
  if (!settings.enabled) return;
  make_directory(settings.directory);
  path_ = settings.directory + "/" + std::string(name);
  {
    // Who wants to write holds ":aux" while it waits, so that new readers queue up behind it.
    const Auxiliary aux(path_ + ":aux", settings.wait);
    if (mode == LockMode::exclusive) fd_ = take(path_, LOCK_EX, settings.wait);
  }
  if (mode == LockMode::shared) fd_ = take(path_, LOCK_SH, settings.wait);
}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::move(other.path_);
    fd_ = std::move(other.fd_);
  }
  return *this;
}

LockFile::~LockFile() {
  release();
}

void LockFile::release() noexcept {
  if (fd_) drop(std::move(fd_), path_);
}

std::string group_lock(std::string_view group) {
  return "V_" + std::string(group);
}

}  // namespace cv::device
