// What making a LUKS header and changing one both ask of libcryptsetup. For files of this folder only.
#pragma once

#include <string>

#include "lib/crypt/crypt_device.h"
#include "lib/crypt/key_handler.h"
#include "lib/crypt/luks_layout.h"

namespace cv::crypt {

/// CRYPT_LUKS1 or CRYPT_LUKS2.
const char* type_of(LuksVersion version);

/// How the next key slot is derived; an empty `hash`: libcryptsetup's default. Throws Errc::unsupported.
void set_kdf(const CryptDevice& device, LuksVersion version, const KdfOptions& options,
             const std::string& hash);

[[noreturn]] void throw_format_failed(LuksVersion version, const CryptDevice& device, int result);

}  // namespace cv::crypt
