#include "activate/unlock.h"

#include <algorithm>
#include <utility>

#include "activate/device_name.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/key_tokens.h"
#include "lib/crypt/luks_header.h"

namespace cv::activate {

using crypt::SecureBytes;
using metadata::VolumeGroup;

namespace {

const metadata::LogicalVolume& store_at(const VolumeGroup& vg, const std::string& name) {
  const auto& store = metadata::lv_at(vg, name);
  if (metadata::keystore_of(store) == nullptr)
    throw Error(Errc::not_found, "{}/{} is no keystore", vg.name, name)
        .advise("`cvs -a {}` lists the keystores, they are called cryptostore1 and on", vg.name);
  return store;
}

bool is_luks(std::string_view handler) {
  return handler == "luks1" || handler == "luks2";
}

/// Runs `work` on one copy after the other until one is not damaged.
template <class Work>
auto with_sound_copy(const std::string& name, const std::vector<std::vector<std::byte>>& copies, Work&& work)
    -> decltype(work(std::span<const std::byte>())) {
  if (copies.empty()) return work(std::span<const std::byte>());
  for (std::size_t i = 0; i + 1 < copies.size(); ++i) {
    try {
      return work(std::span<const std::byte>(copies[i]));
    } catch (const Error& error) {
      if (error.code() != Errc::damaged) throw;
      log::warning("a copy of {} is damaged, trying the next: {}", name, error.what());
    }
  }
  return during(name, [&] { return work(std::span<const std::byte>(copies.back())); });
}

SharedKey shared(crypt::Unlocked unlocked) {
  return std::make_shared<const SecureBytes>(std::move(unlocked.key));
}

}  // namespace

/// Everything about one store that the way to its key needs.
struct Unlocker::Context {
  Context(const VolumeGroup& group, const std::string& store, const StoreCopies& read, bool bytes_wanted)
      : vg(group),
        lv(store_at(group, store)),
        keystore(*metadata::keystore_of(lv)),
        id{group.id, lv.id},
        name(group.name + "/" + lv.name) {
    const bool header_knows_more =
        is_luks(keystore.handler) && (keystore.cipher.empty() || keystore.key_bits == 0);
    if (bytes_wanted || header_knows_more) copies = read(vg, lv);
    attributes.cipher = keystore.cipher;
    attributes.key_bits = keystore.key_bits;
    attributes.hash = keystore.key_hash.value_or("");
    attributes.sector_bytes = keystore.sector_bytes.value_or(512);
    attributes.key_check = keystore.key_check;
    if (header_knows_more) complete_from_header();
    if (attributes.cipher.empty() || attributes.key_bits == 0 || attributes.key_bits % 8 != 0)
      throw Error(Errc::damaged, "{} does not say which cipher and key size its volumes have", name);
  }

  void complete_from_header() {
    const auto info = with_sound_copy(
        name, copies, [](std::span<const std::byte> bytes) { return crypt::LuksHeader(bytes).info(); });
    if (attributes.cipher.empty()) attributes.cipher = info.cipher;
    if (attributes.key_bits == 0) attributes.key_bits = info.key_bits;
    if (attributes.hash.empty()) attributes.hash = info.hash;
    if (!keystore.sector_bytes) attributes.sector_bytes = info.sector_bytes;
  }

  std::uint32_t key_size() const { return attributes.key_bits / 8; }

  SecretRequest request(unsigned attempt) const {
    return {.vg = vg.name,
            .store = lv.name,
            .handler = keystore.handler,
            .attributes = attributes,
            .attempt = attempt};
  }

  StoreKey with(TableKey key) const { return {std::move(key), attributes.cipher, attributes.sector_bytes}; }

  const VolumeGroup& vg;
  const metadata::LogicalVolume& lv;
  const metadata::Keystore& keystore;
  StoreId id;
  std::string name;
  crypt::StoreAttributes attributes;
  std::vector<std::vector<std::byte>> copies;
};

Unlocker::Unlocker(const crypt::HandlerList& handlers, StoreCopies copies, SecretSource& secrets,
                   KeyCache& cache, Mapper& mapper, Settings settings)
    : handlers_(handlers),
      copies_(std::move(copies)),
      secrets_(secrets),
      cache_(cache),
      mapper_(mapper),
      settings_(settings) {}

Unlocker::Unlocker(const crypt::HandlerList& handlers, StoreCopies copies, SecretSource& secrets,
                   KeyCache& cache, Mapper& mapper)
    : Unlocker(handlers, std::move(copies), secrets, cache, mapper, Settings()) {}

StoreKey Unlocker::open(const VolumeGroup& vg, const std::string& store) {
  const Context cheap(vg, store, copies_, false);
  const auto lock = cache_.lock(cheap.id);
  bool is_live = store_is_live(mapper_, vg, store);
  const auto named = [&] { return cheap.with(cache_.table_key(cheap.id, cheap.key_size(), is_live)); };

  if (cache_.in_process(cheap.id)) {
    log::verbose("key of {} from cache", cheap.name);
    return named();
  }
  // A key that waits no longer has found its first volume, maybe since we looked.
  const auto at_hand = [&] {
    if (cache_.in_keyring(cheap.id, is_live)) return true;
    if (!is_live) is_live = store_is_live(mapper_, vg, store);
    return is_live && cache_.in_keyring(cheap.id, true);
  };
  if (settings_.use_cached && at_hand()) {
    log::verbose("key of {} from keyring", cheap.name);
    return named();
  }
  const Context full(vg, store, copies_, true);
  auto key = settings_.use_cached && is_live ? from_live_table(full) : nullptr;
  if (!key) key = shared(derive(full));
  cache_.put(full.id, std::move(key));
  return named();
}

StoreKeys Unlocker::open(const VolumeGroup& vg, const std::vector<std::string>& stores) {
  StoreKeys keys;
  for (const auto& store : stores)
    if (!keys.contains(store)) keys.emplace(store, open(vg, store));
  return keys;
}

StoreKey Unlocker::described(const VolumeGroup& vg, const std::string& store) {
  const Context context(vg, store, copies_, false);
  if (cache_.uses_keyring()) return context.with(KeyringKey{context.key_size(), key_description(context.id)});
  return context.with(HexKey{std::make_shared<const SecureBytes>(context.key_size())});
}

StoreKeys Unlocker::described(const VolumeGroup& vg, const std::vector<std::string>& stores) {
  StoreKeys keys;
  for (const auto& store : stores) keys.insert_or_assign(store, described(vg, store));
  return keys;
}

SharedKey Unlocker::master_key(const VolumeGroup& vg, const std::string& store) {
  const Context context(vg, store, copies_, true);
  const auto lock = cache_.lock(context.id);
  if (auto key = cache_.in_process(context.id)) {
    log::verbose("key of {} from cache", context.name);
    return key;
  }
  auto key = settings_.use_cached ? from_live_table(context) : nullptr;
  if (!key) key = shared(derive(context));
  cache_.put(context.id, key);
  return key;
}

void Unlocker::test(const VolumeGroup& vg, const std::string& store) {
  const Context context(vg, store, copies_, true);
  cache_.put(context.id, shared(by_secret(context)));
}

crypt::Unlocked Unlocker::ask(const VolumeGroup& vg, const std::string& store) {
  return by_secret(Context(vg, store, copies_, true));
}

crypt::StoreAttributes Unlocker::attributes_of(const VolumeGroup& vg, const std::string& store) {
  return Context(vg, store, copies_, false).attributes;
}

std::optional<bool> Unlocker::is_key_of(const VolumeGroup& vg, const std::string& store,
                                        const SecureBytes& key) {
  try {
    const Context context(vg, store, copies_, true);
    const auto* handler = handlers_.find(context.keystore.handler);
    if (handler == nullptr || key.size() != context.key_size()) return std::nullopt;
    return with_sound_copy(context.name, context.copies, [&](std::span<const std::byte> bytes) {
      return handler->verify(bytes, context.attributes, key);
    });
  } catch (const Error& error) {
    log::debug("{}/{} can't be compared: {}", vg.name, store, error.what());
    return std::nullopt;
  }
}

crypt::Unlocked Unlocker::derive(const Context& context) {
  if (!handlers_.at(context.keystore.handler).needs_secret()) return without_secret(context);
  if (auto unlocked = by_token(context)) return std::move(*unlocked);
  return by_secret(context);
}

std::optional<crypt::Unlocked> Unlocker::by_token(const Context& context) {
  const auto* tokens = handlers_.at(context.keystore.handler).tokens();
  if (tokens == nullptr || !secrets_.allows_tokens()) return std::nullopt;
  const auto opened = [&](const crypt::TokenAnswer& answer, const crypt::KeyToken& token) {
    if (!answer.unlocked || answer.unlocked->key.size() != context.key_size()) return false;
    if (crypt::CipherSpec::parse(context.attributes.cipher).has_equal_halves(answer.unlocked->key.bytes()))
      throw Error(Errc::refused, "{} holds a key with two equal halves, which weakens XTS", context.name);
    log::verbose("key of {} by token {}, of type {} (slot {})", context.name, token.number, token.type,
                 answer.unlocked->slot);
    return true;
  };
  const auto ask = [&](std::span<const std::byte> copy) -> std::optional<crypt::Unlocked> {
    std::vector<crypt::KeyToken> want_pin;
    for (const crypt::KeyToken& token : tokens->list(copy)) {
      auto answer = tokens->ask(copy, token.number, nullptr);
      if (opened(answer, token)) return std::move(answer.unlocked);
      if (answer.wants_pin) want_pin.push_back(token);
    }
    for (const crypt::KeyToken& token : want_pin) {
      for (unsigned attempt = 1;; ++attempt) {
        const auto pin = secrets_.pin(context.request(attempt), token.type);
        if (!pin || pin->empty()) break;
        auto answer = tokens->ask(copy, token.number, &*pin);
        if (opened(answer, token)) return std::move(answer.unlocked);
        if (!answer.wants_pin) break;
      }
    }
    return std::nullopt;
  };
  for (const auto& copy : context.copies) {
    try {
      return ask(copy);
    } catch (const Error& error) {
      // Whoever tries a secret next says so aloud.
      if (error.code() != Errc::damaged) throw;
      log::debug("no token in a copy of {} can be asked: {}", context.name, error.what());
    }
  }
  return std::nullopt;
}

crypt::Unlocked Unlocker::by_secret(const Context& context) {
  std::optional<Error> failure;
  for (unsigned attempt = 1;; ++attempt) {
    const auto secret = secrets_.next(context.request(attempt));
    if (!secret && failure) throw *failure;
    if (!secret)
      throw Error(Errc::key_missing, "{} is locked, and there is no key and nobody to ask", context.name)
          .advise("give a key with --keyfile, or run the command on a terminal");
    try {
      if (auto unlocked = try_secret(context, *secret)) {
        const auto slot = unlocked->slot < 0 ? std::string() : fmt::format(" (slot {})", unlocked->slot);
        log::verbose("derived key of {}{}", context.name, slot);
        return std::move(*unlocked);
      }
      failure = Error(Errc::key_wrong, "the key does not open {}", context.name)
                    .advise("{}", secrets_.advice_when_wrong());
    } catch (const Error& error) {
      // A person who mistyped may try again; a file stays as it is, and its source gives no second try.
      if (error.code() != Errc::key_file) throw;
      failure = error.within(context.name);
    }
  }
}

crypt::Unlocked Unlocker::without_secret(const Context& context) const {
  auto unlocked = try_secret(context, SecureBytes());
  if (!unlocked)
    throw Error(Errc::key_wrong, "the key handler {} has no key that opens {}", context.keystore.handler,
                context.name);
  log::verbose("derived key of {}", context.name);
  return std::move(*unlocked);
}

std::optional<crypt::Unlocked> Unlocker::try_secret(const Context& context, const SecureBytes& secret) const {
  const auto& handler = handlers_.at(context.keystore.handler);
  return with_sound_copy(context.name, context.copies, [&](std::span<const std::byte> bytes) {
    return handler.unlock(bytes, context.attributes, secret);
  });
}

/// The RFC's way: a live volume of the store may hold the key in its table. It is checked against the store
/// where that can be done, and taken from a table of that store's own where it can't.
SharedKey Unlocker::from_live_table(const Context& context) {
  const auto* handler = handlers_.find(context.keystore.handler);
  if (handler == nullptr) return nullptr;
  for (const auto* lv : metadata::users_of(context.vg, context.lv.name)) {
    const auto uuid = dm_uuid(context.vg.id, lv->id);
    const auto info = mapper_.find_uuid(uuid);
    if (!info || !info->has_live_table) continue;
    const auto table = mapper_.live_table(uuid);
    if (!table) continue;
    const bool store_is_alone = stores_of(context.vg, lv->name).size() == 1;
    for (const auto& line : *table) {
      const auto* target = std::get_if<CryptTarget>(&line.target);
      const auto* hex = target == nullptr ? nullptr : std::get_if<HexKey>(&target->key);
      if (hex == nullptr || hex->key->size() != context.key_size()) continue;
      const auto is_right =
          with_sound_copy(context.name, context.copies, [&](std::span<const std::byte> bytes) {
            return handler->verify(bytes, context.attributes, *hex->key);
          });
      if (!is_right.value_or(store_is_alone)) continue;
      log::verbose("key of {} from table", context.name);
      return hex->key;
    }
  }
  return nullptr;
}

bool store_is_live(Mapper& mapper, const VolumeGroup& vg, const std::string& store) {
  return std::ranges::any_of(metadata::users_of(vg, store), [&](const metadata::LogicalVolume* lv) {
    const auto info = mapper.find_uuid(dm_uuid(vg.id, lv->id));
    return info && info->has_live_table;
  });
}

}  // namespace cv::activate
