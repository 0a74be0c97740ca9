// The digest of a master key that the metadata keeps for handlers whose stores have none, so that a wrong
// key is refused instead of turning data into noise.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/crypt/secret.h"

namespace cv::crypt {

/// What a check costs where nobody asks for less: about 30 ms.
inline constexpr std::uint32_t kKeyCheckIterations = 100'000;

/// "pbkdf2:sha256:ITERATIONS:SALT:DIGEST" with a random salt; `iterations` 0: the default.
std::string make_key_check(const SecureBytes& key, std::uint32_t iterations = 0);

/// Throws Errc::damaged where `check` is not of that form, Errc::unsupported where it asks for another
/// derivation.
bool passes_key_check(std::string_view check, const SecureBytes& key);

}  // namespace cv::crypt
