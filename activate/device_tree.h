// The devices that a logical volume needs, with their tables: metadata in, tables out, nothing touched.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activate/device_number.h"
#include "activate/dm_table.h"
#include "activate/group_view.h"
#include "activate/mapper.h"
#include "lib/base/id.h"
#include "metadata/volume_group.h"

namespace cv::activate {

/// How the tables of a store's volumes name its key, and what else they need to know of the store.
struct StoreKey {
  TableKey key;
  std::string cipher;
  std::uint32_t sector_bytes = 512;
};
using StoreKeys = std::map<std::string, StoreKey, std::less<>>;  ///< by the store's name

/// What a table needs besides the metadata.
struct TreeInputs {
  std::map<PvId, DeviceNumber> pvs;  ///< PVs that are not here are missing
  StoreKeys keys;
  std::map<DeviceNumber, std::uint32_t> block_bytes;  ///< logical blocks of PVs; 512 where a PV is not here
};

/// One device as it should be.
struct PlannedDevice {
  std::string lv;  ///< "VG/LV", for people
  std::string name;
  std::string uuid;
  Table table;
  bool read_only = false;
  std::optional<std::uint32_t> read_ahead;  ///< in sectors; absent: as the kernel has it
  std::optional<std::uint32_t> minor;       ///< absent: any
  Publication publication;
  std::vector<std::string> stores;  ///< whose keys the table holds
  friend bool operator==(const PlannedDevice&, const PlannedDevice&) = default;
};

/// The devices of `lv`, bottom up; the last is the volume's own. Straight on the PVs where the areas below
/// are linear; through a hidden device of the LV below where they are not.
///
/// Throws Errc::unsupported for volumes that are not ours to activate (a store, a type only LVM2 knows, an
/// origin of a snapshot), Errc::not_found where a PV is missing, Errc::key_missing where `inputs` has no key
/// for a store, Errc::damaged for areas that lead nowhere. Errc::unsupported also for pieces that begin or
/// end inside a logical block of their PV or inside an encryption sector.
std::vector<PlannedDevice> devices_of(const GroupView& view, std::string_view lv, const TreeInputs& inputs);

/// Throws Errc::unsupported where only LVM2 knows how to bring the volume up and down: a type of its own, an
/// origin of a snapshot, a part of a pool.
void require_manageable(const GroupView& view, std::string_view lv);

/// The same as an answer.
bool is_manageable(const GroupView& view, std::string_view lv);

/// All volumes of the group that are not manageable, found in one pass.
std::vector<std::string> foreign_volumes(const GroupView& view);

/// The LVs that `lv` stands on, whether they have devices or not, top down.
std::vector<const metadata::LogicalVolume*> volumes_below(const GroupView& view, std::string_view lv);

/// The stores that the segments of `lv` name, each once.
std::vector<std::string> stores_of(const metadata::LogicalVolume& lv);
std::vector<std::string> stores_of(const metadata::VolumeGroup& vg, std::string_view lv);

/// How the device of an LV is shown: a visible LV has a link, a hidden one has not.
Publication publication_of(const metadata::VolumeGroup& vg, const metadata::LogicalVolume& lv);

}  // namespace cv::activate
