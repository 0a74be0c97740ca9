#include "lib/crypt/handlers/external.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/key_check.h"

namespace cv::crypt {

namespace {

constexpr std::size_t kLongestName = 64;

/// A key that a handler gave: as long as the cipher wants it, and not a weak one.
void require_good_key(std::string_view handler, const StoreAttributes& attributes, const SecureBytes& key) {
  if (key.size() * 8 != attributes.key_bits)
    throw Error(Errc::damaged, "the key handler {} gave a key of {} bytes, {} are needed", handler,
                key.size(), attributes.key_bits / 8);
  if (CipherSpec::parse(attributes.cipher).has_equal_halves(key.bytes()))
    throw Error(Errc::refused, "the key handler {} gave a key with two equal halves, which weakens XTS",
                handler);
}

}  // namespace

bool is_handler_name(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return !name.empty() && name.size() <= kLongestName && name.front() != '-' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Bytes ExternalHandler::min_region(const StoreAttributes& attributes) const {
  CipherSpec::parse(attributes.cipher).check_key_bits(attributes.key_bits);
  return region_of(attributes);
}

NewStore ExternalHandler::format(const FormatRequest& request, const SecureBytes& secret) const {
  const Bytes least = min_region(request.attributes);
  if (request.region < least)
    throw Error(Errc::no_space, "a store of {} needs {} bytes, there are {}", name(), least.n,
                request.region.n)
        .advise("give the store more extents");
  if (needs_secret() && secret.empty())
    throw Error(Errc::key_file, "the passphrase is empty").advise("give one with at least one byte");
  Made made = make(request, secret);
  if (Bytes(made.bytes.size()) > request.region)
    throw Error(Errc::no_space, "the key handler {} made a store of {} bytes, there is room for {}", name(),
                made.bytes.size(), request.region.n);
  require_good_key(name(), request.attributes, made.key);
  NewStore store{
      .attributes = request.attributes, .bytes = std::move(made.bytes), .key = std::move(made.key)};
  store.attributes.key_check.reset();
  if (request.key_check && !can_tell_keys())
    store.attributes.key_check = make_key_check(store.key, request.kdf.iterations);
  return store;
}

std::optional<Unlocked> ExternalHandler::unlock(std::span<const std::byte> store,
                                                const StoreAttributes& attributes,
                                                const SecureBytes& secret) const {
  auto key = open(store, attributes, secret);
  if (!key) return std::nullopt;
  require_good_key(name(), attributes, *key);
  if (attributes.key_check && !passes_key_check(*attributes.key_check, *key)) return std::nullopt;
  return Unlocked{.key = std::move(*key)};
}

std::optional<bool> ExternalHandler::verify(std::span<const std::byte> store,
                                            const StoreAttributes& attributes, const SecureBytes& key) const {
  if (key.size() * 8 != attributes.key_bits) return false;
  if (const auto known = is_key(store, attributes, key)) return known;
  if (!attributes.key_check) return std::nullopt;
  return passes_key_check(*attributes.key_check, key);
}

}  // namespace cv::crypt
