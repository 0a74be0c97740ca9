// LVM2's devices file: the devices that its commands, and ours, may look at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/device/device_id.h"
#include "lib/device/lock_file.h"

namespace cv::device {

struct ListedDevice {
  DeviceId id;
  std::string path;   ///< DEVNAME: where it was seen last; may be empty
  std::string pv_id;  ///< PVID, without hyphens; empty: no PV
  friend bool operator==(const ListedDevice&, const ListedDevice&) = default;
};

/// The devices in the text of such a file; lines that are none are passed over.
std::vector<ListedDevice> parse_devices_file(std::string_view text);

/// What a command that makes and removes PVs changes about the list.
struct DevicesFileChange {
  std::vector<ListedDevice> pvs;         ///< these devices hold these PVs now
  std::vector<std::string> gone_pv_ids;  ///< these PVs are on no device any more
};

/// The text after it: a device that is listed has its line changed, by its id or its path, another one gets a
/// line; a device whose PV is gone, or is on another one now, stays listed without it. What is not understood
/// stays. The last number of the version goes up by one, unless nothing is to be changed.
std::string with_change(std::string_view text, const DevicesFileChange& change);

/// Changes the file `path` under its lock, D_<name>, as LVM2 does: written anew, flushed, renamed. Throws
/// Errc::locked and Errc::io.
void change_devices_file(const std::string& path, const LockSettings& locks, const DevicesFileChange& change);

}  // namespace cv::device
