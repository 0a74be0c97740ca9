#include <libcryptsetup.h>

#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/crypt_device.h"
#include "lib/crypt/handlers/handlers.h"
#include "lib/crypt/key_check.h"

namespace cv::crypt {

namespace {

constexpr std::string_view kDefaultHash = "sha512";

/// Exactly what cryptsetup's plain mode makes of a passphrase: libcryptsetup does it, on no device.
SecureBytes hashed_key(const StoreAttributes& attributes, const SecureBytes& secret) {
  const CipherSpec cipher = CipherSpec::parse(attributes.cipher);
  cipher.check_key_bits(attributes.key_bits);
  const CryptDevice device;
  crypt_params_plain params{};
  params.hash = attributes.hash.c_str();
  params.sector_size = attributes.sector_bytes;
  SecureBytes key(attributes.key_bits / 8);
  std::size_t size = key.size();
  int result = crypt_format(device.get(), CRYPT_PLAIN, cipher.header_cipher().c_str(),
                            cipher.header_mode().c_str(), nullptr, nullptr, size, &params);
  if (result >= 0) {
    result =
        crypt_volume_key_get(device.get(), CRYPT_ANY_SLOT, key.data(), &size, secret.data(), secret.size());
  }
  if (result < 0) {
    throw Error(Errc::unsupported, "the passphrase can't be hashed with \"{}\": {}", attributes.hash,
                device.reason(result))
        .advise("use another --hash, as in sha512");
  }
  return key;
}

void check_secret(const SecureBytes& secret) {
  if (secret.empty()) {
    throw Error(Errc::key_file, "the passphrase is empty").advise("give one with at least one byte");
  }
}

class Hashed final : public KeyHandler {
 public:
  std::string_view name() const override { return "hashed"; }

  Bytes min_region(const StoreAttributes& attributes) const override {
    CipherSpec::parse(attributes.cipher).check_key_bits(attributes.key_bits);
    return Bytes(0);
  }

  NewStore format(const FormatRequest& request, const SecureBytes& secret) const override {
    NewStore store{.attributes = request.attributes, .bytes = {}, .key = {}};
    if (store.attributes.hash.empty()) store.attributes.hash = kDefaultHash;
    if (store.attributes.hash.starts_with("plain")) {
      throw Error(Errc::unsupported, "hash \"{}\" would use the passphrase as the key", store.attributes.hash)
          .advise("use --handler plain with a key file, or another --hash");
    }
    check_secret(secret);
    store.key = hashed_key(store.attributes, secret);
    store.attributes.key_check.reset();
    if (request.key_check) store.attributes.key_check = make_key_check(store.key, request.kdf.iterations);
    return store;
  }

  std::optional<Unlocked> unlock(std::span<const std::byte> store, const StoreAttributes& attributes,
                                 const SecureBytes& secret) const override {
    check_secret(secret);
    SecureBytes key = hashed_key(attributes, secret);
    if (verify(store, attributes, key) == false) return std::nullopt;
    return Unlocked{.key = std::move(key)};
  }

  std::optional<bool> verify(std::span<const std::byte>, const StoreAttributes& attributes,
                             const SecureBytes& key) const override {
    if (key.size() * 8 != attributes.key_bits) return false;
    if (!attributes.key_check) return std::nullopt;
    return passes_key_check(*attributes.key_check, key);
  }
};

}  // namespace

std::unique_ptr<KeyHandler> hashed_handler() {
  return std::make_unique<Hashed>();
}

}  // namespace cv::crypt
