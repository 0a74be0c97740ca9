#include "lib/crypt/luks_tokens.h"

#include <cerrno>

#include <libcryptsetup.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"
#include "lib/crypt/crypt_device.h"
#include "lib/crypt/memory_file.h"

namespace cv::crypt {

namespace {

using KeyslotContext = CHandle<crypt_keyslot_context, crypt_keyslot_context_free>;

/// The order matters: the context lets go of the file before the file goes.
struct Loaded {
  MemoryFile file;
  CryptDevice device;
};

Loaded load(std::span<const std::byte> store) {
  MemoryFile file = MemoryFile::read_only(store);
  CryptDevice device(file.path());
  const int result = crypt_load(device.get(), CRYPT_LUKS2, nullptr);
  if (result < 0) {
    throw Error(Errc::damaged, "these bytes are no luks2 header: {}", device.reason(result))
        .advise("restore the header from a backup");
  }
  return {std::move(file), std::move(device)};
}

}  // namespace

std::vector<KeyToken> LuksTokens::list(std::span<const std::byte> store) const {
  const Loaded loaded = load(store);
  std::vector<KeyToken> tokens;
  for (int number = 0; number < crypt_token_max(CRYPT_LUKS2); ++number) {
    const char* type = nullptr;
    const crypt_token_info status = crypt_token_status(loaded.device.get(), number, &type);
    if (status == CRYPT_TOKEN_INTERNAL || status == CRYPT_TOKEN_EXTERNAL)
      tokens.push_back({.number = number, .type = type == nullptr ? "" : type});
    else if (status == CRYPT_TOKEN_EXTERNAL_UNKNOWN)
      log::debug("no plugin for token {}, of type {}", number, type == nullptr ? "" : type);
  }
  return tokens;
}

TokenAnswer LuksTokens::ask(std::span<const std::byte> store, int number, const SecureBytes* pin) const {
  const Loaded loaded = load(store);
  crypt_device* const device = loaded.device.get();
  const int bytes = crypt_get_volume_key_size(device);
  if (bytes <= 0) return {};  // no slot, so there is nothing a token could open
  crypt_keyslot_context* raw = nullptr;
  int result =
      crypt_keyslot_context_init_by_token(device, number, nullptr, pin == nullptr ? nullptr : pin->data(),
                                          pin == nullptr ? 0 : pin->size(), nullptr, &raw);
  const KeyslotContext context(raw);
  SecureBytes key(static_cast<std::size_t>(bytes));
  std::size_t size = key.size();
  if (result >= 0)
    result =
        crypt_volume_key_get_by_keyslot_context(device, CRYPT_ANY_SLOT, key.data(), &size, context.get());
  if (result == -ENOANO) return {.unlocked = std::nullopt, .wants_pin = true};
  if (result < 0) {
    log::verbose("token {} gives no secret: {}", number, loaded.device.reason(result));
    return {};
  }
  key.shrink(size);
  return {.unlocked = Unlocked{.key = std::move(key), .slot = result}, .wants_pin = false};
}

}  // namespace cv::crypt
