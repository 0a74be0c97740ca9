#include "tests/unit/memory/short_memory.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace {

std::atomic<std::size_t> used{0};
std::atomic<std::size_t> limit{SIZE_MAX};
std::atomic<bool> refused{false};

void* take(std::size_t bytes) {
  if (bytes > limit || used > limit - bytes) {
    refused = true;
    throw std::bad_alloc();
  }
  void* const block = std::malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  used += malloc_usable_size(block);
  return block;
}

void give_back(void* block) noexcept {
  if (block == nullptr) return;
  used -= malloc_usable_size(block);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t bytes) {
  return take(bytes);
}
void* operator new[](std::size_t bytes) {
  return take(bytes);
}
void operator delete(void* block) noexcept {
  give_back(block);
}
void operator delete[](void* block) noexcept {
  give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
  give_back(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  give_back(block);
}

namespace cv::test {

ShortMemory::ShortMemory(std::size_t bytes) {
  refused = false;
  limit = used + bytes;
}

ShortMemory::~ShortMemory() {
  limit = SIZE_MAX;
}

bool ShortMemory::ran_out() const {
  return refused;
}

}  // namespace cv::test
