// Tokens in a store's header that know a secret of it: a TPM, a security key, a key in the kernel's keyring.
// For handlers whose stores have them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/crypt/key_handler.h"
#include "lib/crypt/secret.h"

namespace cv::crypt {

struct KeyToken {
  int number = 0;
  std::string type;  ///< "systemd-tpm2", "luks2-keyring", ...
  friend bool operator==(const KeyToken&, const KeyToken&) = default;
};

/// What came of asking a token.
struct TokenAnswer {
  std::optional<Unlocked> unlocked;
  bool wants_pin = false;  ///< there was none, or it was wrong
};

/// Bytes in, like KeyHandler; never writes. Every function throws Errc::damaged where the bytes are no store.
class KeyTokens {
 public:
  virtual ~KeyTokens() = default;

  /// Those that what is installed here can ask, ascending.
  virtual std::vector<KeyToken> list(std::span<const std::byte> store) const = 0;

  /// Asks one token of list(). `pin`: null for none. A token whose device is not there, and one whose secret
  /// opens no slot, gives an empty answer; why is in the log.
  virtual TokenAnswer ask(std::span<const std::byte> store, int number, const SecureBytes* pin) const = 0;
};

}  // namespace cv::crypt
