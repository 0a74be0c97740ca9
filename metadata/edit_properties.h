// What a volume is apart from its extents: tags, permission, policy, and whether it is activated by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metadata/volume_group.h"

namespace cv::metadata {

/// A new value, which may be that there is none. Named where it is made: in braces alone such a value would
/// be taken for no setting at all.
template <class T>
struct Setting {
  constexpr explicit Setting(std::optional<T> new_value) : value(new_value) {}
  std::optional<T> value;
};
using NumberSetting = Setting<std::uint32_t>;

/// How the kernel is to treat the volume's device.
struct DeviceProperties {
  std::optional<NumberSetting> read_ahead;  ///< sectors, 0: none; without value: as the kernel likes
  std::optional<NumberSetting> minor;       ///< without value: any
};

struct NewProperties {
  std::vector<std::string> add_tags;
  std::vector<std::string> delete_tags;  ///< first; one that is not there is no error
  std::optional<bool> writable;
  std::optional<Allocation> allocation;
  std::optional<bool> activation_skip;
  std::optional<bool> autoactivation;
  std::optional<bool> discards;  ///< of encrypted volumes: passed down to the disk
  std::optional<bool>
      inline_workqueues;  ///< of encrypted volumes: no queue between the caller and the cipher
  DeviceProperties device;
};

/// Throws Errc::bad_name for what can't be a tag, Errc::refused for hidden volumes, for a permission of what
/// only LVM2 manages or what others lie on, for properties of the encryption where there is none, and where
/// an encrypted volume would lose its ACTIVATION_SKIP, which keeps stock LVM2 quiet; Errc::exists where
/// another volume has the minor number.
VolumeGroup change_properties(VolumeGroup vg, const std::string& name, const NewProperties& wanted);

/// The device's part of it, for volumes that are being made; `names` are theirs. Throws Errc::exists where
/// the minor number is taken, and where several volumes are to have one.
VolumeGroup set_device_properties(VolumeGroup vg, const std::vector<std::string>& names,
                                  const DeviceProperties& wanted);

}  // namespace cv::metadata
