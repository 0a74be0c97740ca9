// What turns a secret and a keystore's bytes into a master key: bytes in, bytes out, no device.
//
// Many kinds, few operations: an interface. The list of kinds is handlers/builtin.cpp; every
// implementation, also one from elsewhere, passes the contract tests in
// tests/unit/crypt/key_handler_contract.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/units.h"
#include "lib/crypt/external.h"
#include "lib/crypt/secret.h"

namespace cv::crypt {

/// What the metadata of a store says about its cipher; retained whatever the handler.
struct StoreAttributes {
  std::string cipher = "aes-xts-plain64";  ///< as given or found, never normalised
  std::uint32_t key_bits = 512;
  std::string hash;                      ///< "" where the handler has none
  std::uint32_t sector_bytes = 512;      ///< encryption sector: 512 or 4096
  std::optional<std::string> key_check;  ///< "pbkdf2:sha256:ITERATIONS:SALT:DIGEST"
  friend bool operator==(const StoreAttributes&, const StoreAttributes&) = default;
};

/// How a typed secret is stretched; empty and zero mean libcryptsetup's default.
struct KdfOptions {
  std::string type;  ///< "pbkdf2", "argon2i", "argon2id"
  std::string hash;
  std::uint32_t memory_kib = 0;
  std::uint32_t parallel = 0;
  std::uint32_t iterations = 0;    ///< forced; no benchmark then
  std::uint32_t milliseconds = 0;  ///< wanted unlock time where a benchmark runs
};

struct NewStore {
  StoreAttributes attributes;    ///< as asked, completed (key_check, hash)
  std::vector<std::byte> bytes;  ///< for the start of the store, at most request.region; may be empty
  SecureBytes key;               ///< the master key, key_bits / 8 bytes
};

struct FormatRequest {
  StoreAttributes attributes;
  KdfOptions kdf;
  Bytes region;           ///< room for the handler's bytes; at least min_region()
  std::string uuid;       ///< for headers that carry one; RFC 4122 text; empty: a random one
  bool key_check = true;  ///< plain and hashed: make one
};

/// The outcome of trying a secret.
struct Unlocked {
  SecureBytes key;
  int slot = -1;  ///< of headers that have slots
};

class KeySlots;
class KeyTokens;

class KeyHandler {
 public:
  virtual ~KeyHandler() = default;

  /// The name in the metadata: "plain", "luks1", ...
  virtual std::string_view name() const = 0;

  /// Room for the handler's bytes; Bytes(0) where it keeps none. Throws Errc::unsupported for attributes it
  /// can't do, with the reason.
  virtual Bytes min_region(const StoreAttributes& attributes) const = 0;

  /// Makes a new store for `secret`. Throws Errc::key_file where the secret has an impossible size and
  /// Errc::unsupported for ciphers or hashes that don't work here.
  virtual NewStore format(const FormatRequest& request, const SecureBytes& secret) const = 0;

  /// Nothing where the secret does not open the store. Never writes. Throws Errc::damaged where the bytes
  /// are no store of this kind, Errc::unsupported where they ask for what is not here, Errc::key_file where
  /// the secret has an impossible size (both numbers in the sentence).
  virtual std::optional<Unlocked> unlock(std::span<const std::byte> store, const StoreAttributes& attributes,
                                         const SecureBytes& secret) const = 0;

  /// Whether `key` is the master key of the store; nothing where that can't be told (no key_check).
  virtual std::optional<bool> verify(std::span<const std::byte> store, const StoreAttributes& attributes,
                                     const SecureBytes& key) const = 0;

  /// False where the handler gets the key from elsewhere: nobody is asked, and it is called with no secret.
  virtual bool needs_secret() const { return true; }

  /// For stores that several secrets open; null where there is one secret and no other.
  virtual const KeySlots* key_slots() const { return nullptr; }

  /// For stores whose header may hold tokens that know a secret; null where it can't.
  virtual const KeyTokens* tokens() const { return nullptr; }
};

/// The handlers that are compiled in, and those from elsewhere; lives as long as the process.
class HandlerList {
 public:
  /// Those that are compiled in, and no others.
  HandlerList();
  explicit HandlerList(ExternalHandlers external);
  ~HandlerList();
  HandlerList(const HandlerList&) = delete;
  HandlerList& operator=(const HandlerList&) = delete;

  /// Null where there is none of that name. Looks elsewhere only for names that are not compiled in. Throws
  /// Errc::refused and Errc::damaged for a configuration that can't be used.
  const KeyHandler* find(std::string_view name) const;
  /// Throws Errc::no_handler that names the known ones.
  const KeyHandler& at(std::string_view name) const;
  /// Of those that are compiled in.
  std::vector<std::string_view> names() const;

 private:
  std::size_t builtin_ = 0;
  ExternalHandlers external_;
  mutable std::vector<std::unique_ptr<KeyHandler>> handlers_;  ///< what was found elsewhere behind the others
};

}  // namespace cv::crypt
