// From metadata and from what is live to the steps that lead there; nothing is touched. Each step can say
// what it is about to do.
//
// A command may have ended at any step of an earlier plan. Devices are therefore known by their uuid,
// whatever they are called and however far they got, and what such a command left is finished or cleared
// away.
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
  std::optional<Table> table;               ///< nothing where it holds what we never write
  bool is_shown = true;                     ///< its node and its link are as they should be
  std::optional<std::uint32_t> read_ahead;  ///< asked only where the metadata has one
};
/// By uuid. Of a volume's tree; and, where the name of one of its devices is taken by a device with another
/// uuid, that one as well, and whoever has the name that that one should have, and so on.
using LiveDevices = std::map<std::string, LiveDevice>;

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
  bool changes_mapping = true;  ///< false: only the permission
};
/// A table in the inactive slot of a device that has the right one.
struct ClearStep {
  std::string name;
  std::string uuid;
};
/// A device with the right table, of which something else is not as it should be.
struct ResumeStep {
  enum class Why { suspended, not_shown, read_ahead };
  PlannedDevice device;
  Why why = Why::suspended;
};
struct RemoveStep {
  std::string lv;  ///< "VG/LV", for people; empty where it belongs to no volume
  std::string name;
  std::string uuid;
  DeviceNumber number;
  Publication publication;
  bool at_once = false;  ///< before the steps behind it, and before the commit
};
/// A device that goes by a name that its volume no longer has.
struct RenameStep {
  std::string lv;  ///< "VG/LV", for people
  std::string former_name;
  std::string name;
  std::string uuid;
  Publication former;
  Publication publication;
  bool at_once = false;  ///< before the steps behind it, and before the commit
};
/// A node and a link of a device that has gone.
struct HideStep {
  std::string name;
  Publication publication;
};

using Step = std::variant<CreateStep, ReloadStep, ClearStep, ResumeStep, RemoveStep, RenameStep, HideStep>;
using Plan = std::vector<Step>;

/// "create vg0-tst (/dev/vg0/tst), 32768 sectors, encrypted". No key material.
std::string describe(const Step& step);
/// describe() of each step, and each line of each table below it, indented.
std::string describe(const Plan& plan);

/// What is to be done so that `lv` of `next` is active. `current` is the group as it is committed: devices
/// that only its tree has are removed last; the LV may be missing there. Tables that differ only in how they
/// name a key are left alone. An encrypted volume that only `next` has is not to be scanned before it is
/// wiped (new_volumes.h).
///
/// Throws Errc::in_use where the live device is open and encrypted and would not be, or the other way round,
/// Errc::exists where a device that is not ours has the name.
Plan plan_activation(const GroupView& current, const GroupView& next, std::string_view lv,
                     const TreeInputs& inputs, LiveDevices live);

/// What is to be done so that no device of the LV is left. What is suspended is resumed first: who waits for
/// it could not close it.
Plan plan_deactivation(const GroupView& view, std::string_view lv, const LiveDevices& live);

/// What is to be done so that the device of `lv` of `next` goes by the name that it has there; nothing where
/// it does or where there is none. `current` has the same LVs, by id, under other names, or in a group of
/// another name. Throws Errc::exists where somebody else's device has the name.
Plan plan_renaming(const GroupView& current, const GroupView& next, std::string_view lv, LiveDevices live);

/// Devices with a uuid of the group and of none of its volumes: a command that ended before its commit left
/// them, or a text that was restored. Those that somebody has open are left out.
Plan plan_cleaning(const GroupView& view, const std::vector<DeviceInfo>& all);

/// The stores whose keys the steps load.
std::vector<std::string> stores_of(const Plan& plan);

/// In what a volume's devices are not as they should be, for reports: "table", "permission", "suspended",
/// "name" ... each once.
std::vector<std::string> drift_of(const Plan& plan);

}  // namespace cv::activate
