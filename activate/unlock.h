// From a keystore to its master key: what is at hand first, the person last.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "activate/device_tree.h"
#include "activate/key_cache.h"
#include "activate/mapper.h"
#include "lib/crypt/key_handler.h"
#include "lib/crypt/secret.h"
#include "metadata/volume_group.h"

namespace cv::activate {

/// For whom a secret is wanted.
struct SecretRequest {
  std::string vg;
  std::string store;
  std::string handler;
  crypt::StoreAttributes attributes;
  unsigned attempt = 1;  ///< 2 and on: the one before was wrong
};

/// Where secrets come from: a prompt, a key file, a pipe.
class SecretSource {
 public:
  virtual ~SecretSource() = default;
  /// Nothing where there is no (further) try.
  virtual std::optional<crypt::SecureBytes> next(const SecretRequest& request) = 0;
  /// What to say to a person whose secret was wrong, "" for nothing in particular.
  virtual std::string advice_when_wrong() const = 0;
  /// Whether a token in the store's header may be asked first: not where a certain secret was named.
  virtual bool allows_tokens() const = 0;
  /// The PIN of a token of type `token`; nothing where there is no (further) try or another way is preferred.
  virtual std::optional<crypt::SecureBytes> pin(const SecretRequest& request, const std::string& token) = 0;
};

/// The bytes of each copy of a store, the best first; none where its handler keeps no bytes.
using StoreCopies = std::function<std::vector<std::vector<std::byte>>(const metadata::VolumeGroup& vg,
                                                                      const metadata::LogicalVolume& store)>;

class Unlocker {
 public:
  struct Settings {
    bool use_cached = true;  ///< false: --nocache, the secret is wanted whatever is at hand
  };

  Unlocker(const crypt::HandlerList& handlers, StoreCopies copies, SecretSource& secrets, KeyCache& cache,
           Mapper& mapper, Settings settings);
  Unlocker(const crypt::HandlerList& handlers, StoreCopies copies, SecretSource& secrets, KeyCache& cache,
           Mapper& mapper);

  /// The key of a store as tables name it. Asks the secret source only where neither this process, nor the
  /// keyring, nor a live table, nor a token of the header has the key. Throws Errc::key_wrong where no secret
  /// opened it, Errc::key_missing where there was none, Errc::no_handler.
  StoreKey open(const metadata::VolumeGroup& vg, const std::string& store);
  /// open() for each store, once each.
  StoreKeys open(const metadata::VolumeGroup& vg, const std::vector<std::string>& stores);

  /// The same without a key: enough to plan with, and to see whether the key is needed at all.
  StoreKey described(const metadata::VolumeGroup& vg, const std::string& store);
  StoreKeys described(const metadata::VolumeGroup& vg, const std::vector<std::string>& stores);

  /// The key itself: from this process, from a live table that holds it in hex, from a token, or derived. For
  /// those who change the store.
  SharedKey master_key(const metadata::VolumeGroup& vg, const std::string& store);

  /// Always wants a secret, no token will do: the key that it opens, and in which slot. Throws as open() does
  /// where it opens nothing. For those who change the slots; nothing is kept.
  crypt::Unlocked ask(const metadata::VolumeGroup& vg, const std::string& store);

  /// ask(), and the key is kept in this process.
  void test(const metadata::VolumeGroup& vg, const std::string& store);

  /// Whether `key` is the master key of a store; nothing where that can't be told, for want of a handler, a
  /// readable copy, or a key_check. Never throws for what is on a disk.
  std::optional<bool> is_key_of(const metadata::VolumeGroup& vg, const std::string& store,
                                const crypt::SecureBytes& key);

  /// What the metadata says of the store, completed from its header where the metadata is silent.
  crypt::StoreAttributes attributes_of(const metadata::VolumeGroup& vg, const std::string& store);

 private:
  struct Context;

  /// By a token where there is one, else by a secret.
  crypt::Unlocked derive(const Context& context);
  crypt::Unlocked by_secret(const Context& context);
  std::optional<crypt::Unlocked> by_token(const Context& context);
  crypt::Unlocked without_secret(const Context& context) const;
  SharedKey from_live_table(const Context& context);
  std::optional<crypt::Unlocked> try_secret(const Context& context, const crypt::SecureBytes& secret) const;

  const crypt::HandlerList& handlers_;
  StoreCopies copies_;
  SecretSource& secrets_;
  KeyCache& cache_;
  Mapper& mapper_;
  Settings settings_;
};

/// "VG/STORE" is ours as long as this is true.
bool store_is_live(Mapper& mapper, const metadata::VolumeGroup& vg, const std::string& store);

}  // namespace cv::activate
