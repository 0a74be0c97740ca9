// The kernel's device-mapper, through libdevmapper.
#pragma once

#include <memory>
#include <string>

#include "activate/mapper.h"

namespace cv::activate {

/// Whether the kernel has device-mapper and lets us talk to it. Loads no module.
bool kernel_has_device_mapper();

/// How nodes and links come about. Where no udevd runs neither wish has an effect: they are made here.
struct NodeSettings {
  std::string dev_dir = "/dev";  ///< where they are
  bool wait_for_udev = true;     ///< false: the command ends whether udev has made them or not
  bool by_udev = true;           ///< false: they are made here, and udev is told to leave them alone
};

/// One at a time: libdevmapper's hooks and cookies belong to the process.
std::unique_ptr<Mapper> kernel_mapper(const NodeSettings& settings = {});

}  // namespace cv::activate
