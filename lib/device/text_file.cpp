#include "lib/device/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <random>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::device {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadAtOnce = 65536;
constexpr std::size_t kLargestText = std::size_t{256} << 20;  // what the parser takes

[[noreturn]] void fail(std::string_view what, const std::string& path) {
  throw Error(Errc::io, "{} can't be {}: {}", path, what, errno_text(errno));
}

void write_all(const Fd& file, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const auto done = ::write(file.get(), text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("written", path);
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

/// Some file systems know no fsync; as LVM2 does, that is passed over.
void sync(const std::string& path, int flags) {
  const Fd file(::open(path.c_str(), flags | O_RDONLY | O_CLOEXEC));
  if (!file) fail("opened", path);
  if (::fsync(file.get()) != 0 && errno != EROFS && errno != EINVAL) fail("written", path);
}

std::string temporary_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format(".lvm_{}_{}_{}", host.data(), ::getpid(), std::random_device()());
}

}  // namespace

std::optional<std::string> read_text_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail("read", path);
  }
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kReadAtOnce);
    const auto got = ::read(file.get(), text.data() + before, kReadAtOnce);
    const int problem = errno;
    text.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0 && problem == EINTR) continue;
    errno = problem;
    if (got < 0) fail("read", path);
    if (got == 0) return text;
    if (text.size() > kLargestText) throw Error(Errc::io, "{} is too large for a text", path);
  }
}

void make_private_directory(const std::string& path) {
  std::error_code failure;
  if (fs::is_directory(path, failure)) return;
  const auto parent = fs::path(path).parent_path();
  if (!parent.empty() && parent != path) make_private_directory(parent.string());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("made", path);
  if (!fs::is_directory(path, failure)) throw Error(Errc::io, "{} is no directory", path);
}

bool is_on_read_only_file_system(const std::string& path) {
  for (fs::path here(path);; here = here.parent_path()) {
    if (::access(here.c_str(), W_OK) == 0) return false;
    if (errno == EROFS) return true;
    if (errno != ENOENT || !here.has_relative_path()) return false;
  }
}

PendingFile::PendingFile(std::string directory, std::string_view text) : directory_(std::move(directory)) {
  const std::string name = temporary_name();
  const std::string path = path_of(name);
  const Fd file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (!file) fail("made", path);
  temporary_ = name;
  try {
    write_all(file, path, text);
  } catch (const Error&) {
    ::unlink(path.c_str());
    throw;
  }
}

PendingFile::~PendingFile() {
  if (!temporary_.empty()) ::unlink(path_of(temporary_).c_str());
}

bool PendingFile::link_as(const std::string& name) {
  if (::link(path_of(temporary_).c_str(), path_of(name).c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  fail("made", path_of(name));
}

void PendingFile::replace(const std::string& name) {
  CV_ASSERT(!temporary_.empty());
  sync(path_of(temporary_), 0);
  if (::rename(path_of(temporary_).c_str(), path_of(name).c_str()) != 0) fail("replaced", path_of(name));
  temporary_.clear();
  sync(directory_, O_DIRECTORY);
}

}  // namespace cv::device
