// What the kernel's dm-log-writes wrote down, as the log of a CrashDevice.
#pragma once

#include <string>
#include <vector>

#include "tests/support/crash_device.h"

namespace cv::test {

/// What happened up to one mark.
struct MarkedLog {
  std::string mark;
  CrashLog log;
};

/// Reads a log of a disk that is parted into `devices` PVs of `size` each. A flush of the disk is one of each
/// PV. The flush right before a mark is taken to be the marker's, not the command's. Throws Errc::damaged for
/// what is no such log.
std::vector<MarkedLog> read_write_log(const std::string& path, std::size_t devices, Bytes size);

}  // namespace cv::test
