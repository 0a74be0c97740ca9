#include "activate/key_cache.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activate/mapper.h"
#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"

namespace cv::activate {

std::string key_description(const StoreId& id) {
  return "cv:" + id.vg.plain() + id.store.plain();
}

bool can_name_keys(Mapper& mapper, crypt::Keyring& keyring) {
  constexpr TargetVersion kFirstWithKeyring{1, 18, 1};
  if (!keyring.available()) return false;
  const auto version = mapper.target_version("crypt");
  return version && *version >= kFirstWithKeyring;
}

KeyCache::KeyCache(crypt::Keyring* keyring) : KeyCache(keyring, Settings()) {}

KeyCache::KeyCache(crypt::Keyring* keyring, Settings settings)
    : keyring_(keyring), settings_(std::move(settings)) {}

KeyCache::~KeyCache() {
  for (const auto& id : added_) {
    try {
      // Another command may have brought a volume up with it meanwhile.
      if (is_waiting(id)) forget(id);
    } catch (const Error& error) {
      log::warning("{}", error.what());
    }
  }
}

device::LockFile KeyCache::lock(const StoreId& id) const {
  if (!settings_.locking) return {};
  const device::LockSettings lock_settings{.directory = settings_.run_dir, .enabled = true, .wait = true};
  try {
    return device::LockFile(lock_settings, "K_" + id.vg.plain() + id.store.plain(),
                            device::LockMode::exclusive);
  } catch (const Error& error) {
    // Without the lock the worst is a second prompt.
    if (error.code() != Errc::locked) throw;
    log::debug("{}", error.what());
    return {};
  }
}

SharedKey KeyCache::in_process(const StoreId& id) const {
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : found->second;
}

bool KeyCache::in_keyring(const StoreId& id, bool store_is_live) {
  if (keyring_ == nullptr || !keyring_->find(key_description(id))) return false;
  return store_is_live || added_.contains(id) || is_waiting(id);
}

void KeyCache::put(const StoreId& id, SharedKey key) {
  keys_[id] = std::move(key);
}

TableKey KeyCache::table_key(const StoreId& id, std::uint32_t key_size, bool store_is_live) {
  const auto key = in_process(id);
  if (keyring_ == nullptr) {
    if (!key) throw Error(Errc::key_missing, "the key is not at hand");
    return HexKey{key};
  }
  const auto description = key_description(id);
  if (key) {
    if (!store_is_live) {
      set_waiting(id);
      added_.insert(id);
    }
    keyring_->add(description, *key, store_is_live ? std::nullopt : std::optional(settings_.limit));
    keys_.erase(id);
  } else if (!keyring_->find(description)) {
    throw Error(Errc::key_missing, "the key has just left the kernel's keyring")
        .advise("try again, it will be asked for");
  }
  return KeyringKey{key_size, description};
}

void KeyCache::load_ahead(const StoreId& id, const crypt::SecureBytes& key, std::chrono::seconds limit) {
  if (keyring_ == nullptr)
    throw Error(Errc::unsupported, "there is no kernel keyring that could keep the key")
        .advise("a kernel with dm-crypt 1.18.1 and keyrings is needed, and crypt/use_keyring must not be 0");
  set_waiting(id);
  keyring_->add(key_description(id), key, limit);
}

void KeyCache::hold(const StoreId& id) {
  added_.erase(id);
  if (keyring_ == nullptr) return;
  clear_waiting(id);
  keyring_->set_limit(key_description(id), std::nullopt);
}

void KeyCache::forget(const StoreId& id) {
  keys_.erase(id);
  if (keyring_ == nullptr) return;
  clear_waiting(id);
  keyring_->invalidate(key_description(id));
}

std::string KeyCache::waiting_file(const StoreId& id) const {
  return settings_.run_dir + "/waiting_" + id.vg.plain() + id.store.plain();
}

bool KeyCache::is_waiting(const StoreId& id) const {
  return ::access(waiting_file(id).c_str(), F_OK) == 0;
}

void KeyCache::set_waiting(const StoreId& id) const {
  ::mkdir(settings_.run_dir.c_str(), 0700);
  const Fd file(::open(waiting_file(id).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  // Without it another command asks for the secret once more.
  if (!file) log::debug("{} can't be made: {}", waiting_file(id), errno_text(errno));
}

void KeyCache::clear_waiting(const StoreId& id) const noexcept {
  ::unlink(waiting_file(id).c_str());
}

}  // namespace cv::activate
