// Keys and passphrases: memory of their own that is locked, kept out of dumps, wiped.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace cv::crypt {

/// Owns secret bytes in pages of its own: mmap, mlock (a refusal is tolerated, as cryptsetup does),
/// MADV_DONTDUMP, MADV_WIPEONFORK, explicit_bzero before they go back. Move-only; never printed.
class SecureBytes {
 public:
  SecureBytes() = default;
  /// `size` zero bytes.
  explicit SecureBytes(std::size_t size);
  SecureBytes(SecureBytes&& other) noexcept;
  SecureBytes& operator=(SecureBytes&& other) noexcept;
  ~SecureBytes();

  static SecureBytes copy_of(std::span<const std::byte> bytes);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<std::byte> bytes() { return {data_, size_}; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// For C interfaces that want char pointers.
  char* data() { return reinterpret_cast<char*>(data_); }
  const char* data() const { return reinterpret_cast<const char*>(data_); }

  SecureBytes clone() const { return copy_of(bytes()); }
  /// Keeps the first `size` bytes (size <= size()) and wipes the rest.
  void shrink(std::size_t size);

 private:
  void release() noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;
};

/// Compares in a time that depends on the lengths only.
bool same_secret(std::span<const std::byte> a, std::span<const std::byte> b);

/// Switches core dumps and ptrace by others off for this process. Call before the first secret is read.
void protect_process();

}  // namespace cv::crypt
