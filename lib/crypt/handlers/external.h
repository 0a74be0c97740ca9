// The handlers that are looked for by name: objects and programs from elsewhere.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/crypt/external.h"
#include "lib/crypt/key_handler.h"

namespace cv::crypt {

/// Letters a-z, digits and hyphens, no hyphen first, at most 64: what can't lead out of a directory.
bool is_handler_name(std::string_view name);

/// Null where there is no such file. Whether it can be used shows when it is.
std::unique_ptr<KeyHandler> plugin_handler(const std::string& name, const ExternalHandlers& settings);

/// Null where the configuration names no program for it. Whether that can be used shows when it is.
std::unique_ptr<KeyHandler> command_handler(const std::string& name, const ExternalHandlers& settings);

/// What every handler from elsewhere has in common: the judging of what it is asked for, and of what it
/// answers.
class ExternalHandler : public KeyHandler {
 public:
  explicit ExternalHandler(std::string name) : name_(std::move(name)) {}

  std::string_view name() const final { return name_; }
  Bytes min_region(const StoreAttributes& attributes) const final;
  NewStore format(const FormatRequest& request, const SecureBytes& secret) const final;
  std::optional<Unlocked> unlock(std::span<const std::byte> store, const StoreAttributes& attributes,
                                 const SecureBytes& secret) const final;
  std::optional<bool> verify(std::span<const std::byte> store, const StoreAttributes& attributes,
                             const SecureBytes& key) const final;

 protected:
  struct Made {
    std::vector<std::byte> bytes;
    SecureBytes key;
  };
  virtual Bytes region_of(const StoreAttributes& attributes) const = 0;
  virtual Made make(const FormatRequest& request, const SecureBytes& secret) const = 0;
  virtual std::optional<SecureBytes> open(std::span<const std::byte> store, const StoreAttributes& attributes,
                                          const SecureBytes& secret) const = 0;
  /// Nothing where the handler has no way to tell; then the metadata keeps a key_check.
  virtual std::optional<bool> is_key(std::span<const std::byte> store, const StoreAttributes& attributes,
                                     const SecureBytes& key) const = 0;
  virtual bool can_tell_keys() const = 0;

 private:
  std::string name_;
};

}  // namespace cv::crypt
