// A block device in memory, and a device that borrows another for a store that wants to own it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/range.h"
#include "lib/device/block_device.h"

namespace cv::test {

class MemoryDevice final : public device::BlockDevice {
 public:
  MemoryDevice(std::string path, Bytes size, Bytes block_size = Bytes(kSectorBytes));
  MemoryDevice(std::string path, std::vector<std::byte> content, Bytes block_size = Bytes(kSectorBytes));

  Bytes size() const override { return Bytes(content_.size()); }
  Bytes block_size() const override { return block_size_; }
  void read(Bytes at, std::span<std::byte> into) override;
  void write(Bytes at, std::span<const std::byte> from) override;
  void flush() override { ++flushes_; }

  std::vector<std::byte>& content() { return content_; }
  const std::vector<std::byte>& content() const { return content_; }
  Bytes bytes_read() const { return bytes_read_; }
  /// Where write() wrote since the last call.
  std::vector<Range<std::size_t>> take_written() { return std::exchange(written_, {}); }
  unsigned flushes() const { return flushes_; }

 private:
  std::vector<std::byte> content_;
  Bytes block_size_;
  Bytes bytes_read_;
  std::vector<Range<std::size_t>> written_;
  unsigned flushes_ = 0;
};

/// Everything goes to `target`, which must outlive it.
class BorrowedDevice final : public device::BlockDevice {
 public:
  explicit BorrowedDevice(device::BlockDevice& target) : BlockDevice(target.path()), target_(target) {}

  Bytes size() const override { return target_.size(); }
  Bytes block_size() const override { return target_.block_size(); }
  void read(Bytes at, std::span<std::byte> into) override { target_.read(at, into); }
  void write(Bytes at, std::span<const std::byte> from) override { target_.write(at, from); }
  void flush() override { target_.flush(); }

 private:
  device::BlockDevice& target_;
};

}  // namespace cv::test
