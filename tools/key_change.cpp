#include "tools/key_change.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_store.h"
#include "metadata/store_bytes.h"
#include "tools/group_change.h"

namespace cv::tools {

using namespace metadata;

namespace {

FoundGroup found_group(Session& session, const std::string& vg) {
  const Scan scan = session.store().scan();
  return group_at(scan, vg);
}

const Keystore& keystore_at(const VolumeGroup& vg, const std::string& name) {
  const Keystore* store = keystore_of(lv_at(vg, name));
  if (store == nullptr)
    throw Error(Errc::refused, "{}/{} is no keystore", vg.name, name)
        .advise("`cvs -a {}` lists the keystores, they are called cryptostore1 and on", vg.name);
  if (store->erasing) throw Error(Errc::refused, "the keystore {}/{} is being erased", vg.name, name);
  return *store;
}

const crypt::KeySlots& slots_of(const crypt::KeyHandler& handler, const std::string& title) {
  if (const auto* slots = handler.key_slots()) return *slots;
  throw Error(Errc::unsupported, "{} is of handler {}, which has one key and no key slots", title,
              handler.name())
      .advise("only luks1 and luks2 stores have key slots");
}

}  // namespace

KeyChange::KeyChange(Session& session, const FullVolumeName& name, StoreState state)
    : session_(session),
      name_(name.lv),
      title_(name.vg + "/" + name.lv),
      state_(state),
      found_(found_group(session, name.vg)),
      handler_(&session.handlers().at(keystore_at(found_.vg, name_).handler)),
      slots_(&slots_of(*handler_, title_)),
      bytes_(loadable(found_.vg, found_.devices)) {}

crypt::StoreAttributes KeyChange::attributes() const {
  const Keystore& store = keystore_at(found_.vg, name_);
  return {.cipher = store.cipher,
          .key_bits = store.key_bits,
          .hash = store.key_hash.value_or(""),
          .sector_bytes = store.sector_bytes.value_or(512),
          .key_check = store.key_check};
}

std::vector<std::byte> KeyChange::loadable(const VolumeGroup& vg, const PvDevices& devices) const {
  std::optional<Error> failure;
  for (StoreCopy& copy : read_copies(vg, devices, lv_at(vg, name_))) {
    try {
      if (copy.bytes.empty()) throw Error(Errc::damaged, "{}", copy.flaw);
      static_cast<void>(slots_->list(copy.bytes));
      return std::move(copy.bytes);
    } catch (const Error& error) {
      log::warning("copy {} of {} can't be loaded: {}", copy.number, title_, error.what());
      failure = error;
    }
  }
  if (state_ == StoreState::any) return {};
  if (failure) throw failure->within(title_);
  throw Error(Errc::damaged, "the keystore {} has no copy of its bytes", title_)
      .advise("restore it from a backup");
}

crypt::Unlocked KeyChange::unlock() {
  return session_.unlocker(found_.devices).ask(found_.vg, name_);
}

std::optional<int> KeyChange::slot_of(const crypt::SecureBytes& secret) {
  const auto there = loadable(found_.vg, found_.devices);
  const auto unlocked = handler_->unlock(there, attributes(), secret);
  if (!unlocked) return std::nullopt;
  return unlocked->slot;
}

Transaction KeyChange::begin() {
  Transaction change = begin_change(session_, found_.vg.name);
  require_same_store(found_.vg, change.current(), name_);
  if (loadable(change.current(), change.devices()) != bytes_)
    throw Error(Errc::refused, "the keystore {} was changed meanwhile", title_)
        .advise("run the command again");
  return change;
}

void KeyChange::replace(std::vector<std::byte> changed, const std::string& handler, std::string_view reason) {
  Transaction change = begin();
  const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(), true);
  const Bytes region(changed.size() + kStoreTrailerBytes);
  const auto copies = static_cast<unsigned>(keystore_at(base, name_).copies.size());
  change.prepare(replace_bytes(base, name_, handler, region, copies, fresh_ids(), origin_of(session_)), reason);
  const VolumeGroup& next = change.prepared();
  write_new_copies(next, change.devices(), lv_at(next, name_), changed);
  change.commit();
  during(fmt::format("{} is of handler {} now, but its old bytes are not yet overwritten", title_, handler),
         [&] { finish_erasing(session_, change); });
  found_.vg = change.current();
  bytes_ = std::move(changed);
}

void KeyChange::write(std::vector<std::byte> changed, std::string_view reason) {
  Transaction change = begin();
  const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(), true);
  change.prepare(with_next_generation(base, name_), reason);
  const VolumeGroup& next = change.prepared();
  // Until the commit the text names the generation before: copies that are newer are what they should be.
  rewrite_copies(next, change.devices(), lv_at(next, name_), changed, slots_->write_order(changed));
  change.commit();
  found_.vg = change.current();
  bytes_ = std::move(changed);
}

}  // namespace cv::tools
