// All that a command may touch. Made of what the host offers and what the command line says; opened as it is
// asked for.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "activate/activator.h"
#include "activate/dm_mapper.h"
#include "activate/key_cache.h"
#include "activate/mapper.h"
#include "activate/unlock.h"
#include "lib/crypt/key_handler.h"
#include "lib/crypt/keyring.h"
#include "metadata/store.h"
#include "tools/arguments.h"
#include "tools/configuration.h"
#include "tools/console.h"
#include "tools/device_choice.h"
#include "tools/output.h"
#include "tools/secret_input.h"

namespace cv::tools {

using Devices = std::vector<std::unique_ptr<device::BlockDevice>>;

/// What a process stands on; a test gives its own.
struct Host {
  Console* console = nullptr;
  Output* output = nullptr;
  std::function<std::unique_ptr<activate::Mapper>(const activate::NodeSettings&)> make_mapper;
  std::function<std::unique_ptr<crypt::Keyring>()> make_keyring;
  std::function<Devices(const Arguments&, const Configuration&)> open_devices = chosen_devices;
  std::string lvm_system_dir = "/etc/lvm";
  std::string lvm_run_dir = "/run/lvm";
  std::string run_dir = "/run/cvm";
  std::string plugin_dir;     ///< of key handlers; empty: there are none
  std::string handlers_conf;  ///< names programs that are key handlers; empty: there are none
  uid_t handler_owner = 0;    ///< who may have put them there, beside root
  std::string command_line;   ///< as it was typed, for the descriptions of archived metadata
};
/// The kernel's device-mapper, or none where there is none; the kernel's keyring; LVM_SYSTEM_DIR. Where key
/// handlers come from is compiled in: nobody who runs the program chooses it.
Host process_host(Console& console, Output& output);

class Session {
 public:
  Session(const Host& host, const Arguments& arguments);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Arguments& arguments() const { return arguments_; }
  const Configuration& configuration() const { return configuration_; }
  Console& console() { return *host_.console; }
  Output& output() { return *host_.output; }

  /// --test: the plan is shown, nothing is changed.
  bool is_test() const;
  /// Asks, unless --yes answers.
  bool confirmed(const std::string& question);
  /// The same where there is no going on without a yes: throws Errc::refused.
  void require_confirmed(const std::string& question);
  /// --driverloaded n: metadata only.
  bool may_use_driver() const;

  /// Opens the devices when it is first asked for.
  metadata::MetadataStore& store();
  /// How the store calls the device that a person named, by any of its names. A name that it does not have
  /// comes back as it is, for the store to say so.
  std::string device_path(const std::string& named);

  activate::Mapper& mapper();
  const crypt::HandlerList& handlers() const { return handlers_; }
  SecretInput& secrets() { return secrets_; }
  activate::KeyCache& keys();
  activate::Activator activator() { return {mapper(), &keys()}; }
  /// Of a group whose PVs are there; with --nocache it takes no key that is at hand. Of copies of a store
  /// that are not as they should be it warns, and notes that they want healing.
  activate::Unlocker unlocker(const metadata::PvDevices& devices);
  /// The names of the stores of that group with copies that an unlocker found to want healing.
  std::vector<std::string> stores_to_heal(const VgId& vg) const;
  /// It has been done, or can't be.
  void forget_healing(const VgId& vg) { to_heal_.erase(vg); }

 private:
  crypt::ExternalHandlers external_handlers();
  std::vector<std::vector<std::byte>> bytes_of_copies(const metadata::VolumeGroup& vg,
                                                      const metadata::PvDevices& devices,
                                                      const metadata::LogicalVolume& store);

  Host host_;
  const Arguments& arguments_;
  Configuration configuration_;
  crypt::HandlerList handlers_;
  SecretInput secrets_;
  std::unique_ptr<metadata::MetadataStore> store_;
  std::unique_ptr<activate::Mapper> mapper_;
  std::unique_ptr<crypt::Keyring> keyring_;
  std::unique_ptr<activate::KeyCache> keys_;
  std::map<VgId, std::set<std::string>> to_heal_;
  std::set<activate::StoreId> looked_at_;  ///< warned of once
};

}  // namespace cv::tools
