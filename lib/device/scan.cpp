#include "lib/device/scan.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::device {
namespace {

namespace fs = std::filesystem;

/// A sysfs attribute without its newline; nothing where there is none.
std::optional<std::string> attribute(const fs::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::vector<fs::path> entries(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure))
    found.push_back(it->path());
  std::sort(found.begin(), found.end());
  return found;
}

bool has_partitions(const fs::path& disk) {
  const auto children = entries(disk);
  return std::any_of(children.begin(), children.end(),
                     [](const fs::path& child) { return fs::exists(child / "partition"); });
}

/// Below an md or multipath device the same label shows twice; the upper device is the one to use.
bool is_component(const fs::path& node) {
  const auto holders = entries(node / "holders");
  return std::any_of(holders.begin(), holders.end(), [](const fs::path& holder) {
    if (holder.filename().string().starts_with("md")) return true;
    return attribute(holder / "dm/uuid").value_or("").starts_with("mpath-");
  });
}

bool is_large_enough(const fs::path& node) {
  const std::string text = attribute(node / "size").value_or("0");
  std::uint64_t sectors = 0;
  std::from_chars(text.data(), text.data() + text.size(), sectors);
  return sectors >= whole_sectors(kLeastDevice).n;
}

bool is_usable_dm(const fs::path& node) {
  const auto uuid = attribute(node / "dm/uuid").value_or("");
  return !uuid.starts_with("LVM-") && attribute(node / "dm/suspended").value_or("0") == "0";
}

bool is_candidate(const fs::path& node) {
  const auto name = node.filename().string();
  for (const std::string_view never : {"sr", "fd", "zram", "ram", "mtdblock"})
    if (name.starts_with(never)) return false;
  if (name.starts_with("loop") && !fs::exists(node / "partition") && !fs::exists(node / "loop/backing_file"))
    return false;
  return is_large_enough(node) && is_usable_dm(node) && !is_component(node) && !has_partitions(node);
}

std::string device_path(const fs::path& node, const ScanPaths& paths) {
  if (const auto dm_name = attribute(node / "dm/name")) return paths.dev + "/mapper/" + *dm_name;
  auto name = node.filename().string();
  std::replace(name.begin(), name.end(), '!', '/');  // "cciss!c0d0" is /dev/cciss/c0d0
  return paths.dev + "/" + name;
}

}  // namespace

std::vector<std::string> candidate_devices(const ScanPaths& paths) {
  std::vector<std::string> found;
  const auto consider = [&](const fs::path& node) {
    if (!is_candidate(node)) return;
    auto path = device_path(node, paths);
    std::error_code failure;
    if (fs::exists(path, failure)) found.push_back(std::move(path));
  };
  for (const auto& disk : entries(fs::path(paths.sysfs) / "block")) {
    consider(disk);
    for (const auto& child : entries(disk))
      if (fs::exists(child / "partition")) consider(child);
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
