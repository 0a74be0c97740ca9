// A keystore whose key slots are looked at, or changed without ever being without a secret that works.
#pragma once

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

/// Whether the store's bytes must be readable, or are about to be replaced.
enum class StoreState { sound, any };

class KeyChange {
 public:
  /// Reads the store without a lock. Throws Errc::not_found, Errc::no_handler, Errc::unsupported where the
  /// handler's stores have no key slots, Errc::damaged where no copy can be loaded.
  KeyChange(Session& session, const FullVolumeName& name, StoreState state = StoreState::sound);

  /// "VG/STORE".
  const std::string& title() const { return title_; }
  const metadata::FoundGroup& group() const { return found_; }
  const crypt::KeySlots& slots() const { return *slots_; }
  /// The handler's bytes, as the best copy has them; empty where StoreState::any was good enough and none can
  /// be loaded.
  std::span<const std::byte> bytes() const { return bytes_; }

  const crypt::KeyHandler& handler() const { return *handler_; }
  crypt::StoreAttributes attributes() const;

  /// Asks for a secret of the store, whatever is at hand.
  crypt::Unlocked unlock();
  /// The slot that this secret opens in the bytes that are on disk now; nothing where it opens none.
  std::optional<int> slot_of(const crypt::SecureBytes& secret);

  /// Puts `changed` into every copy and commits the group with the store's next generation, under the
  /// group's lock. Throws Errc::refused where the store is not what it was when it was read. bytes() is
  /// `changed` afterwards.
  void write(std::vector<std::byte> changed, std::string_view reason);
  /// The same where `changed` is for another handler: it goes to extents that are free now, and the old
  /// copies are overwritten behind the commit. A power cut leaves the old store or the new one.
  void replace(std::vector<std::byte> changed, const std::string& handler, std::string_view reason);

 private:
  /// The lock, and the store still as it was read. Throws Errc::refused.
  metadata::Transaction begin();
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
