// Names of devices that other devices of the group have: what was renamed while a command was killed, also
// where names go round in a circle. Part of plan.cpp.
#pragma once

#include <string>
#include <string_view>

#include "activate/plan.h"

namespace cv::activate {

/// "LVM-" and the id of the group: how the uuids of its devices begin.
std::string uuid_prefix(const metadata::VolumeGroup& vg);

/// Whose device that is, by its uuid; a layer that only LVM2 makes counts as the volume's. Null where it is
/// no volume's.
const metadata::LogicalVolume* volume_of(const metadata::VolumeGroup& vg, const std::string& uuid);

/// A device that belongs to no volume, with the link that it would have had.
RemoveStep removal_of_stray(const metadata::VolumeGroup& vg, const DeviceInfo& info);

/// For whom a name is to be free.
struct NameWish {
  std::string uuid;
  std::string name;
  std::string_view what;  ///< "vg0/tst can't be activated", for errors
};

/// The steps, each at once, behind which nobody but the device with that uuid goes by that name: devices of
/// volumes of `view` that missed their names get them, one after the other; what belongs to no volume goes.
/// Where each waits for the next in a circle, the one that everything began with gets a name for the
/// meantime. `live` becomes what is live behind the steps. Devices of volumes that only `current` has stay.
///
/// Throws Errc::exists where somebody has the name who does not give it back.
Plan make_room(const NameWish& wish, const GroupView& current, const GroupView& view, LiveDevices& live);

}  // namespace cv::activate
