#include "activate/holders.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "activate/mounts.h"

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

/// A loop device is no holder in the kernel's eyes: it has a file open.
std::vector<std::string> loops_on(const fs::path& sys, DeviceNumber device) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(sys / "block", failure)) {
    const auto path = first_line(entry.path() / "loop" / "backing_file");
    if (!path.empty() && is_device(path, device)) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

bool has_open(const fs::path& process, DeviceNumber device) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(process / "fd", failure)) {
    // Files elsewhere are not looked at: to ask for one on a server that has gone takes for ever.
    std::error_code gone;
    const auto path = fs::read_symlink(entry.path(), gone);
    if (!gone && path.native().find("/dev/") != std::string::npos && is_device(entry.path(), device))
      return true;
  }
  return false;
}

/// "NAME (PID)" of each process for which `is_it`; the first few, and how many more there are.
template <class IsIt>
std::string processes(const fs::path& proc, const IsIt& is_it) {
  constexpr std::size_t kNamed = 4;
  std::vector<unsigned long> found;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(proc, failure)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos && is_it(entry.path()))
      found.push_back(std::stoul(name));
  }
  std::ranges::sort(found);
  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min(found.size(), kNamed); ++i)
    named.push_back(fmt::format("{} ({})", first_line(proc / std::to_string(found[i]) / "comm"), found[i]));
  if (found.size() > kNamed) named.push_back(fmt::format("{} more", found.size() - kNamed));
  return fmt::format("{}", fmt::join(named, " and "));
}

}  // namespace

std::string holders_of(DeviceNumber device, const SystemFiles& files) {
  const auto number = to_text(device);
  const fs::path sys(files.sys);
  const fs::path proc(files.proc);
  std::vector<std::string> reasons;
  if (const auto points = mount_points(device, proc / "self" / "mountinfo"); !points.empty()) {
    reasons.push_back(fmt::format("mounted on {}", fmt::join(points, " and ")));
  } else {
    const auto elsewhere = processes(
        proc, [&](const fs::path& process) { return !mount_points(device, process / "mountinfo").empty(); });
    if (!elsewhere.empty()) reasons.push_back("mounted in the mount namespace of " + elsewhere);
  }
  auto above = devices_above(sys / "dev" / "block" / number);
  std::ranges::copy(loops_on(sys, device), std::back_inserter(above));
  if (!above.empty()) reasons.push_back(fmt::format("used by {}", fmt::join(above, " and ")));
  if (is_swap(device, proc / "swaps")) reasons.emplace_back("in use as swap");
  const auto open = processes(proc, [&](const fs::path& process) { return has_open(process, device); });
  if (!open.empty()) reasons.push_back("open in " + open);
  return fmt::format("{}", fmt::join(reasons, ", "));
}

}  // namespace cv::activate
