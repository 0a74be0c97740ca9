#include "activate/mounts.h"

#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace cv::activate {

namespace {

/// The kernel writes blanks, tabs, newlines and backslashes as three octal digits.
std::string unescaped(const std::string& text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// A line of mountinfo, as proc(5) describes it.
struct Mount {
  std::string number;
  std::string point;
  std::string source;
};

Mount read_mount(const std::string& line) {
  Mount mount;
  std::istringstream words(line);
  std::string word;
  words >> word >> word >> mount.number >> word >> mount.point;
  while (words >> word && word != "-") continue;
  words >> word >> mount.source;
  mount.point = unescaped(mount.point);
  mount.source = unescaped(mount.source);
  return mount;
}

}  // namespace

bool is_device(const std::string& path, DeviceNumber device) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
         DeviceNumber{major(status.st_rdev), minor(status.st_rdev)} == device;
}

std::vector<std::string> mount_points(DeviceNumber device, const std::string& mountinfo) {
  std::vector<std::string> points;
  std::ifstream file(mountinfo);
  const auto number = to_text(device);
  for (std::string line; std::getline(file, line);) {
    const auto mount = read_mount(line);
    const bool has_own_number = mount.number.starts_with("0:");
    if (mount.number == number ||
        (has_own_number && mount.source.starts_with("/dev/") && is_device(mount.source, device)))
      points.push_back(mount.point);
  }
  return points;
}

std::optional<std::string> former_source(DeviceNumber device, const std::string& mountinfo) {
  std::ifstream file(mountinfo);
  const auto number = to_text(device);
  for (std::string line; std::getline(file, line);) {
    auto mount = read_mount(line);
    if (mount.number == number && !is_device(mount.source, device)) return std::move(mount.source);
  }
  return std::nullopt;
}

bool is_swap(DeviceNumber device, const std::string& swaps) {
  std::ifstream file(swaps);
  for (std::string line; std::getline(file, line);) {
    const auto path = unescaped(line.substr(0, line.find_first_of(" \t")));
    if (path.starts_with('/') && is_device(path, device)) return true;
  }
  return false;
}

}  // namespace cv::activate
