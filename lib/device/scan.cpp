#include "lib/device/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::device {
namespace {

namespace fs = std::filesystem;

/// A sysfs attribute without its newline; nothing where there is none.
std::optional<std::string> attribute(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::array<char, 512> buffer{};
  const auto length = ::read(fd.get(), buffer.data(), buffer.size());
  if (length < 0) return std::nullopt;
  std::string text(buffer.data(), static_cast<std::size_t>(length));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

/// The names in a folder, in order; none where it can't be read.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  const CHandle<DIR, ::closedir> directory(::opendir(folder.c_str()));
  if (!directory) return names;
  while (const dirent* entry = ::readdir(directory.get()))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  std::sort(names.begin(), names.end());
  return names;
}

/// sysfs has a folder for each disk, and in it one for each of its partitions.
struct Node {
  std::string folder;
  std::string name;
};

/// The kernel calls a partition by its disk's name and a number, perhaps with a "p" between.
std::vector<Node> partitions_of(const Node& disk) {
  std::vector<Node> found;
  for (std::string& name : names_in(disk.folder)) {
    if (!name.starts_with(disk.name)) continue;
    Node part{disk.folder + "/" + name, std::move(name)};
    if (exists(part.folder + "/partition")) found.push_back(std::move(part));
  }
  return found;
}

/// Below an md or multipath device the same label shows twice; the upper device is the one to use.
bool is_component(const Node& node) {
  const auto holders = names_in(node.folder + "/holders");
  return std::any_of(holders.begin(), holders.end(), [&](const std::string& holder) {
    return holder.starts_with("md") ||
           attribute(node.folder + "/holders/" + holder + "/dm/uuid").value_or("").starts_with("mpath-");
  });
}

bool is_large_enough(const Node& node) {
  const std::string text = attribute(node.folder + "/size").value_or("0");
  std::uint64_t sectors = 0;
  std::from_chars(text.data(), text.data() + text.size(), sectors);
  return sectors >= whole_sectors(kLeastDevice).n;
}

bool is_usable_dm(const Node& node) {
  if (!node.name.starts_with("dm-")) return true;
  const auto uuid = attribute(node.folder + "/dm/uuid").value_or("");
  return !uuid.starts_with("LVM-") && attribute(node.folder + "/dm/suspended").value_or("0") == "0";
}

bool is_candidate(const Node& node) {
  for (const std::string_view never : {"sr", "fd", "zram", "ram", "mtdblock"})
    if (node.name.starts_with(never)) return false;
  if (!is_large_enough(node)) return false;
  const bool is_free_loop = node.name.starts_with("loop") && !exists(node.folder + "/partition") &&
                            !exists(node.folder + "/loop/backing_file");
  return !is_free_loop && is_usable_dm(node) && !is_component(node);
}

std::string device_path(const Node& node, const ScanPaths& paths) {
  if (node.name.starts_with("dm-"))
    if (const auto dm_name = attribute(node.folder + "/dm/name")) return paths.dev + "/mapper/" + *dm_name;
  std::string name = node.name;
  std::replace(name.begin(), name.end(), '!', '/');  // "cciss!c0d0" is /dev/cciss/c0d0
  return paths.dev + "/" + name;
}

}  // namespace

std::vector<std::string> candidate_devices(const ScanPaths& paths) {
  std::vector<std::string> found;
  const auto consider = [&](const Node& node) {
    if (!is_candidate(node)) return;
    auto path = device_path(node, paths);
    if (exists(path)) found.push_back(std::move(path));
  };
  const std::string block = paths.sysfs + "/block";
  for (const std::string& name : names_in(block)) {
    const Node disk{block + "/" + name, name};
    // Most machines have more unused loop devices than disks.
    if (attribute(disk.folder + "/size").value_or("0") == "0") continue;
    const auto partitions = partitions_of(disk);
    if (partitions.empty()) consider(disk);
    for (const Node& partition : partitions) consider(partition);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> listed_devices(const std::vector<std::string>& paths) {
  std::vector<std::string> found;
  for (const auto& path : paths) {
    std::error_code failure;
    const auto status = fs::status(path, failure);
    if (!fs::exists(status))
      throw Error(Errc::not_found, "there is no device {}", path).advise("check the list of --devices");
    if (!fs::is_block_file(status) && !fs::is_regular_file(status))
      throw Error(Errc::unsupported, "{} is neither a block device nor a regular file", path);
    const bool known = std::any_of(found.begin(), found.end(), [&](const std::string& other) {
      return other == path || fs::equivalent(other, path, failure);
    });
    if (!known) found.push_back(path);
  }
  return found;
}

bool is_held(const std::string& path) {
  std::error_code failure;
  if (!fs::is_block_file(path, failure)) return false;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
  return !fd && errno == EBUSY;
}

Topology topology_of(const std::string& path) {
  std::error_code failure;
  if (!fs::is_block_file(path, failure)) return {};
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  unsigned optimal = 0;
  int offset = 0;
  if (::ioctl(fd.get(), BLKIOOPT, &optimal) != 0) optimal = 0;
  if (::ioctl(fd.get(), BLKALIGNOFF, &offset) != 0 || offset < 0) offset = 0;
  return {.optimal_io = Bytes(optimal), .alignment_offset = Bytes(static_cast<std::uint64_t>(offset))};
}

}  // namespace cv::device
