#include "lib/device/block_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::device {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kBounceBytes = std::size_t{1} << 20;

/// Memory as O_DIRECT wants it, whatever the device's own alignment is.
struct alignas(kPageBytes) Page {
  std::array<std::byte, kPageBytes> bytes;
};

class Bounce {
 public:
  explicit Bounce(std::size_t bytes) : pages_((bytes + kPageBytes - 1) / kPageBytes) {}
  std::span<std::byte> first(std::size_t bytes) { return {pages_.front().bytes.data(), bytes}; }

 private:
  std::vector<Page> pages_;
};

/// A run of whole blocks around the part of a request that is handled in one go.
struct Chunk {
  std::uint64_t begin;  ///< of the blocks
  std::size_t length;   ///< of the blocks
  std::size_t skipped;  ///< bytes in front of the request
  std::size_t wanted;   ///< bytes of the request
};

class FileDevice final : public BlockDevice {
 public:
  FileDevice(std::string path, Fd fd, Bytes size, Bytes block, bool direct)
      : BlockDevice(std::move(path)), fd_(std::move(fd)), size_(size), block_(block), direct_(direct) {}

  Bytes size() const override { return size_; }
  Bytes block_size() const override { return block_; }

  void read(Bytes at, std::span<std::byte> into) override {
    check_bounds(at, into.size(), "read");
    if (!direct_) return read_at(at.n, into);
    each_chunk(at, into.size(), [&](const Chunk& chunk, std::size_t done, std::span<std::byte> blocks) {
      read_at(chunk.begin, blocks);
      std::memcpy(into.data() + done, blocks.data() + chunk.skipped, chunk.wanted);
    });
  }

  void write(Bytes at, std::span<const std::byte> from) override {
    check_bounds(at, from.size(), "write");
    if (!direct_) return write_at(at.n, from);
    each_chunk(at, from.size(), [&](const Chunk& chunk, std::size_t done, std::span<std::byte> blocks) {
      read_borders(chunk, blocks);
      std::memcpy(blocks.data() + chunk.skipped, from.data() + done, chunk.wanted);
      write_at(chunk.begin, blocks);
    });
  }

  void zero(Bytes at, Bytes length) override {
    check_bounds(at, static_cast<std::size_t>(length.n), "write");
    std::array<std::uint64_t, 2> range{at.n, length.n};
    const bool is_whole = (at % block_).n == 0 && (length % block_).n == 0;
    if (is_whole && ::ioctl(fd_.get(), BLKZEROOUT, range.data()) == 0) return;
    BlockDevice::zero(at, length);
  }

  void flush() override {
    if (::fdatasync(fd_.get()) != 0) throw Error(Errc::io, "can't flush {}: {}", path(), errno_text(errno));
  }

 private:
  void check_bounds(Bytes at, std::size_t length, std::string_view deed) const {
    if (length > size_.n || at.n > size_.n - length)
      throw Error(Errc::io, "can't {} {} bytes at {} of {}, which has {} bytes", deed, length, at.n, path(),
                  size_.n);
  }

  template <class Work>
  void each_chunk(Bytes at, std::size_t length, Work&& work) const {
    if (length == 0) return;
    Bounce bounce(std::min(kBounceBytes, length + 2 * static_cast<std::size_t>(block_.n)));
    for (std::size_t done = 0; done < length;) {
      const Bytes position(at.n + done);
      const Bytes begin = round_down(position, block_);
      const auto skipped = static_cast<std::size_t>(position.n - begin.n);
      const std::size_t wanted = std::min(length - done, kBounceBytes - skipped);
      const auto whole = static_cast<std::size_t>(round_up(Bytes(skipped + wanted), block_).n);
      work(Chunk{.begin = begin.n, .length = whole, .skipped = skipped, .wanted = wanted}, done,
           bounce.first(whole));
      done += wanted;
    }
  }

  /// What is in the first and the last block of a chunk beside the request.
  void read_borders(const Chunk& chunk, std::span<std::byte> blocks) const {
    const auto block = static_cast<std::size_t>(block_.n);
    const bool partial_end = (chunk.skipped + chunk.wanted) % block != 0;
    if (chunk.skipped != 0) read_at(chunk.begin, blocks.first(block));
    if (partial_end && (chunk.length > block || chunk.skipped == 0))
      read_at(chunk.begin + chunk.length - block, blocks.last(block));
  }

  void read_at(std::uint64_t at, std::span<std::byte> into) const {
    while (!into.empty()) {
      const auto count = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(at));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw Error(Errc::io, "can't read {} at {}: {}", path(), at, errno_text(errno));
      if (count == 0) throw Error(Errc::io, "{} ends at {}, before its size of {}", path(), at, size_.n);
      into = into.subspan(static_cast<std::size_t>(count));
      at += static_cast<std::uint64_t>(count);
    }
  }

  void write_at(std::uint64_t at, std::span<const std::byte> from) const {
    while (!from.empty()) {
      const auto count = ::pwrite(fd_.get(), from.data(), from.size(), static_cast<off_t>(at));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw Error(Errc::io, "can't write {} at {}: {}", path(), at, errno_text(errno));
      if (count == 0) throw Error(Errc::io, "can't write {} at {}: nothing was taken", path(), at);
      from = from.subspan(static_cast<std::size_t>(count));
      at += static_cast<std::uint64_t>(count);
    }
  }

  Fd fd_;
  Bytes size_;
  Bytes block_;
  bool direct_;
};

Fd open_or_throw(const std::string& path, int flags) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (fd) return fd;
  const int reason = errno;
  if (reason == ENOENT || reason == ENXIO || reason == ENOTDIR)
    throw Error(Errc::not_found, "there is no device {}", path);
  throw Error(Errc::io, "can't open {}: {}", path, errno_text(reason));
}

std::unique_ptr<BlockDevice> open_block(const std::string& path, int mode) {
  Fd fd(::open(path.c_str(), mode | O_DIRECT | O_CLOEXEC));
  const bool direct = static_cast<bool>(fd);
  if (!direct) fd = open_or_throw(path, mode);

  std::uint64_t bytes = 0;
  int block = 0;
  if (::ioctl(fd.get(), BLKGETSIZE64, &bytes) != 0 || ::ioctl(fd.get(), BLKSSZGET, &block) != 0)
    throw Error(Errc::io, "can't ask {} for its size: {}", path, errno_text(errno));
  if (block < 512 || block > static_cast<int>(kPageBytes) || (block & (block - 1)) != 0)
    throw Error(Errc::unsupported, "{} has blocks of {} bytes; 512 to {} can be used", path, block,
                kPageBytes);
  return std::make_unique<FileDevice>(path, std::move(fd), Bytes(bytes),
                                      Bytes(static_cast<std::uint64_t>(block)), direct);
}

}  // namespace

void BlockDevice::zero(Bytes at, Bytes length) {
  constexpr Bytes kStep(kBounceBytes);
  const std::vector<std::byte> zeroes(static_cast<std::size_t>(std::min(length, kStep).n));
  for (Bytes done; done < length; done += kStep)
    write(at + done, std::span(zeroes).first(static_cast<std::size_t>(std::min(kStep, length - done).n)));
}

std::unique_ptr<BlockDevice> open_device(const std::string& path, Access access) {
  const int mode = access == Access::read_only ? O_RDONLY : O_RDWR;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const int reason = errno;
    if (reason == ENOENT || reason == ENOTDIR) throw Error(Errc::not_found, "there is no device {}", path);
    throw Error(Errc::io, "can't look at {}: {}", path, errno_text(reason));
  }
  if (S_ISBLK(info.st_mode)) return open_block(path, mode);
  if (!S_ISREG(info.st_mode))
    throw Error(Errc::unsupported, "{} is neither a block device nor a regular file", path);
  // Through the page cache: a loop device above the same file and other programs see what we see.
  Fd fd = open_or_throw(path, mode);
  if (::fstat(fd.get(), &info) != 0)
    throw Error(Errc::io, "can't ask {} for its size: {}", path, errno_text(errno));
  return std::make_unique<FileDevice>(path, std::move(fd), Bytes(static_cast<std::uint64_t>(info.st_size)),
                                      Bytes(kSectorBytes), false);
}

}  // namespace cv::device
