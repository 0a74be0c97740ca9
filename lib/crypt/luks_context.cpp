#include "lib/crypt/luks_context.h"

#include <libcryptsetup.h>

#include "lib/base/error.h"

namespace cv::crypt {

const char* type_of(LuksVersion version) {
  return version == LuksVersion::luks1 ? CRYPT_LUKS1 : CRYPT_LUKS2;
}

[[noreturn]] void throw_format_failed(LuksVersion version, const CryptDevice& device, int result) {
  throw Error(Errc::unsupported, "libcryptsetup can't make a {} header: {}", name_of(version),
              device.reason(result))
      .advise("use another cipher, hash or key derivation, or --handler plain");
}

void set_kdf(const CryptDevice& device, LuksVersion version, const KdfOptions& options,
             const std::string& hash) {
  const char* const type = options.type.empty() ? nullptr : options.type.c_str();
  if (version == LuksVersion::luks1 && type != nullptr && options.type != CRYPT_KDF_PBKDF2) {
    throw Error(Errc::unsupported, "luks1 knows no key derivation but pbkdf2").advise("use --handler luks2");
  }
  const crypt_pbkdf_type* const known =
      type != nullptr ? crypt_get_pbkdf_type_params(type) : crypt_get_pbkdf_default(type_of(version));
  if (known == nullptr) {
    throw Error(Errc::unsupported, "there is no key derivation \"{}\"", options.type)
        .advise("use pbkdf2, argon2i or argon2id");
  }
  crypt_pbkdf_type kdf = *known;
  if (!hash.empty()) kdf.hash = hash.c_str();
  if (options.memory_kib != 0) kdf.max_memory_kb = options.memory_kib;
  if (options.parallel != 0) kdf.parallel_threads = options.parallel;
  if (options.milliseconds != 0) kdf.time_ms = options.milliseconds;
  if (options.iterations != 0) {
    kdf.iterations = options.iterations;
    kdf.time_ms = 0;
    kdf.flags |= CRYPT_PBKDF_NO_BENCHMARK;
  }
  const int result = crypt_set_pbkdf_type(device.get(), &kdf);
  if (result < 0) throw_format_failed(version, device, result);
}

}  // namespace cv::crypt
