// What can be seen of devices below /dev: nodes in /dev/mapper, links in /dev/VG.
//
// udev makes links, to ../dm-N. Real nodes, and links to ../mapper/NAME, are libdevmapper's or ours: udev
// leaves them where they are.
#pragma once

#include <string>

#include "activate/device_number.h"
#include "lib/base/units.h"

namespace cv::activate {

class DevNodes {
 public:
  explicit DevNodes(std::string dev_dir) : dev_dir_(std::move(dev_dir)) {}

  const std::string& dev_dir() const { return dev_dir_; }
  /// "/dev/mapper/NAME".
  std::string node(const std::string& name) const { return dev_dir_ + "/mapper/" + name; }

  bool has_node_of(const std::string& name, DeviceNumber number) const;
  /// `link` is "VG/LV"; there is nothing to be missed of an empty one.
  bool has_link_to(const std::string& link, DeviceNumber number) const;
  /// A node of that name or a link in its place, whatever it leads to.
  bool has_node(const std::string& name) const;
  /// A node that is none of udev's links.
  bool has_real_node(const std::string& name) const;
  /// A link that udev did not make.
  bool has_link_of_ours(const std::string& link, const std::string& name) const;

  /// Zeroes the first `length` bytes of a device that has its node, or all of it where it is shorter, and
  /// returns when that is on the disk. Throws Errc::io.
  void wipe(const std::string& name, DeviceNumber number, Bytes length) const;

  /// Of a device that has gone. What fails is logged as a warning.
  void remove_node(const std::string& name) const;
  /// Over any link that is there. What fails is logged as a warning.
  void make_link(const std::string& link, const std::string& name) const;
  /// Somebody else's link of that name stays.
  void remove_link(const std::string& link, const std::string& name) const;

 private:
  std::string path(const std::string& link) const { return dev_dir_ + "/" + link; }

  std::string dev_dir_;
};

}  // namespace cv::activate
