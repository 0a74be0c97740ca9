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

/// Null where the handler is not here and need not be.
const crypt::KeyHandler* handler_of(const Session& session, const Keystore& store, StoreState state) {
  if (state == StoreState::raw) return session.handlers().find(store.handler);
  return &session.handlers().at(store.handler);
}

/// Null where there are none and need not be any.
const crypt::KeySlots* slots_of(const crypt::KeyHandler* handler, const Keystore& store, StoreState state,
                                const std::string& title) {
  const crypt::KeySlots* slots = handler == nullptr ? nullptr : handler->key_slots();
  if (slots != nullptr || (state == StoreState::raw && !store.copies.empty())) return slots;
  if (state == StoreState::raw)
    throw Error(Errc::unsupported, "{} is of handler {}, which keeps no bytes", title, store.handler)
        .advise("'cvm vgcfgbackup' saves all that there is of it");
  throw Error(Errc::unsupported, "{} is of handler {}, which has one key and no key slots", title,
              store.handler)
      .advise("only luks1 and luks2 stores have key slots");
}

}  // namespace

KeyChange::KeyChange(Session& session, const FullVolumeName& name, StoreState state)
    : session_(session),
      name_(name.lv),
      title_(name.vg + "/" + name.lv),
      state_(state),
      found_(found_group(session, name.vg)),
      handler_(handler_of(session, keystore_at(found_.vg, name_), state)),
      slots_(slots_of(handler_, keystore_at(found_.vg, name_), state, title_)),
      bytes_(loadable(found_.vg, found_.devices)) {}

crypt::StoreAttributes KeyChange::attributes() const {
  const Keystore& store = keystore_at(found_.vg, name_);
  return {.cipher = store.cipher,
          .key_bits = store.key_bits,
          .hash = store.key_hash.value_or(""),
          .sector_bytes = store.sector_bytes.value_or(512),
          .key_check = store.key_check};
}

const std::string& KeyChange::handler_name() const {
  return keystore_at(found_.vg, name_).handler;
}

SlotNames names_of(const std::vector<crypt::KeySlot>& slots) {
  SlotNames names;
  for (const crypt::KeySlot& slot : slots)
    if (!slot.name.empty()) names.emplace(slot.number, slot.name);
  return names;
}

std::vector<crypt::KeySlot> KeyChange::slot_list() const {
  auto slots = slots_->list(bytes_);
  if (slots_->keeps_names()) return slots;
  for (const NamedSlot& named : keystore_at(found_.vg, name_).slot_names)
    for (crypt::KeySlot& slot : slots)
      if (static_cast<std::uint32_t>(slot.number) == named.slot) slot.name = named.name;
  return slots;
}

VolumeGroup KeyChange::with_names(VolumeGroup vg, const crypt::KeyHandler* handler,
                                  const SlotNames& names) const {
  const crypt::KeySlots* slots = handler == nullptr ? nullptr : handler->key_slots();
  RareList<NamedSlot> kept;
  if (slots != nullptr && !slots->keeps_names())
    for (const auto& [slot, name] : names) kept.push_back({static_cast<std::uint32_t>(slot), name});
  return with_slot_names(std::move(vg), name_, std::move(kept));
}

std::vector<std::byte> KeyChange::loadable(const VolumeGroup& vg, const PvDevices& devices) const {
  std::optional<Error> failure;
  for (StoreCopy& copy : read_copies(vg, devices, lv_at(vg, name_))) {
    try {
      if (copy.bytes.empty()) throw Error(Errc::damaged, "{}", copy.flaw);
      if (slots_ != nullptr)
        static_cast<void>(slots_->list(copy.bytes));
      else if (!copy.intact)
        log::warning("the newest copy of {} that can be read, copy {}, is not as it should be: {}", title_,
                     copy.number, copy.flaw.empty() ? "it has no trailer" : copy.flaw);
      return std::move(copy.bytes);
    } catch (const Error& error) {
      log::warning("copy {} of {} can't be loaded: {}", copy.number, title_, error.what());
      failure = error;
    }
  }
  if (state_ != StoreState::sound) return {};
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

void KeyChange::replace(std::vector<std::byte> changed, const std::string& handler, const SlotNames& names,
                        std::string_view reason) {
  Transaction change = begin();
  const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(), true);
  const Bytes region(changed.size() + kStoreTrailerBytes);
  const auto copies = static_cast<unsigned>(keystore_at(base, name_).copies.size());
  VolumeGroup wanted = replace_bytes(base, name_, handler, region, copies, fresh_ids(), origin_of(session_));
  change.prepare(with_names(std::move(wanted), session_.handlers().find(handler), names), reason);
  const VolumeGroup& next = change.prepared();
  write_new_copies(next, change.devices(), lv_at(next, name_), changed);
  change.commit();
  during(fmt::format("{} has its new bytes, of handler {}, but the old ones are not yet overwritten", title_,
                     handler),
         [&] { finish_erasing(session_, change); });
  found_.vg = change.current();
  bytes_ = std::move(changed);
}

void KeyChange::write(std::vector<std::byte> changed, const SlotNames& names, std::string_view reason) {
  Transaction change = begin();
  const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(), true);
  change.prepare(with_names(with_next_generation(base, name_), handler_, names), reason);
  const VolumeGroup& next = change.prepared();
  // Until the commit the text names the generation before: copies that are newer are what they should be.
  rewrite_copies(next, change.devices(), lv_at(next, name_), changed, slots_->write_order(changed));
  change.commit();
  found_.vg = change.current();
  bytes_ = std::move(changed);
}

}  // namespace cv::tools
