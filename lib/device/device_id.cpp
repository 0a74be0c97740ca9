#include "lib/device/device_id.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/device/text_file.h"

namespace cv::device {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDmTypes[][2] = {
    {"mpath_uuid", "mpath-"}, {"crypt_uuid", "CRYPT-"}, {"lvmlv_uuid", "LVM-"}};

/// The first line of a sysfs attribute without blanks around it; empty where there is none.
std::string attribute(const fs::path& path) {
  try {
    auto text = read_text_file(path.string()).value_or("");
    text.erase(std::min(text.find('\n'), text.size()));
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.pop_back();
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    return text;
  } catch (const Error&) {
    return {};  // some attributes exist and can't be read
  }
}

/// As it stands in the file: one word of printable characters.
std::string one_word(std::string text) {
  for (char& c : text)
    if (c <= ' ' || c > '~') c = '_';
  return text;
}

/// The device's folder in sysfs; empty where it is no block device.
fs::path node_of(const std::string& path, const std::string& sysfs) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISBLK(info.st_mode)) return {};
  std::error_code failure;
  auto node = fs::canonical(
      fmt::format("{}/dev/block/{}:{}", sysfs, major(info.st_rdev), minor(info.st_rdev)), failure);
  return failure ? fs::path() : node;
}

fs::path whole_device(const fs::path& node) {
  return fs::exists(node / "partition") ? node.parent_path() : node;
}

/// Emulated disks all say the same.
bool is_telling(const std::string& wwid) {
  return !wwid.empty() && wwid.find("QEMU HARDDISK") == std::string::npos &&
         wwid.find("scsi_debug") == std::string::npos;
}

std::string wwid_of(const fs::path& disk) {
  for (const char* place : {"device/wwid", "wwid"})
    if (const auto wwid = attribute(disk / place); is_telling(wwid)) return one_word(wwid);
  return {};
}

std::string serial_of(const fs::path& disk) {
  for (const char* place : {"device/serial", "serial"})
    if (const auto serial = attribute(disk / place); !serial.empty()) return one_word(serial);
  return {};
}

std::string name_in(const fs::path& node, const std::string& path, std::string_view type) {
  if (type == kPathType) return path;
  const auto disk = whole_device(node);
  if (type == "sys_wwid") return wwid_of(disk);
  if (type == "sys_serial") return serial_of(disk);
  // As with LVM2, partitions of these two have no other name than their path.
  if (type == "loop_file") return one_word(attribute(node / "loop/backing_file"));
  if (type == "md_uuid") return one_word(attribute(node / "md/uuid"));
  for (const auto& [dm_type, prefix] : kDmTypes) {
    if (type != dm_type) continue;
    const auto uuid = attribute(disk / "dm/uuid");
    return uuid.starts_with(prefix) ? one_word(uuid) : std::string();
  }
  return {};
}

}  // namespace

std::optional<std::string> device_id_name(const std::string& path, std::string_view type,
                                          const std::string& sysfs) {
  const auto node = node_of(path, sysfs);
  if (node.empty()) return type == kPathType ? std::optional(path) : std::nullopt;
  auto name = name_in(node, path, type);
  return name.empty() ? std::nullopt : std::optional(std::move(name));
}

DeviceId device_id_of(const std::string& path, const std::string& sysfs) {
  for (const std::string_view type :
       {"mpath_uuid", "crypt_uuid", "lvmlv_uuid", "md_uuid", "loop_file", "sys_wwid", "sys_serial"}) {
    if (auto name = device_id_name(path, type, sysfs))
      return {.type = std::string(type), .name = std::move(*name), .part = partition_number(path, sysfs)};
  }
  return {.type = std::string(kPathType), .name = path, .part = partition_number(path, sysfs)};
}

unsigned partition_number(const std::string& path, const std::string& sysfs) {
  const auto node = node_of(path, sysfs);
  const auto text = node.empty() ? std::string() : attribute(node / "partition");
  unsigned number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace cv::device
