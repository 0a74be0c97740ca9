#include "tools/device_choice.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "lib/base/error.h"
#include "lib/base/log.h"
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
  void write(Bytes at, std::span<const std::byte> from) override {
    if (!writer_) writer_ = device::open_device(path(), Access::read_write);
    writer_->write(at, from);
  }
  void flush() override {
    if (writer_) writer_->flush();
  }

 private:
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

/// Every link to a device below these folders, by the device.
std::map<std::string, std::vector<std::string>> aliases() {
  namespace fs = std::filesystem;
  std::map<std::string, std::vector<std::string>> names;
  for (const char* folder : {"/dev/disk", "/dev/mapper"}) {
    std::error_code problem;
    for (fs::recursive_directory_iterator entry(folder, problem), end; !problem && entry != end;
         entry.increment(problem)) {
      if (!entry->is_symlink(problem)) continue;
      const auto target = fs::canonical(entry->path(), problem);
      if (!problem) names[target.string()].push_back(entry->path().string());
      problem.clear();
    }
  }
  return names;
}

void apply_filters(std::vector<std::string>& paths, const Configuration& configuration) {
  std::vector<DeviceFilter> filters;
  for (const char* key : {"devices/filter", "devices/global_filter"}) {
    DeviceFilter filter = during(key, [&] { return DeviceFilter(configuration.texts(key)); });
    if (!filter.empty()) filters.push_back(std::move(filter));
  }
  if (filters.empty()) return;
  const auto other_names = aliases();
  std::erase_if(paths, [&](const std::string& path) {
    std::vector<std::string> names{path};
    const auto more = other_names.find(path);
    if (more != other_names.end()) names.insert(names.end(), more->second.begin(), more->second.end());
    return !std::ranges::all_of(filters, [&](const DeviceFilter& filter) { return filter.accepts(names); });
  });
}

/// A device counts as listed by its name or by the PV that it holds: names change from boot to boot.
bool is_listed(BlockDevice& candidate, const ListedDevices& listed) {
  if (std::ranges::find(listed.paths, candidate.path()) != listed.paths.end()) return true;
  const auto found = metadata::disk::read_label(candidate);
  return found.label && std::ranges::find(listed.pv_ids, found.label->id.plain()) != listed.pv_ids.end();
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

ListedDevices parse_devices_file(std::string_view text) {
  ListedDevices listed;
  for (const auto& line : split(text, '\n')) {
    if (line.front() == '#') continue;
    for (const auto& word : split(line, ' ')) {
      constexpr std::string_view kDeviceName = "DEVNAME=";
      constexpr std::string_view kPvId = "PVID=";
      if (word.starts_with(kDeviceName)) listed.paths.push_back(word.substr(kDeviceName.size()));
      if (word.starts_with(kPvId)) listed.pv_ids.push_back(word.substr(kPvId.size()));
    }
  }
  return listed;
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

  std::optional<ListedDevices> listed;
  if (const auto path = devices_file_in_force(arguments, configuration)) {
    const auto text = device::read_text_file(*path);
    if (!text) throw Error(Errc::not_found, "there is no devices file {}", *path);
    listed = parse_devices_file(*text);
  }
  auto paths = device::candidate_devices();
  if (!listed) apply_filters(paths, configuration);
  for (const auto& path : paths) {
    try {
      auto candidate = std::make_unique<OpenedForWritingOnDemand>(path);
      if (!listed || is_listed(*candidate, *listed)) devices.push_back(std::move(candidate));
    } catch (const Error& error) {
      log::warning("{} is passed over: {}", path, error.what());
    }
  }
  return devices;
}

}  // namespace cv::tools
