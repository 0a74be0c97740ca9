#include "lib/crypt/trusted_path.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"

namespace cv::crypt {

namespace {

namespace fs = std::filesystem;

void require_trusted(const struct stat& status, const std::string& path, uid_t owner) {
  if (status.st_uid != 0 && status.st_uid != owner)
    throw Error(Errc::refused, "{} belongs to user {}: it is not used", path, status.st_uid)
        .advise("look where it comes from; if it is what it should be: chown root {}", path);
  const bool others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  if (others_write && !sticky)
    throw Error(Errc::refused, "{} can be written by others than root: it is not used", path)
        .advise("look whether it is what it should be, then chmod go-w {}", path);
}

[[noreturn]] void throw_unreadable(const std::string& path) {
  if (errno == ENOENT || errno == ENOTDIR) throw Error(Errc::not_found, "there is no {}", path);
  throw Error(Errc::io, "{} can't be read: {}", path, errno_text(errno));
}

}  // namespace

Fd open_trusted(const std::string& path, uid_t owner) {
  std::error_code problem;
  const fs::path real = fs::canonical(path, problem);
  if (problem) {
    errno = problem.value();
    throw_unreadable(path);
  }
  struct stat status {};
  fs::path above;
  for (const auto& part : real.parent_path()) {
    above /= part;
    if (::lstat(above.c_str(), &status) != 0) throw_unreadable(above.string());
    require_trusted(status, above.string(), owner);
  }
  // What was looked at is what is used: nobody else can have put another file in between.
  Fd file(::open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file || ::fstat(file.get(), &status) != 0) throw_unreadable(real.string());
  if (!S_ISREG(status.st_mode)) throw Error(Errc::refused, "{} is no file", real.string());
  require_trusted(status, real.string(), owner);
  return file;
}

}  // namespace cv::crypt
