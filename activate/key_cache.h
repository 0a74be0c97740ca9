// Master keys at hand: in this process, and in the kernel's keyring as long as a volume of their store is
// active.
//
// A key goes into the keyring with a limit and loses the limit when the first volume is resumed, so that a
// crash between the two leaves nothing behind. From then on it lives until the last volume of its store is
// deactivated. Once it is in the keyring this process wipes its own copy.
#pragma once

#include <chrono>
#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "activate/dm_table.h"
#include "lib/base/id.h"
#include "lib/crypt/keyring.h"
#include "lib/crypt/secret.h"
#include "lib/device/lock_file.h"

namespace cv::activate {

class Mapper;

struct StoreId {
  VgId vg;
  LvId store;
  friend bool operator==(const StoreId&, const StoreId&) = default;
  friend auto operator<=>(const StoreId&, const StoreId&) = default;
};

/// "cv:" and both ids without hyphens: LV ids are unique only within a group.
std::string key_description(const StoreId& id);

/// Whether tables can name keys: the keyring works and dm-crypt is 1.18.1 or newer.
bool can_name_keys(Mapper& mapper, crypt::Keyring& keyring);

using SharedKey = std::shared_ptr<const crypt::SecureBytes>;

class KeyCache {
 public:
  struct Settings {
    std::string run_dir = "/run/cvm";
    std::chrono::seconds limit{150};
    bool locking = true;
  };

  /// Without a keyring keys are kept in this process only, and tables hold them in hex.
  explicit KeyCache(crypt::Keyring* keyring);
  KeyCache(crypt::Keyring* keyring, Settings settings);
  /// Keys that were added for volumes which never came up go.
  ~KeyCache();
  KeyCache(const KeyCache&) = delete;
  KeyCache& operator=(const KeyCache&) = delete;

  bool uses_keyring() const { return keyring_ != nullptr; }

  /// Held around "search, else unlock": of several commands that start at once one asks for the secret.
  [[nodiscard]] device::LockFile lock(const StoreId& id) const;

  /// The key, where this process has it; else null.
  SharedKey in_process(const StoreId& id) const;
  /// Whether the keyring has a key that counts: one whose store has a live volume, or one that still waits
  /// for its first. What stock LVM2 left behind when it closed the volumes does not count.
  bool in_keyring(const StoreId& id, bool store_is_live);

  void put(const StoreId& id, SharedKey key);
  /// No table will be loaded that needs one: what this process has goes. The keyring keeps what it has.
  void wipe() noexcept { keys_.clear(); }
  /// How a table is to name the key. Puts it into the keyring first where it is only in this process; the
  /// limit is not needed where a volume of the store is live already. Throws Errc::key_missing where the key
  /// is nowhere.
  TableKey table_key(const StoreId& id, std::uint32_t key_size, bool store_is_live);

  /// Makes the key ready for volumes that are brought up before `limit` has passed, by whichever command.
  /// Throws Errc::unsupported where there is no keyring to keep it in.
  void load_ahead(const StoreId& id, const crypt::SecureBytes& key, std::chrono::seconds limit);

  /// A volume of the store is up: the key stays.
  void hold(const StoreId& id);
  /// No volume of the store is up any more, or the person asked for it: the key goes, everywhere.
  void forget(const StoreId& id);

 private:
  std::string waiting_file(const StoreId& id) const;
  bool is_waiting(const StoreId& id) const;
  void set_waiting(const StoreId& id) const;
  void clear_waiting(const StoreId& id) const noexcept;

  crypt::Keyring* keyring_;
  Settings settings_;
  std::map<StoreId, SharedKey> keys_;
  std::set<StoreId> added_;  ///< by this process, no volume is up yet
};

}  // namespace cv::activate
