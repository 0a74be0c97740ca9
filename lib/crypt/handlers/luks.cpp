#include <algorithm>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/handlers/handlers.h"
#include "lib/crypt/luks_header.h"
#include "lib/crypt/luks_slots.h"
#include "lib/crypt/luks_tokens.h"

namespace cv::crypt {

namespace {

constexpr std::string_view kDefaultHash = "sha512";

class Luks final : public KeyHandler {
 public:
  explicit Luks(LuksVersion version) : version_(version), slots_(version) {}

  std::string_view name() const override { return name_of(version_); }

  Bytes min_region(const StoreAttributes& attributes) const override {
    return min_luks_region(version_, attributes);
  }

  NewStore format(const FormatRequest& request, const SecureBytes& secret) const override {
    const Bytes least = min_region(request.attributes);
    if (request.region < least) {
      throw Error(Errc::no_space, "a {} header needs {} bytes, the store has {}", name(), least.n,
                  request.region.n)
          .advise("give the store more extents");
    }
    if (secret.empty()) {
      throw Error(Errc::key_file, "the passphrase is empty").advise("give one with at least one byte");
    }
    FormatRequest completed = request;
    if (completed.attributes.hash.empty()) completed.attributes.hash = kDefaultHash;
    SecureBytes key = random_key(completed.attributes);
    auto bytes = format_luks(version_, completed, key, secret);
    return {.attributes = completed.attributes, .bytes = std::move(bytes), .key = std::move(key)};
  }

  std::optional<Unlocked> unlock(std::span<const std::byte> store, const StoreAttributes& attributes,
                                 const SecureBytes& secret) const override {
    auto unlocked = loaded(store, attributes).unlock(secret);
    if (unlocked && CipherSpec::parse(attributes.cipher).has_equal_halves(unlocked->key.bytes())) {
      throw Error(Errc::refused, "the {} header holds a key with two equal halves, which weakens XTS", name())
          .advise("open it with cryptsetup, and copy what is there to a new volume");
    }
    return unlocked;
  }

  std::optional<bool> verify(std::span<const std::byte> store, const StoreAttributes& attributes,
                             const SecureBytes& key) const override {
    return loaded(store, attributes).verify(key);
  }

  const KeySlots* key_slots() const override { return &slots_; }

  const KeyTokens* tokens() const override { return version_ == LuksVersion::luks2 ? &tokens_ : nullptr; }

 private:
  /// The metadata's key size is a promise about tables; 0 (seed form) leaves it to the header.
  LuksHeader loaded(std::span<const std::byte> store, const StoreAttributes& attributes) const {
    LuksHeader header(store, version_);
    const std::uint32_t bits = header.key_bits();
    if (attributes.key_bits != 0 && bits != 0 && bits != attributes.key_bits) {
      throw Error(Errc::damaged, "the {} header holds a key of {} bits, the metadata says {}", name(), bits,
                  attributes.key_bits)
          .advise("restore the store or the metadata from a backup");
    }
    return header;
  }

  LuksVersion version_;
  LuksSlots slots_;
  LuksTokens tokens_;
};

}  // namespace

std::unique_ptr<KeyHandler> luks_handler(LuksVersion version) {
  return std::make_unique<Luks>(version);
}

}  // namespace cv::crypt
