#include "tests/support/memory_keyring.h"

#include "lib/base/error.h"

namespace cv::test {

namespace {

// What the kernel asks of a logon key: "prefix:rest", 1 to 32767 bytes.
void check_as_the_kernel_does(const std::string& description, const crypt::SecureBytes& key) {
  const std::size_t colon = description.find(':');
  const bool possible = colon != std::string::npos && colon != 0 && !key.empty() && key.size() <= 32767;
  if (!possible) throw Error(Errc::kernel, "the keyring refused to take the key {}", description);
}

}  // namespace

std::optional<std::chrono::seconds> MemoryKeyring::expiry_after(
    std::optional<std::chrono::seconds> limit) const {
  if (!limit) return std::nullopt;
  return now_ + *limit;
}

void MemoryKeyring::add(const std::string& description, const crypt::SecureBytes& key,
                        std::optional<std::chrono::seconds> limit) {
  if (!available_) throw Error(Errc::kernel, "the keyring refused to take the key {}", description);
  check_as_the_kernel_does(description, key);
  entries_.insert_or_assign(description, Entry{.key = key.clone(), .expiry = expiry_after(limit)});
}

bool MemoryKeyring::find(const std::string& description) {
  return key(description) != nullptr;
}

void MemoryKeyring::set_limit(const std::string& description, std::optional<std::chrono::seconds> limit) {
  const auto found = entries_.find(description);
  if (found != entries_.end()) found->second.expiry = expiry_after(limit);
}

void MemoryKeyring::invalidate(const std::string& description) {
  entries_.erase(description);
}

void MemoryKeyring::advance(std::chrono::seconds time) {
  now_ += time;
  std::erase_if(entries_,
                [&](const auto& item) { return item.second.expiry && *item.second.expiry <= now_; });
}

const crypt::SecureBytes* MemoryKeyring::key(const std::string& description) {
  const auto found = entries_.find(description);
  return found == entries_.end() ? nullptr : &found->second.key;
}

std::optional<std::chrono::seconds> MemoryKeyring::time_left(const std::string& description) {
  const auto found = entries_.find(description);
  if (found == entries_.end() || !found->second.expiry) return std::nullopt;
  return *found->second.expiry - now_;
}

}  // namespace cv::test
