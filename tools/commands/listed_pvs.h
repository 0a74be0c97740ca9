// New and removed physical volumes in LVM2's devices file, where one is in force.
#pragma once

#include <optional>
#include <string>

#include "lib/base/id.h"
#include "lib/device/devices_file.h"
#include "tools/session.h"

namespace cv::tools::commands {

/// Collects what a command does, and changes the file once, when it dies: PVs that it made before it failed
/// are listed, too. The PVs are as they are by then: what fails here is logged as a warning.
class PvListing {
 public:
  explicit PvListing(Session& session);
  PvListing(const PvListing&) = delete;
  PvListing& operator=(const PvListing&) = delete;
  ~PvListing();

  /// There is a PV on that device.
  void add(const std::string& path, const PvId& id);
  /// There is no such PV any more; its device stays listed.
  void remove(const PvId& id);

 private:
  std::optional<std::string> file_;
  device::LockSettings locks_;
  device::DevicesFileChange change_;
};

}  // namespace cv::tools::commands
