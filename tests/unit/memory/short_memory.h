// A program that runs out of memory where a test wants it to. Only for programs that link short_memory.cpp,
// which replaces operator new.
#pragma once

#include <cstddef>

namespace cv::test {

/// As long as it lives, operator new gives `bytes` more than are in use, and then throws std::bad_alloc.
class ShortMemory {
 public:
  explicit ShortMemory(std::size_t bytes);
  ~ShortMemory();
  ShortMemory(const ShortMemory&) = delete;
  ShortMemory& operator=(const ShortMemory&) = delete;

  /// Whether anything was refused.
  bool ran_out() const;
};

}  // namespace cv::test
