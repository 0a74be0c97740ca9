#include "lib/device/devices_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "lib/base/error.h"
#include "lib/device/text_file.h"

namespace cv::device {
namespace {

constexpr std::string_view kVersion = "VERSION=";
constexpr std::string_view kFirstVersion = "VERSION=1.1.1";
constexpr std::string_view kNoPv = ".";

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// The value of "KEY=" among the words of a line.
std::optional<std::string_view> value_in(std::string_view line, std::string_view key) {
  for (const auto word : split(line, ' '))
    if (word.starts_with(key) && word.substr(key.size()).starts_with('=')) return word.substr(key.size() + 1);
  return std::nullopt;
}

std::optional<ListedDevice> parse_line(std::string_view line) {
  if (line.starts_with('#')) return std::nullopt;
  const auto type = value_in(line, "IDTYPE");
  const auto name = value_in(line, "IDNAME");
  if (!type || !name) return std::nullopt;
  ListedDevice device;
  device.id = {.type = std::string(*type), .name = std::string(*name), .part = 0};
  if (const auto part = value_in(line, "PART"))
    std::from_chars(part->data(), part->data() + part->size(), device.id.part);
  if (const auto path = value_in(line, "DEVNAME"); path && path != kNoPv) device.path = std::string(*path);
  if (const auto pv = value_in(line, "PVID"); pv && pv != kNoPv) device.pv_id = std::string(*pv);
  return device;
}

std::string line_of(const ListedDevice& device) {
  auto line =
      fmt::format("IDTYPE={} IDNAME={} DEVNAME={} PVID={}", device.id.type, device.id.name,
                  device.path.empty() ? kNoPv : device.path, device.pv_id.empty() ? kNoPv : device.pv_id);
  if (device.id.part != 0) line += fmt::format(" PART={}", device.id.part);
  return line;
}

std::string next_version(std::string_view line) {
  const auto dot = line.rfind('.');
  if (dot == std::string_view::npos) return std::string(kFirstVersion);
  std::uint32_t number = 0;
  std::from_chars(line.data() + dot + 1, line.data() + line.size(), number);
  return fmt::format("{}.{}", line.substr(0, dot), number + 1);
}

/// What becomes of the lines, one after the other.
class Revision {
 public:
  explicit Revision(const DevicesFileChange& change) : pvs_(change.pvs) {
    for (std::size_t i = 0; i < pvs_.size(); ++i) {
      const auto& one = pvs_[i];
      places_.emplace(one.id, i);
      places_.emplace(DeviceId{.type = std::string(kPathType), .name = one.path, .part = one.id.part}, i);
      elsewhere_.insert(one.pv_id);
    }
    elsewhere_.insert(change.gone_pv_ids.begin(), change.gone_pv_ids.end());
  }

  /// Nothing: the line goes.
  std::optional<ListedDevice> of(ListedDevice there) {
    const auto place = places_.find(there.id);
    if (place != places_.end()) {
      if (!listed_.insert(place->second).second) return std::nullopt;
      return pvs_[place->second];
    }
    if (elsewhere_.contains(there.pv_id)) there.pv_id.clear();
    return there;
  }
  /// Those that no line was about.
  std::vector<ListedDevice> rest() const {
    std::vector<ListedDevice> added;
    for (std::size_t i = 0; i < pvs_.size(); ++i)
      if (!listed_.contains(i)) added.push_back(pvs_[i]);
    return added;
  }

 private:
  const std::vector<ListedDevice>& pvs_;
  std::map<DeviceId, std::size_t> places_;
  std::set<std::string> elsewhere_;
  std::set<std::size_t> listed_;
};

/// Held until it dies. LVM2 never removes this one, so neither do we.
Fd lock_of(const std::string& path, const LockSettings& locks) {
  if (!locks.enabled) return {};
  make_private_directory(locks.directory);
  const auto name = fmt::format("{}/D_{}", locks.directory, std::filesystem::path(path).filename().string());
  Fd lock(::open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!lock || ::flock(lock.get(), locks.wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0)
    throw Error(Errc::locked, "the devices file can't be locked by {}: {}", name, errno_text(errno))
        .advise("try again when other commands are done");
  return lock;
}

}  // namespace

std::vector<ListedDevice> parse_devices_file(std::string_view text) {
  std::vector<ListedDevice> devices;
  for (const auto line : split(text, '\n'))
    if (auto device = parse_line(line)) devices.push_back(std::move(*device));
  return devices;
}

std::string with_change(std::string_view text, const DevicesFileChange& change) {
  Revision revision(change);
  std::string out;
  bool has_version = false;
  bool is_changed = false;
  const auto put = [&](std::string_view line) { out.append(line).push_back('\n'); };
  const auto put_first_version = [&] {
    if (!has_version) put(kFirstVersion);
    has_version = true;
  };
  for (const auto line : split(text, '\n')) {
    if (line.starts_with(kVersion)) {
      if (!has_version) put(next_version(line));
      has_version = true;
      continue;
    }
    const auto device = parse_line(line);
    if (!device) {
      put(line);
      continue;
    }
    put_first_version();
    const auto revised = revision.of(*device);
    if (revised == device) {
      put(line);
      continue;
    }
    is_changed = true;
    if (revised) put(line_of(*revised));
  }
  put_first_version();
  for (const auto& added : revision.rest()) {
    is_changed = true;
    put(line_of(added));
  }
  return is_changed ? out : std::string(text);
}

void change_devices_file(const std::string& path, const LockSettings& locks,
                         const DevicesFileChange& change) {
  const auto lock = lock_of(path, locks);
  const auto text = read_text_file(path).value_or("");
  const auto next = with_change(text, change);
  if (next == text) return;
  const std::filesystem::path file(path);
  PendingFile(file.parent_path().string(), next).replace(file.filename().string());
}

}  // namespace cv::device
