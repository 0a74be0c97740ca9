// What plain and hashed have in common: their stores keep no bytes, and only the key_check of the metadata
// can tell a right key from a wrong one.
#pragma once

#include "lib/crypt/key_handler.h"

namespace cv::crypt {

class BareStore : public KeyHandler {
 public:
  Bytes min_region(const StoreAttributes& attributes) const final;
  std::optional<bool> verify(std::span<const std::byte> store, const StoreAttributes& attributes,
                             const SecureBytes& key) const final;

 protected:
  /// A store of that key, with a key_check where one is asked for.
  static NewStore store_of(const FormatRequest& request, SecureBytes key);
};

}  // namespace cv::crypt
