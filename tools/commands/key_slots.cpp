// cvkey list, add, change, remove, test.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tools/commands/key_actions.h"
#include "tools/common_options.h"
#include "tools/key_change.h"
#include "tools/store_request.h"

namespace cv::tools::commands {

using namespace metadata;
using crypt::KeySlot;

namespace {

constexpr std::uint64_t kMostSlots = 31;

std::optional<int> slot_number(const Arguments& arguments) {
  const auto number = arguments.number(kKeySlot, kMostSlots);
  if (!number) return std::nullopt;
  return static_cast<int>(*number);
}

void require_two_sources(const Arguments& arguments) {
  if (arguments.text(kKeyFile) == "-" && arguments.text(kNewKeyFile) == "-")
    throw Error(Errc::usage, "standard input can't be both the old and the new key file");
}

crypt::SecureBytes new_secret(Session& session, const FullVolumeName& name, const KeyChange& store) {
  SecretInput input(session.console(), new_secret_settings(session.arguments()));
  activate::SecretRequest who;
  who.vg = name.vg;
  who.store = name.lv;
  who.handler = keystore_of(lv_at(store.group().vg, name.lv))->handler;
  return input.fresh(who);
}

/// What was imported keeps its header in the volume until it is wiped; what is removed here opens it still.
void warn_of_old_headers(const KeyChange& store, const std::string& name) {
  const VolumeGroup& vg = store.group().vg;
  for (const LogicalVolume* user : users_of(vg, name)) {
    const Crypt* crypt = crypt_of(*user);
    if (crypt == nullptr || !crypt->old_header) continue;
    log::warning(
        "the LUKS header that {}/{} was imported with is still in it, and opens with the secrets of then; "
        "'cvconvert --wipe-old-header {}/{}' overwrites it",
        vg.name, user->name, vg.name, user->name);
  }
}

const KeySlot& slot_at(const std::vector<KeySlot>& slots, int number, const KeyChange& store) {
  const auto found = std::ranges::find(slots, number, &KeySlot::number);
  if (found == slots.end())
    throw Error(Errc::not_found, "key slot {} of {} is not in use", number, store.title())
        .advise("'cvkey list {}' shows those that are", store.title());
  return *found;
}

/// One more slot, on disk, and opened from there.
int put_slot(KeyChange& store, const crypt::SecureBytes& key, const crypt::SecureBytes& secret,
             const crypt::NewSlot& wanted) {
  auto names = names_of(store.slot_list());
  auto added = during(store.title(), [&] { return store.slots().add(store.bytes(), key, secret, wanted); });
  if (!wanted.name.empty()) names[added.number] = wanted.name;
  store.write(std::move(added.bytes), names,
              fmt::format("added key slot {} of {}", added.number, store.title()));
  if (store.slot_of(secret) != added.number)
    throw Error(Errc::io, "key slot {} of {} was written, and does not open from the disk", added.number,
                store.title())
        .advise("the secrets that opened the store before do so still; look at the disk");
  return added.number;
}

/// A new slot hashes as the others do, unless it is said otherwise.
crypt::KdfOptions derivation(const Arguments& arguments, const KeyChange& store) {
  auto options = kdf_options(arguments);
  if (options.hash.empty()) options.hash = store.attributes().hash;
  return options;
}

void take_slot(KeyChange& store, int number) {
  auto names = names_of(store.slot_list());
  names.erase(number);
  store.write(store.slots().remove(store.bytes(), number), names,
              fmt::format("removed key slot {} of {}", number, store.title()));
}

const report::Field kSlotFields[] = {
    {"key_slot", "Slot", report::About::lv, report::Type::number, "", nullptr},
    {"key_slot_name", "Name", report::About::lv, report::Type::text, "", nullptr},
    {"opens", "Opens", report::About::lv, report::Type::text, "", nullptr},
    {"kdf", "KDF", report::About::lv, report::Type::text, "", nullptr},
    {"kdf_hash", "Hash", report::About::lv, report::Type::text, "", nullptr},
    {"kdf_iterations", "Iterations", report::About::lv, report::Type::number, "", nullptr},
    {"kdf_memory", "Memory", report::About::lv, report::Type::size, "", nullptr},
    {"kdf_threads", "Threads", report::About::lv, report::Type::number, "", nullptr},
};

std::vector<report::Cell> cells_of(const KeySlot& slot) {
  const auto unless_zero = [](std::uint64_t n) { return n == 0 ? report::Cell() : report::Cell(n); };
  return {std::uint64_t(static_cast<unsigned>(slot.number)),
          slot.name,
          std::string(slot.opens_store ? "store" : "another key"),
          slot.kdf,
          slot.hash,
          unless_zero(slot.iterations),
          slot.memory_kib == 0 ? report::Cell() : report::Cell(Bytes(std::uint64_t{slot.memory_kib} * 1024)),
          unless_zero(slot.parallel)};
}

}  // namespace

void list_slots(Session& session, const Arguments&, const FullVolumeName& name) {
  const KeyChange store(session, name);
  report::Table table{.name = "key_slot", .fields = {}, .rows = {}};
  for (const report::Field& field : kSlotFields) table.fields.push_back(&field);
  for (const KeySlot& slot : store.slot_list()) table.rows.push_back(cells_of(slot));
  session.output().report(table, {});
}

void add_slot(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  require_two_sources(arguments);
  KeyChange store(session, name);
  require_changeable(store.group());
  crypt::NewSlot wanted{.kdf = derivation(arguments, store),
                        .number = slot_number(arguments),
                        .name = arguments.text(kSlotName).value_or("")};
  if (session.is_test()) {
    session.output().text(fmt::format("  would add a key slot to {}\n", store.title()));
    return;
  }
  const crypt::Unlocked there = store.unlock();
  const int slot = put_slot(store, there.key, new_secret(session, name, store), wanted);
  log::notice("Key slot {} of {} added.", slot, store.title());
}

void change_slot(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  require_two_sources(arguments);
  KeyChange store(session, name);
  require_changeable(store.group());
  if (session.is_test()) {
    session.output().text(fmt::format("  would change a secret of {}\n", store.title()));
    return;
  }
  const crypt::Unlocked there = store.unlock();
  crypt::NewSlot wanted{.kdf = derivation(arguments, store), .number = {}, .name = {}};
  wanted.name = arguments.text(kSlotName).value_or(slot_at(store.slot_list(), there.slot, store).name);
  const int slot = put_slot(store, there.key, new_secret(session, name, store), wanted);
  during(fmt::format("the new secret is in key slot {} of {}, and the old one still in slot {}", slot,
                     store.title(), there.slot),
         [&] { take_slot(store, there.slot); });
  log::notice("Secret of {} changed, it is in key slot {} now.", store.title(), slot);
  warn_of_old_headers(store, name.lv);
}

void remove_slot(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  KeyChange store(session, name);
  require_changeable(store.group());
  const auto slots = store.slot_list();
  const auto wanted = slot_number(arguments);
  if (wanted) slot_at(slots, *wanted, store);
  const bool forced = arguments.has(kForce);
  if (session.is_test()) {
    session.output().text(fmt::format("  would remove a key slot of {}\n", store.title()));
    return;
  }
  int slot = wanted.value_or(-1);
  const bool opens = !wanted || slot_at(slots, slot, store).opens_store;
  const bool is_last = opens && std::ranges::count_if(slots, &KeySlot::opens_store) == 1;
  if (is_last && !forced)
    throw Error(Errc::refused, "this is the last key slot of {}: without it nothing opens the volumes",
                store.title())
        .advise("add another secret first, or use --force if that is what is wanted");
  if (!wanted) {
    slot = store.unlock().slot;
  } else if (!is_last && store.unlock().slot == slot && !forced) {
    throw Error(Errc::refused, "the secret that was given is the one in key slot {} itself", slot)
        .advise("give one that stays, leave --key-slot away, or use --force");
  }
  if (is_last)
    session.require_confirmed(
        fmt::format("Do you really want to remove the last key slot of {}? Nothing will open its volumes",
                    store.title()));
  take_slot(store, slot);
  log::notice("Key slot {} of {} removed.", slot, store.title());
  warn_of_old_headers(store, name.lv);
}

void convert_store(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  KeyChange store(session, name);
  require_changeable(store.group());
  const std::string_view now = store.handler().name();
  const std::string wanted = arguments.text(kHandler).value_or(now == "luks1" ? "luks2" : "luks1");
  if (wanted == now)
    throw Error(Errc::usage, "{} is of handler {} already", store.title(), now)
        .advise("leave --handler away for the other one");
  const auto& handler = session.handlers().at(wanted);
  auto converted = during(store.title(), [&] { return store.slots().convert(store.bytes(), wanted); });
  if (session.is_test()) {
    session.output().text(fmt::format("  would convert {} from {} to {}\n", store.title(), now, wanted));
    return;
  }
  const SlotNames names = names_of(store.slot_list());
  const crypt::KeySlots* slots = handler.key_slots();
  if (slots != nullptr && slots->keeps_names())
    for (const auto& named : names) converted = slots->named(converted, named.first, named.second);
  const crypt::Unlocked there = store.unlock();
  if (handler.verify(converted, store.attributes(), there.key) != true)
    throw Error(Errc::unsupported, "the key of {} is not in what libcryptsetup made of it", store.title())
        .advise("nothing was changed; please report this");
  store.replace(std::move(converted), wanted, names,
                fmt::format("converted {} to {}", store.title(), wanted));
  log::notice("{} is of handler {} now. Make a new backup of it.", store.title(), wanted);
}

void test_secret(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  KeyChange store(session, name);
  const int slot = store.unlock().slot;
  if (const auto wanted = slot_number(arguments); wanted && *wanted != slot)
    throw Error(Errc::key_wrong, "the secret opens key slot {} of {}, not {}", slot, store.title(), *wanted);
  log::notice("The secret opens key slot {} of {}.", slot, store.title());
}

}  // namespace cv::tools::commands
