#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/handlers/handlers.h"
#include "lib/crypt/key_check.h"

namespace cv::crypt {

namespace {

/// Throws where `secret` can't be a master key of that store.
void check_master_key(const StoreAttributes& attributes, const SecureBytes& secret) {
  if (secret.size() * 8 != attributes.key_bits) {
    throw Error(Errc::key_file, "the key has {} bytes, {} are needed", secret.size(), attributes.key_bits / 8)
        .advise("give the master key itself, without a newline; for a passphrase use another handler");
  }
  if (CipherSpec::parse(attributes.cipher).has_equal_halves(secret.bytes())) {
    throw Error(Errc::key_file, "both halves of the key are the same, which weakens XTS")
        .advise("make a new key from /dev/urandom");
  }
}

class Plain final : public KeyHandler {
 public:
  std::string_view name() const override { return "plain"; }

  Bytes min_region(const StoreAttributes& attributes) const override {
    CipherSpec::parse(attributes.cipher).check_key_bits(attributes.key_bits);
    return Bytes(0);
  }

  NewStore format(const FormatRequest& request, const SecureBytes& secret) const override {
    static_cast<void>(min_region(request.attributes));
    check_master_key(request.attributes, secret);
    NewStore store{.attributes = request.attributes, .bytes = {}, .key = secret.clone()};
    store.attributes.key_check.reset();
    if (request.key_check) store.attributes.key_check = make_key_check(secret, request.kdf.iterations);
    return store;
  }

  std::optional<Unlocked> unlock(std::span<const std::byte> store, const StoreAttributes& attributes,
                                 const SecureBytes& secret) const override {
    check_master_key(attributes, secret);
    if (verify(store, attributes, secret) == false) return std::nullopt;
    return Unlocked{.key = secret.clone()};
  }

  std::optional<bool> verify(std::span<const std::byte>, const StoreAttributes& attributes,
                             const SecureBytes& key) const override {
    if (key.size() * 8 != attributes.key_bits) return false;
    if (!attributes.key_check) return std::nullopt;
    return passes_key_check(*attributes.key_check, key);
  }
};

}  // namespace

std::unique_ptr<KeyHandler> plain_handler() {
  return std::make_unique<Plain>();
}

}  // namespace cv::crypt
