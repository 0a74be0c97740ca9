#include "lib/crypt/key_file.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::crypt {

namespace {

constexpr std::size_t kFirstBuffer = 64 * 1024;

std::string shown(const std::string& path) {
  return path == "-" ? "standard input" : "key file " + path;
}

[[noreturn]] void throw_unreadable(const std::string& path, int error_number) {
  throw Error(Errc::key_file, "{} can't be read: {}", shown(path), errno_text(error_number))
      .advise("name a file with the key in it");
}

/// Fills `into` as far as there are bytes; returns how many there were.
std::size_t read_fully(int fd, std::span<std::byte> into, const std::string& path) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::read(fd, into.data() + done, into.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_unreadable(path, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

/// Pipes can't seek, so what lies before the key is read and wiped.
void skip(int fd, Bytes offset, const std::string& path) {
  SecureBytes skipped(static_cast<std::size_t>(std::min<std::uint64_t>(offset.n, kFirstBuffer)));
  for (Bytes left = offset; left.n > 0;) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left.n, skipped.size()));
    const std::size_t got = read_fully(fd, skipped.bytes().first(part), path);
    left -= Bytes(got);
    if (got < part) {
      throw Error(Errc::key_file, "{} has {} bytes, the key was said to begin at {}", shown(path),
                  (offset - left).n, offset.n)
          .advise("give a smaller --keyfile-offset");
    }
  }
}

/// All that is left of the file, at most `limit` bytes.
SecureBytes read_up_to(int fd, std::size_t limit, const std::string& path) {
  SecureBytes buffer(std::min(limit, kFirstBuffer));
  std::size_t filled = read_fully(fd, buffer.bytes(), path);
  while (filled == buffer.size() && filled < limit) {
    SecureBytes larger(std::min(limit, buffer.size() * 2));
    std::copy(buffer.bytes().begin(), buffer.bytes().end(), larger.bytes().begin());
    filled += read_fully(fd, larger.bytes().subspan(filled), path);
    buffer = std::move(larger);
  }
  buffer.shrink(filled);
  return buffer;
}

Fd open_key_file(const std::string& path) {
  // A copy of descriptor 0, so that both kinds are closed alike.
  Fd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                    : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) throw_unreadable(path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_unreadable(path, errno);
  if (S_ISDIR(status.st_mode)) throw_unreadable(path, EISDIR);
  return fd;
}

}  // namespace

SecureBytes read_key_file(const std::string& path, Bytes offset, std::optional<Bytes> size) {
  const Fd fd = open_key_file(path);
  skip(fd.get(), offset, path);
  if (size) {
    SecureBytes key = read_up_to(fd.get(), static_cast<std::size_t>(size->n), path);
    if (key.size() < size->n) {
      throw Error(Errc::key_file, "{} has {} bytes from offset {} on, {} were asked for", shown(path),
                  key.size(), offset.n, size->n)
          .advise("give a smaller --keyfile-size or another file");
    }
    return key;
  }
  SecureBytes key = read_up_to(fd.get(), static_cast<std::size_t>(kKeyFileLimit.n) + 1, path);
  if (key.size() > kKeyFileLimit.n) {
    throw Error(Errc::key_file, "{} is larger than {} MiB", shown(path), kKeyFileLimit.n / (1024 * 1024))
        .advise("say with --keyfile-size how much of it is the key");
  }
  if (key.empty() && path == "-") {
    throw Error(Errc::key_file, "standard input holds no key").advise("pipe the key in, or name a file");
  }
  return key;
}

std::vector<SecureBytes> split_lines(std::span<const std::byte> bytes, std::size_t most) {
  std::vector<SecureBytes> lines;
  while (!bytes.empty() && lines.size() < most) {
    const auto newline = std::find(bytes.begin(), bytes.end(), std::byte{'\n'});
    const auto length = static_cast<std::size_t>(newline - bytes.begin());
    lines.push_back(SecureBytes::copy_of(bytes.first(length)));
    bytes = bytes.subspan(std::min(length + 1, bytes.size()));
  }
  return lines;
}

}  // namespace cv::crypt
