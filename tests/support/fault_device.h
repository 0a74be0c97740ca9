// A device whose n-th write or flush fails.
#pragma once

#include "lib/device/block_device.h"

namespace cv::test {

/// Shared by all devices of a test: writes and flushes are counted over all of them.
struct FaultPlan {
  enum class Kind {
    fails_once,    ///< that one operation fails and leaves nothing; later ones work
    dies,          ///< it and everything after it fails, reading included
    dies_midway,   ///< as before, but the first half of the sectors arrived
    arrives,       ///< reported as failed, yet the write is there; everything after it works
    forgets_once,  ///< reported as done, but the write is lost; everything after it works
    forgets        ///< reported as done, but it and every write after it are lost
  };
  Kind kind = Kind::fails_once;
  unsigned long at = 0;  ///< counted from 1; 0: never
  unsigned long done = 0;
  bool is_dead = false;
  bool is_forgetful = false;

  /// Whether the plan was carried out.
  bool has_struck() const { return at != 0 && done >= at; }
};

class FaultDevice final : public device::BlockDevice {
 public:
  FaultDevice(device::BlockDevice& target, FaultPlan& plan)
      : BlockDevice(target.path()), target_(target), plan_(plan) {}

  Bytes size() const override { return target_.size(); }
  Bytes block_size() const override { return target_.block_size(); }
  void read(Bytes at, std::span<std::byte> into) override;
  void write(Bytes at, std::span<const std::byte> from) override;
  void flush() override;

 private:
  /// Counts; true where this operation is the one that fails.
  bool strikes();
  [[noreturn]] void fail() const;

  device::BlockDevice& target_;
  FaultPlan& plan_;
};

}  // namespace cv::test
