// Secrets and cheap store requests for tests.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/crypt/key_handler.h"
#include "lib/crypt/secret.h"

namespace cv::test {

crypt::SecureBytes secret(std::string_view text);
/// `size` bytes that are not all the same; another `seed`, other bytes.
crypt::SecureBytes sample_key(std::size_t size, unsigned seed = 1);
/// The cheapest derivation that libcryptsetup accepts.
crypt::KdfOptions cheap_kdf();
/// A request with a cheap derivation and 4 MiB - 4096 of room.
crypt::FormatRequest cheap_request(std::string_view cipher = "aes-xts-plain64", std::uint32_t key_bits = 512);
bool equal_bytes(const crypt::SecureBytes& a, const crypt::SecureBytes& b);

}  // namespace cv::test
