// The real LVM2 on loop devices of a test's own: sees nothing else, and nothing of it is left behind.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/handle.h"
#include "lib/device/block_device.h"
#include "metadata/store.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace cv::test {

/// A file behind a loop device, detached when it dies or the test is killed.
class LoopDevice {
 public:
  LoopDevice(const std::string& file, Bytes size, unsigned sector_bytes);
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  Fd user_;
};

class StockLvm {
 public:
  explicit StockLvm(unsigned devices, Bytes size = Bytes(32 << 20), unsigned sector_bytes = 512);
  /// A device for each of these logical block sizes.
  StockLvm(const std::vector<unsigned>& sector_bytes, Bytes size);
  ~StockLvm();
  StockLvm(const StockLvm&) = delete;
  StockLvm& operator=(const StockLvm&) = delete;

  const std::string& device(std::size_t number) const { return devices_[number]->path(); }
  const std::vector<std::unique_ptr<LoopDevice>>& devices() const { return devices_; }
  const device::LockSettings& locks() const { return locks_; }

  /// "vgs -o vg_name": the words are split at spaces.
  ProgramResult run(const std::string& command) const;
  /// The same; throws with its output where it fails. Returns the words that it printed, one space between.
  std::string must(const std::string& command) const;

  /// A store of ours on the same devices, with the same locks.
  metadata::MetadataStore store() const;

 private:
  TempDir dir_;
  std::vector<std::unique_ptr<LoopDevice>> devices_;
  device::LockSettings locks_;
};

}  // namespace cv::test
