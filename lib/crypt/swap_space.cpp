#include "lib/crypt/swap_space.h"

#include <cerrno>
#include <fstream>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/undo.h"

namespace cv::crypt {

namespace {

bool has_swap(const std::string& swaps) {
  std::ifstream file(swaps);
  std::string line;
  return std::getline(file, line) && std::getline(file, line);
}

}  // namespace

std::optional<std::string> why_secrets_may_be_swapped(const std::string& swaps) {
  if (!has_swap(swaps)) return std::nullopt;
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return errno_text(errno);
  const Undo unmap([&] { ::munmap(page, size); });
  // mlock() itself does nothing where the address sanitizer is linked in.
  if (::syscall(SYS_mlock, page, size) == 0) return std::nullopt;
  return errno_text(errno);
}

}  // namespace cv::crypt
