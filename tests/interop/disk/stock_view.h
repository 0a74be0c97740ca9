// Disks in memory before the real LVM2, and what it and we say of them in the same words.
#pragma once

#include <string>
#include <vector>

#include "tests/interop/disk/stock_lvm.h"
#include "tests/support/crash_device.h"

namespace cv::test {

/// Writes what lies at both ends of the disks, where labels and metadata areas are, to the loop devices.
void put_on(const StockLvm& lvm, const CrashImages::Disks& disks);

/// Groups, PVs and segments on the loop devices, a sorted line for each.
std::vector<std::string> as_stock_says(const StockLvm& lvm);
std::vector<std::string> as_we_say(const StockLvm& lvm);

}  // namespace cv::test
