#include "lib/crypt/handlers/bare_store.h"

#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/key_check.h"

namespace cv::crypt {

Bytes BareStore::min_region(const StoreAttributes& attributes) const {
  CipherSpec::parse(attributes.cipher).check_key_bits(attributes.key_bits);
  return Bytes(0);
}

std::optional<bool> BareStore::verify(std::span<const std::byte>, const StoreAttributes& attributes,
                                      const SecureBytes& key) const {
  if (key.size() * 8 != attributes.key_bits) return false;
  if (!attributes.key_check) return std::nullopt;
  return passes_key_check(*attributes.key_check, key);
}

NewStore BareStore::store_of(const FormatRequest& request, SecureBytes key) {
  NewStore store{.attributes = request.attributes, .bytes = {}, .key = std::move(key)};
  store.attributes.key_check.reset();
  if (request.key_check) store.attributes.key_check = make_key_check(store.key, request.kdf.iterations);
  return store;
}

}  // namespace cv::crypt
