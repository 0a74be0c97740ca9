// Digests, for checksums and key checks; computed by libcrypto.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/crypt/secret.h"

namespace cv::crypt {

using Sha256 = std::array<std::byte, 32>;

Sha256 sha256(std::span<const std::byte> bytes);

/// By libcrypto's name of the hash ("sha1", "sha512", ...); nothing where it has none of that name.
std::optional<std::vector<std::byte>> digest(const std::string& hash, std::span<const std::byte> bytes);

/// PBKDF2 with HMAC-SHA-256: 32 bytes. `iterations` is not zero. What comes of a secret is one itself: it is
/// compared with same_secret(), and there is no other way to.
SecureBytes pbkdf2_sha256(std::span<const std::byte> secret, std::span<const std::byte> salt,
                          std::uint32_t iterations);

}  // namespace cv::crypt
