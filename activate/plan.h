// From metadata and from what is live to the steps that lead there; nothing is touched. Each step can say
// what it is about to do.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "activate/device_tree.h"
#include "activate/mapper.h"
#include "metadata/volume_group.h"

namespace cv::activate {

struct LiveDevice {
  DeviceInfo info;
  std::optional<Table> table;  ///< nothing where it holds what we never write
};
using LiveDevices = std::map<std::string, LiveDevice>;  ///< by uuid

/// A device that is not there: created, loaded; resumed at once where it is hidden, since others stand on it.
struct CreateStep {
  PlannedDevice device;
};
/// A device whose table changes: loaded, suspended, resumed.
struct ReloadStep {
  PlannedDevice device;
  std::string live_name;  ///< may differ from the planned one after a rename
  Table former;           ///< empty where it is not known
  /// The old table is the beginning of the new one: a hidden device may grow before what stands on it.
  bool grows = false;
};
/// A device with the right table that somebody left suspended.
struct ResumeStep {
  PlannedDevice device;
};
struct RemoveStep {
  std::string lv;  ///< "VG/LV", for people
  std::string name;
  std::string uuid;
  DeviceNumber number;
  Publication publication;
};
/// A device that goes by a name that its volume no longer has.
struct RenameStep {
  std::string lv;  ///< "VG/LV", for people
  std::string former_name;
  std::string name;
  std::string uuid;
  Publication former;
  Publication publication;
};

using Step = std::variant<CreateStep, ReloadStep, ResumeStep, RemoveStep, RenameStep>;
using Plan = std::vector<Step>;

/// "create vg0-tst (/dev/vg0/tst), 32768 sectors, encrypted". No key material.
std::string describe(const Step& step);
/// describe() of each step, and each line of each table below it, indented.
std::string describe(const Plan& plan);

/// The uuids of every device that the LV's tree could have: its own and those below it.
std::vector<std::string> uuids_of(const metadata::VolumeGroup& vg, std::string_view lv);

/// What is to be done so that `lv` of `next` is active. `current` is the group as it is committed: devices
/// that only its tree has are removed last; the LV may be missing there. Tables that differ only in how they
/// name a key are left alone.
///
/// Throws Errc::in_use where the live device is open and encrypted and would not be, or the other way round.
Plan plan_activation(const metadata::VolumeGroup& current, const metadata::VolumeGroup& next,
                     std::string_view lv, const TreeInputs& inputs, const LiveDevices& live);

/// What is to be done so that no device of the LV is left.
Plan plan_deactivation(const metadata::VolumeGroup& vg, std::string_view lv, const LiveDevices& live);

/// What is to be done so that the device of `lv` of `next` goes by the name that it has there; nothing where
/// it does or where there is none. `current` has the same LVs, by id, under other names, or in a group of
/// another name.
std::optional<RenameStep> plan_renaming(const metadata::VolumeGroup& current,
                                        const metadata::VolumeGroup& next, std::string_view lv,
                                        const LiveDevices& live);

/// The stores whose keys the steps load.
std::vector<std::string> stores_of(const Plan& plan);

}  // namespace cv::activate
