// Key slots: several secrets that open the same store. For handlers whose stores have them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/range.h"
#include "lib/base/units.h"
#include "lib/crypt/key_handler.h"
#include "lib/crypt/secret.h"

namespace cv::crypt {

struct KeySlot {
  int number = 0;
  std::string name;         ///< what a person called it; empty: nothing
  bool opens_store = true;  ///< false: it keeps another key
  std::string kdf;          ///< "pbkdf2", "argon2i", "argon2id"
  std::string hash;         ///< of pbkdf2
  std::uint32_t iterations = 0;
  std::uint32_t memory_kib = 0;  ///< 0: none to speak of
  std::uint32_t parallel = 0;
  friend bool operator==(const KeySlot&, const KeySlot&) = default;
};

struct NewSlot {
  KdfOptions kdf;
  std::optional<int> number;  ///< absent: the first free one
  std::string name;
};

struct AddedSlot {
  std::vector<std::byte> bytes;  ///< the store's, with the slot
  int number = 0;
};

/// Bytes in, bytes out, like KeyHandler. Every function throws Errc::damaged where the bytes are no store.
class KeySlots {
 public:
  virtual ~KeySlots() = default;

  /// Those in use, ascending.
  virtual std::vector<KeySlot> list(std::span<const std::byte> store) const = 0;

  /// `key` is the master key. Throws Errc::refused where no slot is free or the wanted one is in use,
  /// Errc::key_wrong where `key` is not the store's, Errc::unsupported for a derivation that the
  /// store can't have, Errc::bad_name.
  virtual AddedSlot add(std::span<const std::byte> store, const SecureBytes& key, const SecureBytes& secret,
                        const NewSlot& wanted) const = 0;

  /// Whether the store itself keeps the names of its slots. Where it does not, add() judges a name and
  /// whoever called keeps it.
  virtual bool keeps_names() const = 0;

  /// The store with that name for a slot in use. Throws Errc::bad_name, Errc::refused where it has no room,
  /// Errc::unsupported where keeps_names() is false.
  virtual std::vector<std::byte> named(std::span<const std::byte> store, int number,
                                       const std::string& name) const = 0;

  /// Whether the slot of that number is in use in both and has the same secret.
  virtual bool is_same_slot(std::span<const std::byte> a, std::span<const std::byte> b, int number) const = 0;

  /// The slot and its key material are gone from what is returned. Throws Errc::not_found where it is not in
  /// use.
  virtual std::vector<std::byte> remove(std::span<const std::byte> store, int number) const = 0;

  /// Two stores with equal digests have the same master key; unequal ones say nothing.
  virtual std::vector<std::byte> key_digest(std::span<const std::byte> store) const = 0;

  /// The same key behind the same secrets, as a store of the handler `to`; it may be longer. Throws
  /// Errc::unsupported with the reason where that can't be done.
  virtual std::vector<std::byte> convert(std::span<const std::byte> store, std::string_view to) const = 0;

  /// The whole store in parts: a change that is written part by part, each flushed before the next, leaves a
  /// store that can be loaded wherever it stops.
  virtual std::vector<Range<Bytes>> write_order(std::span<const std::byte> store) const = 0;
};

}  // namespace cv::crypt
