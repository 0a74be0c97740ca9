// A libcryptsetup context whose messages go to our log and which remembers why it failed.
#pragma once

#include <memory>
#include <string>

#include <libcryptsetup.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::crypt {

class CryptDevice {
 public:
  /// Without a device: for plain-mode hashing.
  CryptDevice();
  explicit CryptDevice(const std::string& header);
  /// `header` apart from `data`, so that the payload begins at 0.
  CryptDevice(const std::string& header, const std::string& data);

  crypt_device* get() const { return device_.get(); }
  /// The last complaint of libcryptsetup, else the text of `result` (a negative errno); as a clause.
  std::string reason(int result) const;

 private:
  CryptDevice(const char* header, const char* data);

  std::unique_ptr<std::string> complaint_;  ///< on the heap: the C side keeps its address
  CHandle<crypt_device, crypt_free> device_;
};

}  // namespace cv::crypt
