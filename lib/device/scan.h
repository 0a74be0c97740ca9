// Which devices may hold a physical volume: from sysfs, or as the person listed them.
#pragma once

#include <string>
#include <vector>

#include "lib/base/units.h"

namespace cv::device {

/// LVM2 passes over anything smaller (devices/pv_min_size is 2 MiB; its scan stops below this).
inline constexpr Bytes kLeastDevice(512 * 1024);

struct ScanPaths {
  std::string sysfs = "/sys";
  std::string dev = "/dev";
};

/// Paths of all block devices that may hold a PV, sorted by name. Passed over: devices without medium or
/// smaller than kLeastDevice, loop devices without a file, partitioned disks, members of md and multipath
/// devices, suspended dm devices, logical volumes (crypt ones too), optical drives,
/// floppies, zram.
std::vector<std::string> candidate_devices(const ScanPaths& paths = {});

/// --devices: block devices or regular files, each path once, in the order given. Throws Errc::not_found for
/// a path that does not exist and Errc::unsupported for what is neither.
std::vector<std::string> listed_devices(const std::vector<std::string>& paths);

/// Whether the kernel has a block device in exclusive use: mounted, swap, part of a dm or md device. A
/// regular file never is.
bool is_held(const std::string& path);

/// How a device likes its data aligned. Zeroes for a regular file and where the device says nothing.
struct Topology {
  Bytes optimal_io;
  Bytes alignment_offset;
};
Topology topology_of(const std::string& path);

}  // namespace cv::device
