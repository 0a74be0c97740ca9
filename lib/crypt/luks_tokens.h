// Tokens of LUKS2 headers, through libcryptsetup and its plugins, on a file in memory.
#pragma once

#include "lib/crypt/key_tokens.h"

namespace cv::crypt {

/// libcryptsetup loads a plugin by the token's type, from its own folder alone.
class LuksTokens final : public KeyTokens {
 public:
  std::vector<KeyToken> list(std::span<const std::byte> store) const override;
  TokenAnswer ask(std::span<const std::byte> store, int number, const SecureBytes* pin) const override;
};

}  // namespace cv::crypt
