#include "lib/crypt/secret.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/crypt/registers.h"

namespace cv::crypt {

namespace {

std::size_t whole_pages(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (size > SIZE_MAX - page) throw std::bad_alloc();
  return (size + page - 1) / page * page;
}

}  // namespace

SecureBytes::SecureBytes(std::size_t size) {
  if (size == 0) return;
  const std::size_t length = whole_pages(size);
  void* const pages = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  // Each of these may be refused (RLIMIT_MEMLOCK, an old kernel); the secret is then no worse off than in
  // ordinary memory.
  static_cast<void>(::mlock(pages, length));
  static_cast<void>(::madvise(pages, length, MADV_DONTDUMP));
  static_cast<void>(::madvise(pages, length, MADV_WIPEONFORK));
  data_ = static_cast<std::byte*>(pages);
  size_ = size;
  mapped_ = length;
}

SecureBytes::SecureBytes(SecureBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)) {}

SecureBytes& SecureBytes::operator=(SecureBytes&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapped_ = std::exchange(other.mapped_, 0);
  }
  return *this;
}

SecureBytes::~SecureBytes() {
  release();
}

SecureBytes SecureBytes::copy_of(std::span<const std::byte> bytes) {
  SecureBytes copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.bytes().begin());
  return copy;
}

void SecureBytes::shrink(std::size_t size) {
  CV_ASSERT(size <= size_);
  if (data_ != nullptr) ::explicit_bzero(data_ + size, mapped_ - size);
  size_ = size;
}

void SecureBytes::release() noexcept {
  if (data_ == nullptr) return;
  ::explicit_bzero(data_, mapped_);
  wipe_registers();
  ::munmap(data_, mapped_);
  data_ = nullptr;
  size_ = 0;
  mapped_ = 0;
}

bool same_secret(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != b.size()) return false;
  // volatile: the compiler may not leave the loop at the first difference.
  volatile unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = difference | std::to_integer<unsigned>(a[i] ^ b[i]);
  }
  return difference == 0;
}

void protect_process() {
  const rlimit none{0, 0};
  if (::prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0 || ::setrlimit(RLIMIT_CORE, &none) != 0) {
    throw Error(Errc::kernel, "core dumps of this process can't be switched off: {}", errno_text(errno));
  }
}

}  // namespace cv::crypt
