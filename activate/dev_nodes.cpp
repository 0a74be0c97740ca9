#include "activate/dev_nodes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"

namespace cv::activate {

namespace {

bool leads_to(const std::string& path, DeviceNumber number) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
         number == DeviceNumber{major(status.st_rdev), minor(status.st_rdev)};
}

bool is_link(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

bool is_link_to(const std::string& path, const std::string& name) {
  std::array<char, 512> target{};
  const auto length = ::readlink(path.c_str(), target.data(), target.size());
  return length >= 0 &&
         std::string_view(target.data(), static_cast<std::size_t>(length)).ends_with("/" + name);
}

}  // namespace

bool DevNodes::has_node_of(const std::string& name, DeviceNumber number) const {
  return leads_to(node(name), number);
}

bool DevNodes::has_link_to(const std::string& link, DeviceNumber number) const {
  return link.empty() || leads_to(path(link), number);
}

bool DevNodes::has_node(const std::string& name) const {
  // A regular file of that name is somebody's mistake, but not ours.
  struct stat status {};
  return ::lstat(node(name).c_str(), &status) == 0 && (S_ISBLK(status.st_mode) || S_ISLNK(status.st_mode));
}

bool DevNodes::has_real_node(const std::string& name) const {
  struct stat status {};
  return ::lstat(node(name).c_str(), &status) == 0 && S_ISBLK(status.st_mode);
}

bool DevNodes::has_link_of_ours(const std::string& link, const std::string& name) const {
  return !link.empty() && is_link_to(path(link), name);
}

void DevNodes::wipe(const std::string& name, DeviceNumber number, Bytes length) const {
  const auto path = node(name);
  const Fd device(has_node_of(name, number) ? ::open(path.c_str(), O_WRONLY | O_EXCL | O_CLOEXEC) : -1);
  if (!device) throw Error(Errc::io, "{} can't be opened to be wiped: {}", path, errno_text(errno));
  const auto end = ::lseek(device.get(), 0, SEEK_END);
  const auto size = end < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(end);
  const std::vector<std::byte> zeros(static_cast<std::size_t>(std::min(length.n, size)));
  if (::pwrite(device.get(), zeros.data(), zeros.size(), 0) != static_cast<ssize_t>(zeros.size()) ||
      ::fsync(device.get()) != 0)
    throw Error(Errc::io, "{} can't be wiped: {}", path, errno_text(errno));
}

void DevNodes::remove_node(const std::string& name) const {
  const auto there = node(name);
  if (::unlink(there.c_str()) != 0 && errno != ENOENT)
    log::warning("the node {} can't be removed: {}", there, errno_text(errno));
}

void DevNodes::make_link(const std::string& link, const std::string& name) const {
  if (link.empty()) return;
  const auto there = path(link);
  const auto folder = there.substr(0, there.rfind('/'));
  const auto target = "../mapper/" + name;
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    log::warning("{} can't be made: {}", folder, errno_text(errno));
  if (is_link(there)) ::unlink(there.c_str());
  if (::symlink(target.c_str(), there.c_str()) != 0)
    log::warning("the link {} can't be made: {}", there, errno_text(errno));
}

void DevNodes::remove_link(const std::string& link, const std::string& name) const {
  if (!has_link_of_ours(link, name)) return;
  const auto there = path(link);
  ::unlink(there.c_str());
  ::rmdir(there.substr(0, there.rfind('/')).c_str());
}

}  // namespace cv::activate
