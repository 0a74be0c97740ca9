// The kernel's device-mapper, through libdevmapper.
#pragma once

#include <memory>
#include <string>

#include "activate/mapper.h"

namespace cv::activate {

/// Whether the kernel has device-mapper and lets us talk to it. Loads no module.
bool kernel_has_device_mapper();

/// `dev_dir` is where nodes and links are, "/dev". One at a time: libdevmapper's hooks and cookies belong to
/// the process.
std::unique_ptr<Mapper> kernel_mapper(const std::string& dev_dir = "/dev");

}  // namespace cv::activate
