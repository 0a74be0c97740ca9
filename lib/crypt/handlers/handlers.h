// The handlers that are compiled in, one function each; the list is builtin.cpp.
#pragma once

#include <memory>

#include "lib/crypt/key_handler.h"
#include "lib/crypt/luks_layout.h"

namespace cv::crypt {

/// As many random bits as the attributes say, with unequal halves where the cipher is XTS.
SecureBytes random_key(const StoreAttributes& attributes);

/// The secret is the master key itself.
std::unique_ptr<KeyHandler> plain_handler();
/// The master key is a hash of the secret, as in cryptsetup's plain mode.
std::unique_ptr<KeyHandler> hashed_handler();
/// The store holds a LUKS header.
std::unique_ptr<KeyHandler> luks_handler(LuksVersion version);

}  // namespace cv::crypt
