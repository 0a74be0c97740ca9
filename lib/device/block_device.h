// Bytes on a block device or in a regular file that stands for one.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "lib/base/units.h"

namespace cv::device {

/// Reads and writes at any byte position and length; an implementation with larger blocks than the request
/// reads, changes and writes whole blocks itself. Positions beyond size() throw Errc::io.
class BlockDevice {
 public:
  explicit BlockDevice(std::string path) : path_(std::move(path)) {}
  virtual ~BlockDevice() = default;
  BlockDevice(const BlockDevice&) = delete;
  BlockDevice& operator=(const BlockDevice&) = delete;

  /// As the person or the scan named it; for messages and as LVM2's device hint.
  const std::string& path() const { return path_; }

  virtual Bytes size() const = 0;
  /// Logical block size in bytes: 512 or 4096.
  virtual Bytes block_size() const = 0;
  virtual void read(Bytes at, std::span<std::byte> into) = 0;
  virtual void write(Bytes at, std::span<const std::byte> from) = 0;
  /// As writing zeroes. Where the device can, it does so itself, without giving up space that it has not
  /// taken.
  virtual void zero(Bytes at, Bytes length);
  /// Returns when everything written before is on stable storage.
  virtual void flush() = 0;

 private:
  std::string path_;
};

enum class Access { read_only, read_write };

/// Opens a block device or a regular file without its page cache where it allows that. Throws
/// Errc::not_found, Errc::io, and Errc::unsupported for what is neither.
std::unique_ptr<BlockDevice> open_device(const std::string& path, Access access);

}  // namespace cv::device
