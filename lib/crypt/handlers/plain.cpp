#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/handlers/bare_store.h"
#include "lib/crypt/handlers/handlers.h"

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

class Plain final : public BareStore {
 public:
  std::string_view name() const override { return "plain"; }

  NewStore format(const FormatRequest& request, const SecureBytes& secret) const override {
    static_cast<void>(min_region(request.attributes));
    check_master_key(request.attributes, secret);
    return store_of(request, secret.clone());
  }

  std::optional<Unlocked> unlock(std::span<const std::byte> store, const StoreAttributes& attributes,
                                 const SecureBytes& secret) const override {
    check_master_key(attributes, secret);
    if (verify(store, attributes, secret) == false) return std::nullopt;
    return Unlocked{.key = secret.clone()};
  }
};

}  // namespace

std::unique_ptr<KeyHandler> plain_handler() {
  return std::make_unique<Plain>();
}

}  // namespace cv::crypt
