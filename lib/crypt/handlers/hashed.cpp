#include <libcryptsetup.h>

#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/crypt_device.h"
#include "lib/crypt/handlers/bare_store.h"
#include "lib/crypt/handlers/handlers.h"

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
  // A hash that was cut short ("sha512:0") leaves a key of zeros.
  if (cipher.has_equal_halves(key.bytes())) {
    throw Error(Errc::key_file, "the hash \"{}\" makes a key with two equal halves, which weakens XTS",
                attributes.hash)
        .advise("use a --hash that is as long as the key, as in sha512");
  }
  return key;
}

void check_secret(const SecureBytes& secret) {
  if (secret.empty()) {
    throw Error(Errc::key_file, "the passphrase is empty").advise("give one with at least one byte");
  }
}

class Hashed final : public BareStore {
 public:
  std::string_view name() const override { return "hashed"; }

  NewStore format(const FormatRequest& asked, const SecureBytes& secret) const override {
    FormatRequest request = asked;
    std::string& hash = request.attributes.hash;
    if (hash.empty()) hash = kDefaultHash;
    if (hash.starts_with("plain")) {
      throw Error(Errc::unsupported, "hash \"{}\" would use the passphrase as the key", hash)
          .advise("use --handler plain with a key file, or another --hash");
    }
    check_secret(secret);
    return store_of(request, hashed_key(request.attributes, secret));
  }

  std::optional<Unlocked> unlock(std::span<const std::byte> store, const StoreAttributes& attributes,
                                 const SecureBytes& secret) const override {
    check_secret(secret);
    SecureBytes key = hashed_key(attributes, secret);
    if (verify(store, attributes, key) == false) return std::nullopt;
    return Unlocked{.key = std::move(key)};
  }
};

}  // namespace

std::unique_ptr<KeyHandler> hashed_handler() {
  return std::make_unique<Hashed>();
}

}  // namespace cv::crypt
