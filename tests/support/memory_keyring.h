// A keyring in memory, with a clock that the test moves.
#pragma once

#include <map>

#include "lib/crypt/keyring.h"

namespace cv::test {

class MemoryKeyring final : public crypt::Keyring {
 public:
  bool available() override { return available_; }
  void add(const std::string& description, const crypt::SecureBytes& key,
           std::optional<std::chrono::seconds> limit) override;
  bool find(const std::string& description) override;
  void set_limit(const std::string& description, std::optional<std::chrono::seconds> limit) override;
  void invalidate(const std::string& description) override;

  void set_available(bool available) { available_ = available; }
  void advance(std::chrono::seconds time);
  /// The key as the kernel would use it; null where there is none.
  const crypt::SecureBytes* key(const std::string& description);
  /// How long it has left; nullopt: for ever, or no such key.
  std::optional<std::chrono::seconds> time_left(const std::string& description);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    crypt::SecureBytes key;
    std::optional<std::chrono::seconds> expiry;
  };
  std::optional<std::chrono::seconds> expiry_after(std::optional<std::chrono::seconds> limit) const;

  std::map<std::string, Entry> entries_;
  std::chrono::seconds now_{0};
  bool available_ = true;
};

}  // namespace cv::test
