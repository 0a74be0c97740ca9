#include "lib/crypt/digest.h"

#include <limits>

#include <openssl/evp.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::crypt {

namespace {

using Context = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Algorithm = CHandle<EVP_MD, EVP_MD_free>;

unsigned char* writable_octets(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
const unsigned char* octets(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::optional<std::vector<std::byte>> digest(const std::string& hash, std::span<const std::byte> bytes) {
  const Algorithm algorithm(EVP_MD_fetch(nullptr, hash.c_str(), nullptr));
  const Context context(EVP_MD_CTX_new());
  if (!algorithm || !context) return std::nullopt;
  std::vector<std::byte> result(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  if (EVP_DigestInit_ex(context.get(), algorithm.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), writable_octets(result), &length) != 1) {
    return std::nullopt;
  }
  result.resize(length);
  return result;
}

Sha256 sha256(std::span<const std::byte> bytes) {
  Sha256 result;
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), writable_octets(result), &length, EVP_sha256(), nullptr) != 1 ||
      length != result.size()) {
    throw Error(Errc::unsupported, "libcrypto can't compute SHA-256")
        .advise("check the providers in openssl.cnf");
  }
  return result;
}

SecureBytes pbkdf2_sha256(std::span<const std::byte> secret, std::span<const std::byte> salt,
                          std::uint32_t iterations) {
  constexpr std::size_t kMost = std::numeric_limits<int>::max();
  CV_ASSERT(iterations > 0 && iterations <= kMost && secret.size() <= kMost && salt.size() <= kMost);
  SecureBytes result(sizeof(Sha256));
  // A null secret would mean "no password given"; an empty one is a password like any other.
  const char* const password = secret.empty() ? "" : reinterpret_cast<const char*>(secret.data());
  if (PKCS5_PBKDF2_HMAC(password, static_cast<int>(secret.size()), octets(salt),
                        static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
                        static_cast<int>(result.size()), writable_octets(result.bytes())) != 1) {
    throw Error(Errc::unsupported, "libcrypto can't compute PBKDF2 with SHA-256")
        .advise("check the providers in openssl.cnf");
  }
  return result;
}

}  // namespace cv::crypt
