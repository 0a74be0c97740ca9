#include "lib/base/heap.h"

#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>
#include <unistd.h>

namespace cv {

void expect_allocations(std::size_t bytes) noexcept {
  constexpr std::size_t kMost = std::size_t{24} << 20;
  if (bytes > kMost) return;
  // One piece at the end of the heap, given back at once: the pages stay.
  void* const piece = std::malloc(bytes);
  if (piece == nullptr) return;
#ifdef MADV_POPULATE_WRITE
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(piece);
  const std::uintptr_t begin = (first + page - 1) / page * page;
  const std::uintptr_t end = (first + bytes) / page * page;
  if (begin < end) (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
#endif
  std::free(piece);
}

}  // namespace cv
