#include "lib/crypt/luks_slots.h"

#include <algorithm>
#include <cerrno>

#include <libcryptsetup.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/crypt_device.h"
#include "lib/crypt/luks2_json.h"
#include "lib/crypt/luks_context.h"
#include "lib/crypt/memory_file.h"

namespace cv::crypt {

/// The order matters: the context lets go of the file before the file goes.
struct LuksSlots::Loaded {
  MemoryFile file;
  CryptDevice device;
};

namespace {

constexpr std::size_t kLuks2HeadBytes = 64 * 1024;

bool is_in_use(crypt_device* device, int slot) {
  const crypt_keyslot_info status = crypt_keyslot_status(device, slot);
  return status != CRYPT_SLOT_INVALID && status != CRYPT_SLOT_INACTIVE;
}

struct NameToken {
  int token = 0;
  SlotName name;
};

/// Names of slots that are no longer there are left out.
std::vector<NameToken> name_tokens(crypt_device* device) {
  std::vector<NameToken> found;
  for (int token = 0; token < crypt_token_max(CRYPT_LUKS2); ++token) {
    const char* text = nullptr;
    if (crypt_token_json_get(device, token, &text) < 0 || text == nullptr) continue;
    if (const auto name = parse_slot_name(text)) found.push_back({token, *name});
  }
  return found;
}

KeySlot described(crypt_device* device, int number) {
  KeySlot slot;
  slot.number = number;
  slot.opens_store = crypt_keyslot_status(device, number) != CRYPT_SLOT_UNBOUND;
  crypt_pbkdf_type kdf{};
  if (crypt_keyslot_get_pbkdf(device, number, &kdf) < 0) return slot;
  slot.kdf = kdf.type == nullptr ? "" : kdf.type;
  slot.hash = kdf.hash == nullptr || slot.kdf != CRYPT_KDF_PBKDF2 ? "" : kdf.hash;
  slot.iterations = kdf.iterations;
  slot.memory_kib = kdf.max_memory_kb;
  slot.parallel = kdf.parallel_threads;
  return slot;
}

void require_name(const std::string& name) {
  if (name.empty()) return;
  const bool printable = std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.size() > kLongestSlotName || !printable) {
    throw Error(Errc::bad_name, "that can't be the name of a key slot")
        .advise("use at most {} bytes without control characters", kLongestSlotName);
  }
}

void put_name(const CryptDevice& device, int slot, const std::string& name) {
  const std::string token = slot_name_json({.slot = slot, .name = name});
  const int result = crypt_token_json_set(device.get(), CRYPT_ANY_TOKEN, token.c_str());
  if (result >= 0) return;
  throw Error(Errc::refused, "the name of the key slot has no room in the header: {}", device.reason(result))
      .advise("leave --name away");
}

}  // namespace

LuksSlots::Loaded LuksSlots::load(std::span<const std::byte> store) const {
  MemoryFile file = MemoryFile::copy_of(store);
  CryptDevice device(file.path());
  const int result = crypt_load(device.get(), type_of(version_), nullptr);
  if (result < 0) {
    throw Error(Errc::damaged, "these bytes are no {} header: {}", name_of(version_), device.reason(result))
        .advise("restore the header from a backup");
  }
  return {std::move(file), std::move(device)};
}

std::vector<KeySlot> LuksSlots::list(std::span<const std::byte> store) const {
  const Loaded loaded = load(store);
  crypt_device* const device = loaded.device.get();
  std::vector<KeySlot> slots;
  for (int number = 0; number < crypt_keyslot_max(type_of(version_)); ++number)
    if (is_in_use(device, number)) slots.push_back(described(device, number));
  if (version_ == LuksVersion::luks1) return slots;
  for (const NameToken& named : name_tokens(device)) {
    const auto slot = std::ranges::find(slots, named.name.slot, &KeySlot::number);
    if (slot != slots.end()) slot->name = named.name.name;
  }
  return slots;
}

AddedSlot LuksSlots::add(std::span<const std::byte> store, const SecureBytes& key, const SecureBytes& secret,
                         const NewSlot& wanted) const {
  require_name(wanted.name);
  if (secret.empty()) {
    throw Error(Errc::key_file, "the passphrase is empty").advise("give one with at least one byte");
  }
  const Loaded loaded = load(store);
  crypt_device* const device = loaded.device.get();
  const int most = crypt_keyslot_max(type_of(version_));
  if (wanted.number && (*wanted.number < 0 || *wanted.number >= most)) {
    throw Error(Errc::usage, "there is no key slot {}, they are numbered 0 to {}", *wanted.number, most - 1);
  }
  if (wanted.number && is_in_use(device, *wanted.number)) {
    throw Error(Errc::refused, "key slot {} is in use", *wanted.number)
        .advise("take another one, or remove it first");
  }
  set_kdf(loaded.device, version_, wanted.kdf, wanted.kdf.hash);
  const int added = crypt_keyslot_add_by_volume_key(device, wanted.number.value_or(CRYPT_ANY_SLOT),
                                                    key.data(), key.size(), secret.data(), secret.size());
  if (added == -EPERM) throw Error(Errc::key_wrong, "the key is not that of the store");
  if (added < 0) {
    // libcryptsetup says -EINVAL where all slots are taken, and where their area is full.
    throw Error(Errc::refused, "no key slot can be added: {}", loaded.device.reason(added))
        .advise("remove a slot that is no longer needed first");
  }
  if (!wanted.name.empty() && keeps_names()) put_name(loaded.device, added, wanted.name);
  return {.bytes = loaded.file.contents(), .number = added};
}

std::vector<std::byte> LuksSlots::named(std::span<const std::byte> store, int number,
                                        const std::string& name) const {
  require_name(name);
  if (!keeps_names())
    throw Error(Errc::unsupported, "a {} header has no place for the name of a key slot", name_of(version_));
  const Loaded loaded = load(store);
  if (!is_in_use(loaded.device.get(), number))
    throw Error(Errc::not_found, "key slot {} is not in use", number);
  for (const NameToken& old : name_tokens(loaded.device.get()))
    if (old.name.slot == number) crypt_token_json_set(loaded.device.get(), old.token, nullptr);
  if (!name.empty()) put_name(loaded.device, number, name);
  return loaded.file.contents();
}

bool LuksSlots::is_same_slot(std::span<const std::byte> a, std::span<const std::byte> b, int number) const {
  const auto area_in = [&](std::span<const std::byte> store) {
    const Loaded loaded = load(store);
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    const bool there = is_in_use(loaded.device.get(), number) &&
                       crypt_keyslot_area(loaded.device.get(), number, &offset, &length) == 0 &&
                       offset <= store.size() && length <= store.size() - offset;
    return there ? store.subspan(offset, length) : std::span<const std::byte>();
  };
  // The key is wrapped with fresh random numbers whenever a slot is made.
  const auto one = area_in(a);
  return !one.empty() && same_secret(one, area_in(b));
}

std::vector<std::byte> LuksSlots::remove(std::span<const std::byte> store, int number) const {
  const Loaded loaded = load(store);
  crypt_device* const device = loaded.device.get();
  if (!is_in_use(device, number)) throw Error(Errc::not_found, "key slot {} is not in use", number);
  if (version_ == LuksVersion::luks2) {
    for (const NameToken& named : name_tokens(device))
      if (named.name.slot == number) crypt_token_json_set(device, named.token, nullptr);
  }
  const int result = crypt_keyslot_destroy(device, number);
  if (result < 0) {
    throw Error(Errc::refused, "key slot {} can't be removed: {}", number, loaded.device.reason(result));
  }
  return loaded.file.contents();
}

std::vector<std::byte> LuksSlots::key_digest(std::span<const std::byte> store) const {
  const Loaded loaded = load(store);
  if (version_ == LuksVersion::luks1) return luks1_key_digest(store);
  const char* text = nullptr;
  const int result = crypt_dump_json(loaded.device.get(), &text, 0);
  const auto json = result < 0 ? std::nullopt : parse_luks2_json(text);
  if (!json) throw Error(Errc::damaged, "the JSON of the LUKS2 header can't be read");
  const auto bytes = bytes_of(json->digest);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> LuksSlots::convert(std::span<const std::byte> store, std::string_view to) const {
  const LuksVersion other = version_ == LuksVersion::luks1 ? LuksVersion::luks2 : LuksVersion::luks1;
  if (to != name_of(other)) {
    throw Error(Errc::unsupported, "a {} store can become {}, and not {}", name_of(version_), name_of(other),
                to);
  }
  std::vector<std::byte> room(store.begin(), store.end());
  // The two headers of LUKS2 are larger, and its key slots begin later.
  if (other == LuksVersion::luks2) room.resize(room.size() + kLuks2HeadBytes);
  const Loaded loaded = load(room);
  crypt_device* const device = loaded.device.get();
  if (version_ == LuksVersion::luks2)
    for (const NameToken& named : name_tokens(device)) crypt_token_json_set(device, named.token, nullptr);
  const int result = crypt_convert(device, type_of(other), nullptr);
  if (result < 0) {
    throw Error(Errc::unsupported, "libcryptsetup can't make a {} header of it: {}", name_of(other),
                loaded.device.reason(result))
        .advise("{}",
                other == LuksVersion::luks1
                    ? "luks1 has at most 8 key slots, all with pbkdf2 and one hash, and sectors of 512 bytes"
                    : "make a backup, and let cryptsetup repair look at it");
  }
  return loaded.file.contents();
}

std::vector<Range<Bytes>> LuksSlots::write_order(std::span<const std::byte> store) const {
  return luks_write_order(store);
}

}  // namespace cv::crypt
