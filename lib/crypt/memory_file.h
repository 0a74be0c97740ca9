// A file that exists in memory only and can't change its size: what libcryptsetup works on.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "lib/base/handle.h"
#include "lib/base/units.h"

namespace cv::crypt {

/// A sealed memfd. Unsealed, libcryptsetup would let a LUKS header grow past the store it came from, and
/// repair a damaged copy while it is only asked to unlock.
class MemoryFile {
 public:
  /// Can be read only, from now on, by everyone.
  static MemoryFile read_only(std::span<const std::byte> contents);
  static MemoryFile zeros(Bytes size);
  /// May be changed, and keeps its size.
  static MemoryFile copy_of(std::span<const std::byte> contents);

  /// "/proc/self/fd/N": valid in this process while the object lives.
  std::string path() const;
  std::vector<std::byte> contents() const;

 private:
  explicit MemoryFile(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace cv::crypt
