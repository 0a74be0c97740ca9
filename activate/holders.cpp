#include "activate/holders.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fmt/format.h>

namespace cv::activate {

namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::vector<std::string> devices_above(const fs::path& device) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(device / "holders", failure)) {
    const auto dm_name = first_line(entry.path() / "dm" / "name");
    names.push_back(dm_name.empty() ? entry.path().filename().string() : dm_name);
  }
  std::ranges::sort(names);
  return names;
}

/// mountinfo writes blanks, tabs, newlines and backslashes as three octal digits.
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

std::vector<std::string> mount_points(const std::string& number, const std::string& mountinfo) {
  std::vector<std::string> points;
  std::ifstream file(mountinfo);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    if (words >> id >> parent >> device >> root >> point && device == number)
      points.push_back(unescaped(point));
  }
  return points;
}

bool is_swap(DeviceNumber device, const std::string& swaps) {
  std::ifstream file(swaps);
  for (std::string line; std::getline(file, line);) {
    const auto path = unescaped(line.substr(0, line.find_first_of(" \t")));
    struct stat status {};
    if (path.starts_with('/') && ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
        major(status.st_rdev) == device.major && minor(status.st_rdev) == device.minor)
      return true;
  }
  return false;
}

}  // namespace

std::string holders_of(DeviceNumber device, const std::string& sys_dir, const std::string& mountinfo,
                       const std::string& swaps) {
  const auto number = to_text(device);
  std::vector<std::string> reasons;
  if (const auto points = mount_points(number, mountinfo); !points.empty())
    reasons.push_back(fmt::format("mounted on {}", fmt::join(points, " and ")));
  if (const auto above = devices_above(fs::path(sys_dir) / "dev" / "block" / number); !above.empty())
    reasons.push_back(fmt::format("used by {}", fmt::join(above, " and ")));
  if (is_swap(device, swaps)) reasons.emplace_back("in use as swap");
  return fmt::format("{}", fmt::join(reasons, ", "));
}

}  // namespace cv::activate
