#include "tools/device_choice.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/device/device_id.h"
#include "lib/device/devices_file.h"
#include "lib/device/scan.h"
#include "lib/device/text_file.h"
#include "metadata/disk/label.h"
#include "tools/common_options.h"
#include "tools/regex.h"

namespace cv::tools {

namespace {

using device::Access;
using device::BlockDevice;

/// A scan must not open what it only reads for writing: udev would look at each of them again.
class OpenedForWritingOnDemand final : public BlockDevice {
 public:
  explicit OpenedForWritingOnDemand(const std::string& path)
      : BlockDevice(path), reader_(device::open_device(path, Access::read_only)) {}

  Bytes size() const override { return reader_->size(); }
  Bytes block_size() const override { return reader_->block_size(); }
  void read(Bytes at, std::span<std::byte> into) override { (writer_ ? writer_ : reader_)->read(at, into); }
  void write(Bytes at, std::span<const std::byte> from) override { writer().write(at, from); }
  void zero(Bytes at, Bytes length) override { writer().zero(at, length); }
  void flush() override {
    if (writer_) writer_->flush();
  }

 private:
  BlockDevice& writer() {
    if (!writer_) writer_ = device::open_device(path(), Access::read_write);
    return *writer_;
  }

  std::unique_ptr<BlockDevice> reader_;
  std::unique_ptr<BlockDevice> writer_;
};

std::vector<std::string> split(std::string_view list, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = list.find(separator);
    if (!list.substr(0, end).empty()) parts.emplace_back(list.substr(0, end));
    if (end == std::string_view::npos) return parts;
    list.remove_prefix(end + 1);
  }
}

/// The names that LVM2 would know devices by: nodes and links below the folders of devices/scan.
class DeviceNames {
 public:
  explicit DeviceNames(const Configuration& configuration) {
    auto folders = configuration.texts("devices/scan");
    is_restricted_ = !folders.empty();
    if (folders.empty()) folders = {"/dev"};
    for (const auto& folder : folders) add_below(folder);
  }

  /// None: the device is not to be looked at.
  std::vector<std::string> of(const std::string& path) const {
    std::vector<std::string> names;
    if (!is_restricted_) names.push_back(path);
    struct stat info {};
    const auto known = ::stat(path.c_str(), &info) == 0 ? names_.find(info.st_rdev) : names_.end();
    if (known != names_.end()) names.insert(names.end(), known->second.begin(), known->second.end());
    return names;
  }

 private:
  void add_below(const std::string& folder) {
    namespace fs = std::filesystem;
    std::error_code problem;
    fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, problem);
    if (problem) log::warning("devices/scan: {} is passed over: {}", folder, problem.message());
    for (const fs::recursive_directory_iterator end; !problem && entry != end; entry.increment(problem)) {
      struct stat info {};
      if (::stat(entry->path().c_str(), &info) == 0 && S_ISBLK(info.st_mode))
        names_[info.st_rdev].push_back(entry->path().string());
    }
  }

  bool is_restricted_ = false;
  std::map<dev_t, std::vector<std::string>> names_;
};

/// A devices file takes the place of the filters, as with LVM2.
void apply_filters(std::vector<std::string>& paths, const Configuration& configuration, bool is_listed) {
  std::vector<DeviceFilter> filters;
  for (const char* key : {"devices/filter", "devices/global_filter"}) {
    if (is_listed) break;
    const auto patterns = configuration.texts(key);
    DeviceFilter filter = during(key, [&] { return DeviceFilter(patterns); });
    if (!filter.empty()) filters.push_back(std::move(filter));
  }
  if (filters.empty() && configuration.texts("devices/scan").empty()) return;
  const DeviceNames all_names(configuration);
  std::erase_if(paths, [&](const std::string& path) {
    const auto names = all_names.of(path);
    const auto accepts = [&](const DeviceFilter& filter) { return filter.accepts(names); };
    return names.empty() || !std::ranges::all_of(filters, accepts);
  });
}

/// The devices that a devices file lets be looked at; no other one is opened.
class DeviceList {
 public:
  explicit DeviceList(std::string_view text) {
    for (const auto& one : device::parse_devices_file(text)) {
      types_.insert(one.id.type);
      ids_.emplace(one.id, one.pv_id);
      if (one.id.type == device::kPathType && !one.pv_id.empty()) by_pv_.insert(one.pv_id);
    }
  }

  /// Opened where it is listed, else null.
  std::unique_ptr<BlockDevice> open(const std::string& path) const {
    for (const auto& type : types_) {
      const auto name = device::device_id_name(path, type);
      const auto line = name ? ids_.find({type, *name, device::partition_number(path)}) : ids_.end();
      if (line == ids_.end()) continue;
      auto device = std::make_unique<OpenedForWritingOnDemand>(path);
      // Behind a path there may be another disk by now.
      if (type != device::kPathType || line->second.empty()) return device;
      if (const auto pv = pv_on(*device); pv.empty() || pv == line->second) return device;
    }
    if (by_pv_.empty() || device::device_id_of(path).type != device::kPathType) return nullptr;
    auto device = std::make_unique<OpenedForWritingOnDemand>(path);
    return by_pv_.contains(pv_on(*device)) ? std::move(device) : nullptr;
  }

 private:
  static std::string pv_on(BlockDevice& device) {
    const auto found = metadata::disk::read_label(device);
    return found.label ? found.label->id.plain() : std::string();
  }

  std::set<std::string> types_;
  std::map<device::DeviceId, std::string> ids_;  ///< and the PV that is expected there
  std::set<std::string> by_pv_;                  ///< PVs of devices that have no better name than a path
};

/// Commands that make PVs may look at the devices that they name: those become listed then.
bool is_to_be_listed(const std::string& path, const Arguments& arguments) {
  const auto command = arguments.command().name;
  if (command != "pvcreate" && command != "vgcreate" && command != "vgextend") return false;
  return std::ranges::any_of(arguments.operands(), [&](const std::string& named) {
    std::error_code problem;
    return named == path || std::filesystem::canonical(named, problem).string() == path;
  });
}

}  // namespace

DeviceFilter::DeviceFilter(const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) {
    const bool has_kind = pattern.size() >= 3 && (pattern[0] == 'a' || pattern[0] == 'r');
    const auto end = has_kind ? pattern.rfind(pattern[1]) : std::string::npos;
    if (!has_kind || end <= 1) {
      throw Error(Errc::usage, "'{}' is no filter", pattern).advise("write \"a|REGEX|\" or \"r|REGEX|\"");
    }
    rules_.push_back({pattern[0] == 'a', pattern.substr(2, end - 2)});
    found_in(rules_.back().pattern, "");
  }
}

bool DeviceFilter::accepts(const std::vector<std::string>& names) const {
  // As LVM2 has it: a name that is accepted saves the device even where another name is rejected.
  bool rejected = false;
  for (const auto& name : names) {
    const auto rule = std::ranges::find_if(rules_, [&](const Rule& r) { return found_in(r.pattern, name); });
    if (rule == rules_.end()) continue;
    if (rule->accept) return true;
    rejected = true;
  }
  return !rejected;
}

std::optional<std::string> devices_file_in_force(const Arguments& arguments,
                                                 const Configuration& configuration) {
  if (arguments.has(kDevices)) return std::nullopt;
  const auto path_of = [&](const std::string& name) {
    return fmt::format("{}/devices/{}", configuration.folder(), name);
  };
  if (const auto name = arguments.text(kDevicesFile)) {
    if (name->empty()) return std::nullopt;
    if (name->find('/') != std::string::npos) {
      throw Error(Errc::usage, "--devicesfile '{}' is no name of a file", *name)
          .advise("give the name of a file in {}/devices", configuration.folder());
    }
    return path_of(*name);
  }
  if (!configuration.flag("devices/use_devicesfile", false)) return std::nullopt;
  auto path = path_of(configuration.text("devices/devicesfile").value_or("system.devices"));
  return device::read_text_file(path) ? std::optional(std::move(path)) : std::nullopt;
}

std::vector<std::unique_ptr<BlockDevice>> chosen_devices(const Arguments& arguments,
                                                         const Configuration& configuration) {
  std::vector<std::unique_ptr<BlockDevice>> devices;
  if (arguments.has(kDevices)) {
    std::vector<std::string> named;
    for (const auto& list : arguments.texts(kDevices)) {
      for (auto& path : split(list, ',')) named.push_back(std::move(path));
    }
    for (const auto& path : device::listed_devices(named)) {
      devices.push_back(std::make_unique<OpenedForWritingOnDemand>(path));
    }
    return devices;
  }

  std::optional<DeviceList> listed;
  if (const auto path = devices_file_in_force(arguments, configuration)) {
    const auto text = device::read_text_file(*path);
    if (!text)
      throw Error(Errc::not_found, "there is no devices file {}", *path)
          .advise("name one that exists; an empty file is filled by pvcreate");
    listed.emplace(*text);
  }
  auto paths = device::candidate_devices();
  apply_filters(paths, configuration, listed.has_value());
  for (const auto& path : paths) {
    try {
      auto candidate = listed ? listed->open(path) : std::make_unique<OpenedForWritingOnDemand>(path);
      if (!candidate && is_to_be_listed(path, arguments))
        candidate = std::make_unique<OpenedForWritingOnDemand>(path);
      if (candidate) devices.push_back(std::move(candidate));
    } catch (const Error& error) {
      log::warning("{} is passed over: {}", path, error.what());
    }
  }
  return devices;
}

}  // namespace cv::tools
