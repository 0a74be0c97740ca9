// cvkey backup, restore, erase, load, forget.
#include <algorithm>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"
#include "lib/crypt/key_file.h"
#include "metadata/edit_store.h"
#include "metadata/store_bytes.h"
#include "tools/commands/key_actions.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/key_change.h"

namespace cv::tools::commands {

using namespace metadata;
using crypt::KeySlot;

namespace {

std::string file_named(const Arguments& arguments) {
  if (const auto file = arguments.text(kFile)) return *file;
  throw Error(Errc::usage, "no file was named").advise("name it with --file");
}

/// A new file that nobody else can read, on disk when this returns.
void write_new_file(const std::string& path, std::span<const std::byte> bytes) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file)
    throw Error(Errc::io, "{} can't be made: {}", path, errno_text(errno))
        .advise("name a file that does not exist yet, in a folder that does");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int why = errno;
      ::unlink(path.c_str());
      throw Error(Errc::io, "{} can't be written: {}", path, errno_text(why));
    }
    done += static_cast<std::size_t>(written);
  }
  if (::fsync(file.get()) != 0) throw Error(Errc::io, "{} may not be on disk: {}", path, errno_text(errno));
}

std::vector<std::string> names_of_users(const VolumeGroup& vg, const std::string& store) {
  std::vector<std::string> names;
  for (const LogicalVolume* user : users_of(vg, store)) names.push_back(user->name);
  return names;
}

/// A backup may be larger than a key file: as large as a LUKS header can be.
std::vector<std::byte> read_backup(const std::string& path) {
  constexpr std::uintmax_t kLargest = std::uintmax_t{256} << 20;
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  const bool is_known = !failure && size <= kLargest;
  const auto read =
      crypt::read_key_file(path, Bytes(0), is_known ? std::optional(Bytes(size)) : std::nullopt);
  // A plugin reads it in a process of its own, which gets no secrets.
  return {read.bytes().begin(), read.bytes().end()};
}

/// Slots that `backup` has and the store has not, or not any more.
std::vector<std::string> slots_that_return(const KeyChange& store, std::span<const std::byte> backup) {
  const auto now = store.bytes().empty() ? std::vector<KeySlot>() : store.slot_list();
  std::vector<std::string> numbers;
  for (const KeySlot& slot : store.slots().list(backup)) {
    const bool is_there = std::ranges::find(now, slot.number, &KeySlot::number) != now.end() &&
                          store.slots().is_same_slot(store.bytes(), backup, slot.number);
    if (!is_there)
      numbers.push_back(fmt::format("{}{}{}", slot.number, slot.name.empty() ? "" : " ", slot.name));
  }
  return numbers;
}

/// The names of slots after a restore: what the metadata calls a slot holds for that very slot.
SlotNames names_after(const KeyChange& store, std::span<const std::byte> backup) {
  SlotNames names;
  if (!store.has_slots() || store.bytes().empty()) return names;
  for (const auto& [slot, name] : names_of(store.slot_list()))
    if (store.slots().is_same_slot(store.bytes(), backup, slot)) names.emplace(slot, name);
  return names;
}

/// The key that the backup gives for a secret that is asked for.
crypt::SecureBytes key_in_backup(Session& session, const KeyChange& store, const FullVolumeName& name,
                                 std::span<const std::byte> backup) {
  activate::SecretRequest who;
  who.vg = name.vg;
  who.store = name.lv;
  who.handler = store.handler_name();
  who.attributes = store.attributes();
  const bool asks = store.handler().needs_secret();
  const auto secret = asks ? session.secrets().next(who) : crypt::SecureBytes();
  auto unlocked = secret ? store.handler().unlock(backup, who.attributes, *secret) : std::nullopt;
  if (unlocked) return std::move(unlocked->key);
  throw Error(Errc::key_wrong, "the secret does not open the backup")
      .advise("{}", session.secrets().advice_when_wrong());
}

/// Throws unless the backup holds the master key of the store, as far as that can be told.
void require_same_key(Session& session, const KeyChange& store, const FullVolumeName& name,
                      std::span<const std::byte> backup) {
  const bool can_compare = !store.bytes().empty();
  if (can_compare && store.slots().key_digest(backup) == store.slots().key_digest(store.bytes())) return;
  const auto key = key_in_backup(session, store, name, backup);
  if (can_compare && store.handler().verify(store.bytes(), store.attributes(), key) == false)
    throw Error(Errc::refused, "the backup holds another key than {}, and would not open its volumes",
                store.title())
        .advise("look for a backup of this store");
  if (!can_compare)
    log::warning(
        "nothing of {} is left to compare with: whether the backup is its own shows when a volume is "
        "opened",
        store.title());
}

/// Nothing where that can't be told, also where there is nothing sound to compare with.
std::optional<bool> is_key_of(const KeyChange& store, const crypt::SecureBytes& key) {
  try {
    return store.handler().verify(store.bytes(), store.attributes(), key);
  } catch (const Error& error) {
    log::verbose("the key can't be compared with that of {}: {}", store.title(), error.what());
    return std::nullopt;
  }
}

/// The same for a store without key slots: what opens it only its handler knows, if it is here. --force goes
/// without.
void require_opening(Session& session, const KeyChange& store, const FullVolumeName& name,
                     std::span<const std::byte> backup) {
  const bool is_here = store.handler_or_null() != nullptr;
  if (is_here) {
    const auto key = key_in_backup(session, store, name, backup);
    // A key_check has let it pass by now.
    const auto verdict = store.attributes().key_check ? std::optional(true) : is_key_of(store, key);
    if (verdict == true) return;
    if (verdict == false)
      throw Error(Errc::refused, "the backup holds another key than {}", store.title())
          .advise("look for a backup of this store, or use --force if what the store holds is damaged");
  }
  throw Error(Errc::refused, "whether these bytes open {} can't be verified: {}", store.title(),
              is_here ? "there is nothing to compare their key with"
                      : fmt::format("its handler {} is not installed here", store.handler_name()))
      .advise("use --force if they are a backup of this store{}", is_here ? "" : ", or install the handler");
}

/// Key material and what describes it change at once, so they go where nobody reads them yet. Only what can't
/// be loaded is written over.
void put_back(KeyChange& store, std::span<const std::byte> backup, bool forced) {
  const SlotNames names = names_after(store, backup);
  const std::string reason = fmt::format("restored {}", store.title());
  std::vector<std::byte> bytes(backup.begin(), backup.end());
  if (store.bytes().empty() && store.has_slots()) return store.write(std::move(bytes), names, reason);
  try {
    store.replace(bytes, store.handler_name(), names, reason);
  } catch (const Error& error) {
    if (error.code() != Errc::no_space) throw;
    if (!forced || !store.has_slots())
      throw Error(Errc::no_space, "the backup has no room beside what {} has now: {}", store.title(),
                  error.what())
          .advise("{}", store.has_slots()
                            ? "free some extents, or use --force: the bytes are written over then, "
                              "and a power cut meanwhile leaves the backup file alone"
                            : "free some extents");
    store.write(std::move(bytes), names, reason);
  }
}

}  // namespace

void back_up_store(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  const std::string file = file_named(arguments);
  const KeyChange store(session, name, StoreState::raw);
  if (store.bytes().empty())
    throw Error(Errc::damaged, "no copy of the keystore {} can be loaded", store.title())
        .advise("look with 'cvck {}'", name.vg);
  if (session.is_test()) {
    session.output().text(
        fmt::format("  would write {} bytes of {} to {}\n", store.bytes().size(), store.title(), file));
    return;
  }
  write_new_file(file, store.bytes());
  if (!store.has_slots())
    log::warning("what is saved of {} can't be verified: its handler {} {}", store.title(),
                 store.handler_name(),
                 store.handler_or_null() == nullptr ? "is not installed here"
                                                    : "does not tell sound bytes from others");
  log::notice("Keystore {} saved to {}. Whoever has this file and a secret of today has the key for ever.",
              store.title(), file);
}

void restore_store(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  const std::vector<std::byte> backup = read_backup(file_named(arguments));
  KeyChange store(session, name, StoreState::raw);
  require_changeable(store.group());
  const bool forced = arguments.has(kForce);
  std::vector<std::string> returning;
  if (store.has_slots()) returning = during("the backup", [&] { return slots_that_return(store, backup); });
  const Bytes room = handler_room(store.group().vg, lv_at(store.group().vg, name.lv));
  if (Bytes(backup.size()) > room && backup.size() != store.bytes().size())
    throw Error(Errc::no_space, "the backup has {} bytes, {} has room for {}", backup.size(), store.title(),
                room.n)
        .advise("is it a backup of this store?");
  if (store.has_slots())
    require_same_key(session, store, name, backup);
  else if (!forced)
    require_opening(session, store, name, backup);
  if (session.is_test()) {
    session.output().text(fmt::format("  would restore {} from a backup\n", store.title()));
    return;
  }
  if (!returning.empty())
    log::warning("secrets of key slots that are not there now will work again: {}",
                 fmt::join(returning, ", "));
  if (!store.has_slots()) log::warning("secrets that were removed since the backup was made will work again");
  if (!forced)
    session.require_confirmed(
        fmt::format("Do you really want to replace the bytes of {} by the backup?", store.title()));
  put_back(store, backup, forced);
  log::notice("Keystore {} restored.", store.title());
}

void erase_store(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  const KeyChange store(session, name, StoreState::raw);
  const VolumeGroup& seen = store.group().vg;
  require_copies_in_reach(store.group(), {name.lv});
  require_changeable(store.group());
  const std::vector<std::string> users = names_of_users(seen, name.lv);
  if (session.is_test()) {
    session.output().text(fmt::format("  would erase the key of {}\n", fmt::join(users, ", ")));
    return;
  }
  if (!arguments.has(kForce)) {
    const auto answer = session.console().ask(fmt::format(
        "This makes {} unreadable for ever. Type the name of the keystore, {}, to go on: ",
        users.empty() ? "backups of its volumes" : fmt::format("{}", fmt::join(users, ", ")), name.lv));
    if (answer != name.lv)
      throw Error(Errc::refused, "nothing was done, because the answer was not {}", name.lv)
          .advise("--force goes on without asking");
  }
  Transaction change = begin_change(session, name.vg);
  require_same_store(seen, change.current(), name.lv);
  if (names_of_users(change.current(), name.lv) != users)
    throw Error(Errc::refused, "the volumes of {} were changed meanwhile", store.title())
        .advise("run the command again");
  VolumeGroup next = with_next_generation(
      base_of(session, Purpose::change, change.current(), change.devices(), true), name.lv);
  next = with_slot_names(std::move(next), name.lv, {});
  for (const std::string& user : users) next = forget_old_header(std::move(next), user);
  change.prepare(std::move(next), fmt::format("erased the key of {}", store.title()));
  erase_copies(change.prepared(), change.devices(), lv_at(change.prepared(), name.lv));
  for (const std::string& user : users) wipe_old_header(change.current(), change.devices(), user);
  session.keys().forget({seen.id, lv_at(seen, name.lv).id});
  change.commit();
  log::notice("The key of {} is erased.", store.title());
  for (const std::string& user : users)
    if (session.activator().is_active(change.current(), user))
      log::warning("{}/{} is open, and can be read until it is closed", name.vg, user);
  log::warning("what an SSD has put aside and what was saved with cvkey backup can't be reached from here");
}

void load_key(Session& session, const Arguments& arguments, const FullVolumeName& name) {
  constexpr std::uint64_t kUsual = 150;
  constexpr std::uint64_t kLongest = 7 * 24 * 3600;
  const std::chrono::seconds limit(arguments.number(kTimeout, kLongest).value_or(kUsual));
  const Scan scan = session.store().scan();
  const FoundGroup& group = group_at(scan, name.vg);
  require_usable(group);
  if (session.is_test()) {
    session.output().text(fmt::format("  would load the key of {}/{}\n", name.vg, name.lv));
    return;
  }
  const activate::StoreId id{group.vg.id, lv_at(group.vg, name.lv).id};
  if (session.keys().in_keyring(id, activate::store_is_live(session.mapper(), group.vg, name.lv))) {
    // A limit would take it away from volumes that are open.
    log::notice("The key of {}/{} is at hand already.", name.vg, name.lv);
    return;
  }
  const auto key = session.unlocker(group.devices).master_key(group.vg, name.lv);
  session.keys().load_ahead(id, *key, limit);
  log::notice("The key of {}/{} is ready for {} seconds.", name.vg, name.lv, limit.count());
}

void forget_key(Session& session, const Arguments&, const FullVolumeName& name) {
  const Scan scan = session.store().scan();
  const VolumeGroup& vg = group_at(scan, name.vg).vg;
  const LogicalVolume& store = lv_at(vg, name.lv);
  if (keystore_of(store) == nullptr)
    throw Error(Errc::refused, "{}/{} is no keystore", name.vg, name.lv)
        .advise("`cvs -a {}` lists the keystores", name.vg);
  if (session.is_test()) return;
  session.keys().forget({vg.id, store.id});
  log::notice("The key of {}/{} is forgotten.", name.vg, name.lv);
}

}  // namespace cv::tools::commands
