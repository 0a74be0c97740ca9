// The bytes of a logical volume, read and written through its areas, without device-mapper.
#pragma once

#include <memory>
#include <string_view>

#include "lib/device/block_device.h"
#include "metadata/scan.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// A volume as a device "VG/LV" of its own. Striped segments give their bytes, crypt segments the ciphertext
/// that is in their area, a keystore its first copy. Throws Errc::not_found where a PV is missing,
/// Errc::damaged where areas lead in a circle or past the end of a PV, Errc::unsupported for segments that
/// take no bytes or whose areas are unknown. `vg` is not needed afterwards, the devices are.
std::unique_ptr<device::BlockDevice> open_volume(const VolumeGroup& vg, const PvDevices& devices,
                                                 std::string_view lv);
/// For those who have the volume at hand, out of many.
std::unique_ptr<device::BlockDevice> open_volume(const VolumeGroup& vg, const PvDevices& devices,
                                                 const LogicalVolume& lv);

/// The same for `count` extents behind one area: one copy of a keystore, extents that are yet to be used.
std::unique_ptr<device::BlockDevice> open_area(const VolumeGroup& vg, const PvDevices& devices,
                                               const Area& area, Extents count, std::string_view name);

}  // namespace cv::metadata
