// Master keys in the kernel's keyring, where dm-crypt finds them and nobody can read them back.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "lib/crypt/secret.h"

namespace cv::crypt {

class Keyring {
 public:
  virtual ~Keyring() = default;

  /// Whether the kernel has logon keys at all.
  virtual bool available() = 0;
  /// Adds or replaces the logon key `description` in the user keyring; it goes after `limit`.
  virtual void add(const std::string& description, const SecureBytes& key,
                   std::optional<std::chrono::seconds> limit) = 0;
  /// Searches the user keyring and links the key to this thread's keyring, so that a table load finds it also
  /// from a private session keyring. False where there is none, or where it is expired or revoked.
  virtual bool find(const std::string& description) = 0;
  /// Sets the time after which the key goes; nullopt: never.
  virtual void set_limit(const std::string& description, std::optional<std::chrono::seconds> limit) = 0;
  /// Removes the key everywhere at once. No such key: nothing happens.
  virtual void invalidate(const std::string& description) = 0;
};

std::unique_ptr<Keyring> kernel_keyring();

}  // namespace cv::crypt
