// A keystore whose key slots are looked at, or changed without ever being without a secret that works.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/crypt/key_slots.h"
#include "metadata/store.h"
#include "tools/session.h"
#include "tools/volume_name.h"

namespace cv::tools {

/// What is asked of a store.
enum class StoreState {
  sound,  ///< bytes that its handler can load, with key slots
  raw     ///< bytes, whoever understands them: its handler need not be here
};

/// What slots are called, by number; those without a name are not there.
using SlotNames = std::map<int, std::string>;
SlotNames names_of(const std::vector<crypt::KeySlot>& slots);

class KeyChange {
 public:
  /// Reads the store without a lock. Throws Errc::not_found, Errc::no_handler, Errc::unsupported where the
  /// handler's stores have no key slots or, with StoreState::raw, no bytes, Errc::damaged where no copy can
  /// be loaded.
  KeyChange(Session& session, const FullVolumeName& name, StoreState state = StoreState::sound);

  /// "VG/STORE".
  const std::string& title() const { return title_; }
  const metadata::FoundGroup& group() const { return found_; }
  /// False with StoreState::raw alone.
  bool has_slots() const { return slots_ != nullptr; }
  const crypt::KeySlots& slots() const { return *slots_; }
  /// Those in use with their names, wherever these are kept.
  std::vector<crypt::KeySlot> slot_list() const;
  /// The handler's bytes, as the best copy has them; empty where StoreState::raw was good enough and none
  /// can be loaded. Without key slots nobody can tell, and they are those of the newest copy.
  std::span<const std::byte> bytes() const { return bytes_; }

  /// Null with StoreState::raw alone.
  const crypt::KeyHandler* handler_or_null() const { return handler_; }
  const crypt::KeyHandler& handler() const { return *handler_; }
  /// The handler's name in the metadata.
  const std::string& handler_name() const;
  crypt::StoreAttributes attributes() const;

  /// Asks for a secret of the store, whatever is at hand.
  crypt::Unlocked unlock();
  /// The slot that this secret opens in the bytes that are on disk now; nothing where it opens none.
  std::optional<int> slot_of(const crypt::SecureBytes& secret);

  /// Puts `changed` into every copy and commits the group with the store's next generation, under the
  /// group's lock. Throws Errc::refused where the store is not what it was when it was read. bytes() is
  /// `changed` afterwards. `names` are those of all slots; the metadata has them where the store does not.
  void write(std::vector<std::byte> changed, const SlotNames& names, std::string_view reason);
  /// The same where `changed` is for another handler, or has little to do with what is there: it goes to
  /// extents that are free now, and the old copies are overwritten behind the commit. A power cut leaves the
  /// old store or the new one. Throws Errc::no_space, with nothing changed.
  void replace(std::vector<std::byte> changed, const std::string& handler, const SlotNames& names,
               std::string_view reason);

 private:
  /// The lock, and the store still as it was read. Throws Errc::refused.
  metadata::Transaction begin();
  /// `vg` with the names that belong into the metadata of a store of this handler.
  metadata::VolumeGroup with_names(metadata::VolumeGroup vg, const crypt::KeyHandler* handler,
                                   const SlotNames& names) const;
  /// The best copy that can be loaded; warns of those that can't.
  std::vector<std::byte> loadable(const metadata::VolumeGroup& vg, const metadata::PvDevices& devices) const;

  Session& session_;
  std::string name_;
  std::string title_;
  StoreState state_;
  metadata::FoundGroup found_;
  const crypt::KeyHandler* handler_;
  const crypt::KeySlots* slots_;
  std::vector<std::byte> bytes_;
};

}  // namespace cv::tools
