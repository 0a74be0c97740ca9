#include "tools/session.h"

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/store_bytes.h"
#include "tools/common_options.h"
#include "tools/handler_configuration.h"

namespace cv::tools {

namespace {

std::uint32_t count_at(const Configuration& configuration, std::string_view path, std::uint32_t otherwise) {
  const auto number = configuration.integer(path);
  if (!number) return otherwise;
  if (*number >= 0 && *number <= std::numeric_limits<std::uint32_t>::max())
    return static_cast<std::uint32_t>(*number);
  log::warning("{} = {} is out of range: {} is used", path, *number, otherwise);
  return otherwise;
}

metadata::ArchiveSettings archive_settings(const Host& host, const Arguments& arguments,
                                           const Configuration& configuration) {
  metadata::ArchiveSettings settings;
  const auto wanted = arguments.yes_or_no(kAutoBackup);
  settings.archive = wanted.value_or(configuration.flag("backup/archive", true));
  settings.backup = wanted.value_or(configuration.flag("backup/backup", true));
  const auto in_folder = [&](const char* name) { return fmt::format("{}/{}", host.lvm_system_dir, name); };
  settings.archive_dir = configuration.text("backup/archive_dir").value_or(in_folder("archive"));
  settings.backup_dir = configuration.text("backup/backup_dir").value_or(in_folder("backup"));
  settings.retain_min = count_at(configuration, "backup/retain_min", settings.retain_min);
  settings.retain_days = count_at(configuration, "backup/retain_days", settings.retain_days);
  settings.command = host.command_line;
  return settings;
}

metadata::StoreOptions store_options(const Host& host, const Arguments& arguments,
                                     const Configuration& configuration) {
  metadata::StoreOptions options;
  options.locks.directory = configuration.text("global/locking_dir").value_or(options.locks.directory);
  options.locks.enabled = !arguments.has(kNoLocking);
  options.locks.wait = configuration.flag("global/wait_for_locks", true);
  options.host_system_id = host_system_id(configuration);
  options.lvm_run_dir = host.lvm_run_dir;
  options.allow_mixed_block_sizes = configuration.flag("devices/allow_mixed_block_sizes", false);
  options.archive = archive_settings(host, arguments, configuration);
  return options;
}

}  // namespace

Host process_host(Console& console, Output& output) {
  Host host;
  host.console = &console;
  host.output = &output;
  host.make_mapper = [](const activate::NodeSettings& settings) {
    return activate::kernel_has_device_mapper() ? activate::kernel_mapper(settings)
                                                : activate::absent_mapper();
  };
  host.make_keyring = crypt::kernel_keyring;
  host.plugin_dir = CVM_HANDLER_DIR;
  host.handlers_conf = CVM_HANDLERS_CONF;
  const char* folder = std::getenv("LVM_SYSTEM_DIR");
  if (folder != nullptr && *folder != '\0') host.lvm_system_dir = folder;
  while (host.lvm_system_dir.size() > 1 && host.lvm_system_dir.back() == '/') host.lvm_system_dir.pop_back();
  return host;
}

Session::Session(const Host& host, const Arguments& arguments)
    : host_(host),
      arguments_(arguments),
      configuration_(host.lvm_system_dir, arguments.texts(kConfig)),
      handlers_(external_handlers()),
      secrets_(*host.console, secret_settings(arguments)) {}

crypt::ExternalHandlers Session::external_handlers() {
  crypt::ExternalHandlers external;
  external.plugin_dir = host_.plugin_dir;
  external.owner = host_.handler_owner;
  external.command = [this](std::string_view name) {
    return configured_command(host_.handlers_conf, host_.handler_owner, name);
  };
  external.ask = [this](const std::string& prompt) { return secrets_.further(prompt); };
  return external;
}

bool Session::is_test() const {
  return arguments_.has(kTest);
}

bool Session::confirmed(const std::string& question) {
  return tools::confirmed(console(), question, arguments_.has(kYes) ? Assume::yes : Assume::nothing);
}

void Session::require_confirmed(const std::string& question) {
  if (confirmed(question)) return;
  throw Error(Errc::refused, "nothing was done, because the answer was not yes")
      .advise("--yes answers with yes");
}

bool Session::may_use_driver() const {
  return arguments_.yes_or_no(kDriverLoaded).value_or(true);
}

metadata::MetadataStore& Session::store() {
  if (!store_) {
    store_ = std::make_unique<metadata::MetadataStore>(host_.open_devices(arguments_, configuration_),
                                                       store_options(host_, arguments_, configuration_));
  }
  return *store_;
}

std::string Session::device_path(const std::string& named) {
  if (store().find_device(named) != nullptr) return named;
  std::error_code problem;
  const auto canonical = std::filesystem::canonical(named, problem);
  if (problem) return named;
  return store().find_device(canonical.string()) != nullptr ? canonical.string() : named;
}

activate::Mapper& Session::mapper() {
  if (!mapper_) {
    activate::NodeSettings settings;
    settings.dev_dir = configuration_.text("devices/dir").value_or(settings.dev_dir);
    settings.wait_for_udev =
        configuration_.flag("activation/udev_sync", true) && !arguments_.has(kNoUdevSync);
    settings.by_udev = configuration_.flag("activation/udev_rules", true);
    mapper_ = may_use_driver() ? host_.make_mapper(settings) : activate::absent_mapper();
  }
  return *mapper_;
}

activate::KeyCache& Session::keys() {
  if (!keys_) {
    if (configuration_.flag("crypt/use_keyring", true)) keyring_ = host_.make_keyring();
    const bool by_name = keyring_ && activate::can_name_keys(mapper(), *keyring_);
    activate::KeyCache::Settings settings;
    settings.run_dir = host_.run_dir;
    settings.locking = !arguments_.has(kNoLocking);
    keys_ = std::make_unique<activate::KeyCache>(by_name ? keyring_.get() : nullptr, settings);
  }
  return *keys_;
}

activate::Unlocker Session::unlocker(const metadata::PvDevices& devices) {
  const auto copies = [this, devices](const metadata::VolumeGroup& vg, const metadata::LogicalVolume& store) {
    return bytes_of_copies(vg, devices, store);
  };
  activate::Unlocker::Settings settings;
  settings.use_cached = !arguments_.has(kNoCache);
  return {handlers_, copies, secrets_, keys(), mapper(), settings};
}

std::vector<std::vector<std::byte>> Session::bytes_of_copies(const metadata::VolumeGroup& vg,
                                                             const metadata::PvDevices& devices,
                                                             const metadata::LogicalVolume& store) {
  auto copies = metadata::read_copies(vg, devices, store);
  if (looked_at_.insert({vg.id, store.id}).second) {
    if (metadata::is_outdated(store, copies))
      log::warning(
          "every copy of the keystore {}/{} at hand is older than the metadata says: passphrases that were "
          "removed may open it",
          vg.name, store.name);
    for (const unsigned number : metadata::copies_to_heal(store, copies)) {
      log::warning("copy {} of the keystore {}/{} is damaged or old", number, vg.name, store.name);
      to_heal_[vg.id].insert(store.name);
    }
  }
  std::vector<std::vector<std::byte>> all;
  for (auto& copy : copies)
    if (!copy.bytes.empty()) all.push_back(std::move(copy.bytes));
  return all;
}

std::vector<std::string> Session::stores_to_heal(const VgId& vg) const {
  const auto found = to_heal_.find(vg);
  if (found == to_heal_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

}  // namespace cv::tools
