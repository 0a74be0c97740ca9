// Which devices a command looks at: --devices, the LVM2 devices file, or all that the filters let pass.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/device/block_device.h"
#include "tools/arguments.h"
#include "tools/configuration.h"

namespace cv::tools {

/// Opened for reading; the first write opens them again. A device that can't be opened is passed over with a
/// warning, unless the person named it.
std::vector<std::unique_ptr<device::BlockDevice>> chosen_devices(const Arguments& arguments,
                                                                 const Configuration& configuration);

/// The devices file that is in force, or nothing: --devicesfile, else devices/devicesfile where
/// devices/use_devicesfile is set and the file exists.
std::optional<std::string> devices_file_in_force(const Arguments& arguments,
                                                 const Configuration& configuration);

/// LVM2's filters: "a|regex|" and "r|regex|"; the first that matches any of the device's names decides, none:
/// taken.
class DeviceFilter {
 public:
  /// Throws Errc::usage for a pattern that is none.
  explicit DeviceFilter(const std::vector<std::string>& patterns);

  bool empty() const { return rules_.empty(); }
  bool accepts(const std::vector<std::string>& names) const;

 private:
  struct Rule {
    bool accept;
    std::string pattern;
  };
  std::vector<Rule> rules_;
};

}  // namespace cv::tools
