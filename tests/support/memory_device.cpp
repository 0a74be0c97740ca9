#include "tests/support/memory_device.h"

#include <algorithm>

#include "lib/base/error.h"

namespace cv::test {
namespace {

void check_bounds(const device::BlockDevice& device, Bytes at, std::size_t length) {
  if (length > device.size().n || at.n > device.size().n - length)
    throw Error(Errc::io, "{} has {} bytes, not {} at {}", device.path(), device.size().n, length, at.n);
}

}  // namespace

MemoryDevice::MemoryDevice(std::string path, Bytes size, Bytes block_size)
    : BlockDevice(std::move(path)), content_(static_cast<std::size_t>(size.n)), block_size_(block_size) {}

MemoryDevice::MemoryDevice(std::string path, std::vector<std::byte> content, Bytes block_size)
    : BlockDevice(std::move(path)), content_(std::move(content)), block_size_(block_size) {}

void MemoryDevice::read(Bytes at, std::span<std::byte> into) {
  check_bounds(*this, at, into.size());
  std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(at.n), into.size(), into.begin());
  bytes_read_ += Bytes(into.size());
}

void MemoryDevice::write(Bytes at, std::span<const std::byte> from) {
  check_bounds(*this, at, from.size());
  std::copy(from.begin(), from.end(), content_.begin() + static_cast<std::ptrdiff_t>(at.n));
  written_.push_back({at.n, at.n + from.size()});
}

}  // namespace cv::test
