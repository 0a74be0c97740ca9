// A device that writes down what it was asked to write and flush, and the disks that a power cut could leave.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/memory_device.h"

namespace cv::test {

/// What happened on several devices, in one order.
struct CrashLog {
  struct Event {
    std::size_t device = 0;
    Bytes at;
    std::vector<std::byte> bytes;  ///< empty: a flush
    bool is_flush() const { return bytes.empty(); }
  };
  std::vector<Event> events;
};

class CrashDevice final : public device::BlockDevice {
 public:
  CrashDevice(device::BlockDevice& target, std::size_t number, CrashLog& log)
      : BlockDevice(target.path()), target_(target), number_(number), log_(log) {}

  Bytes size() const override { return target_.size(); }
  Bytes block_size() const override { return target_.block_size(); }
  void read(Bytes at, std::span<std::byte> into) override { target_.read(at, into); }
  void write(Bytes at, std::span<const std::byte> from) override;
  void flush() override;

 private:
  device::BlockDevice& target_;
  std::size_t number_;
  CrashLog& log_;
};

/// How many images are made where there are too many to make them all.
struct CrashSampling {
  std::uint64_t seed = 20261120;
  unsigned all_up_to = 10;  ///< all subsets of so many pieces
  unsigned samples = 1000;  ///< of what was written between two flushes

  /// CVM_SEED and CVM_CRASH_SAMPLES of the environment, else what stands above.
  static CrashSampling from_environment();
};

/// The disks as they were before anything of a log was done, and all that a power cut may have made of them.
class CrashImages {
 public:
  using Disks = std::vector<std::unique_ptr<MemoryDevice>>;
  /// Gets the disks after one crash; whatever it writes to them is undone afterwards.
  using Visitor = std::function<void(Disks& disks, const std::string& what_was_kept)>;

  CrashImages(Disks before, CrashLog log);

  /// Every prefix of the writes, the last one cut at each sector (512 bytes, or what is a block of that
  /// disk), or only at each `step` bytes of it. Returns how many there were.
  unsigned each_prefix(const Visitor& visit, std::size_t step = 0);

  /// What a disk with a volatile cache may keep, whatever order it writes in and wherever it stops: of the
  /// sectors written since the last flush of their device, any subset. All subsets where there are few
  /// sectors, else all subsets of whole writes where those are few, and samples of subsets of sectors.
  unsigned each_subset(const Visitor& visit, const CrashSampling& sampling = {});

 private:
  struct Piece {
    std::size_t event;
    std::size_t begin;
    std::size_t end;
  };
  using Touched = std::vector<std::pair<std::size_t, Range<std::size_t>>>;

  std::vector<Piece> sectors_of(std::size_t event) const;
  Range<std::size_t> place_of(const Piece& piece) const;
  void apply(const Piece& piece);
  void show(const std::vector<Piece>& pieces, const Visitor& visit, const std::string& what);
  void keep(const Piece& piece);
  /// Back to the disks as they were before anything.
  void start_again();
  void explore(const std::vector<std::size_t>& pending, const CrashSampling& sampling,
               std::mt19937_64& random, const Visitor& visit, unsigned& images);

  Disks disks_;
  std::vector<std::vector<std::byte>> base_;  ///< what is certainly on each disk
  std::vector<std::vector<std::byte>> original_;
  CrashLog log_;
};

/// A copy of the contents, under the same paths.
CrashImages::Disks copy_of(const std::vector<MemoryDevice*>& disks);
CrashImages::Disks copy_of(const CrashImages::Disks& disks);

}  // namespace cv::test
