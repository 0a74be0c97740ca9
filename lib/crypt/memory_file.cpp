#include "lib/crypt/memory_file.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"

namespace cv::crypt {

namespace {

constexpr int kSizeSeals = F_SEAL_GROW | F_SEAL_SHRINK;

[[noreturn]] void throw_failed(const char* step) {
  throw Error(Errc::io, "a file in memory can't be {}: {}", step, errno_text(errno))
      .advise("free some memory, or allow memfd_create where it is filtered");
}

Fd create(std::size_t size) {
  Fd fd(::memfd_create("cvm-keystore", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) throw_failed("made");
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) throw_failed("sized");
  return fd;
}

void seal(const Fd& fd, int seals) {
  if (::fcntl(fd.get(), F_ADD_SEALS, seals) != 0) throw_failed("sealed");
}

Fd filled(std::span<const std::byte> contents) {
  Fd fd = create(contents.size());
  for (std::size_t done = 0; done < contents.size();) {
    const ssize_t written =
        ::pwrite(fd.get(), contents.data() + done, contents.size() - done, static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw_failed("filled");
    done += static_cast<std::size_t>(written);
  }
  return fd;
}

}  // namespace

MemoryFile MemoryFile::read_only(std::span<const std::byte> contents) {
  Fd fd = filled(contents);
  seal(fd, kSizeSeals | F_SEAL_WRITE);
  return MemoryFile(std::move(fd));
}

MemoryFile MemoryFile::copy_of(std::span<const std::byte> contents) {
  Fd fd = filled(contents);
  seal(fd, kSizeSeals);
  return MemoryFile(std::move(fd));
}

MemoryFile MemoryFile::zeros(Bytes size) {
  Fd fd = create(static_cast<std::size_t>(size.n));
  seal(fd, kSizeSeals);
  return MemoryFile(std::move(fd));
}

std::string MemoryFile::path() const {
  return fmt::format("/proc/self/fd/{}", fd_.get());
}

std::vector<std::byte> MemoryFile::contents() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) throw_failed("asked for its size");
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got =
        ::pread(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw_failed("read");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace cv::crypt
