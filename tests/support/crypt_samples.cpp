#include "tests/support/crypt_samples.h"

#include <random>

#include "lib/base/bytes.h"

namespace cv::test {

crypt::SecureBytes secret(std::string_view text) {
  return crypt::SecureBytes::copy_of(bytes_of(text));
}

crypt::SecureBytes sample_key(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  crypt::SecureBytes key(size);
  for (std::byte& byte : key.bytes()) byte = static_cast<std::byte>(random() & 0xff);
  return key;
}

crypt::KdfOptions cheap_kdf() {
  return {.type = "pbkdf2", .iterations = 1000};
}

crypt::FormatRequest cheap_request(std::string_view cipher, std::uint32_t key_bits) {
  return {.attributes = {.cipher = std::string(cipher), .key_bits = key_bits},
          .kdf = cheap_kdf(),
          .region = Bytes(4 * 1024 * 1024 - 4096)};
}

bool equal_bytes(const crypt::SecureBytes& a, const crypt::SecureBytes& b) {
  return crypt::same_secret(a.bytes(), b.bytes());
}

}  // namespace cv::test
