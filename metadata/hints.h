// LVM2's hints: its list of devices that hold PVs. Whoever makes or removes a PV or a group must drop them,
// or stock commands don't find what is new.
#pragma once

#include <string>

namespace cv::metadata {

/// `run_dir` is LVM2's /run/lvm. Call it while P_global is held exclusively. Does nothing where LVM2 has
/// never run; a failure is a warning.
void drop_hints(const std::string& run_dir) noexcept;

}  // namespace cv::metadata
