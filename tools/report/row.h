// What one row of a report is about.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activate/device_number.h"
#include "metadata/group_index.h"
#include "metadata/scan.h"
#include "metadata/usage.h"
#include "metadata/volume_group.h"

namespace cv::tools::report {

/// What device-mapper and the keyring say of a volume.
enum class Live { unknown, inactive, active, suspended };
struct LvSeen {
  Live live = Live::unknown;
  bool open = false;
  bool read_only = false;
  std::optional<bool> key_loaded;  ///< absent: it can't be told
  /// In what its devices are not as the metadata says; absent: it can't be told.
  std::optional<std::vector<std::string>> drift;
  std::optional<activate::DeviceNumber> number;
};

/// A group with what its rows ask for again and again.
struct GroupFacts {
  GroupFacts(const metadata::Scan& scan, const metadata::FoundGroup& found);

  const metadata::VolumeGroup& vg() const { return found->vg; }
  /// "[unknown]" where it is missing, as LVM2 says.
  std::string pv_name(const PvId& id) const;
  const metadata::PvUsage& usage_of(const metadata::PhysicalVolume& pv) const;
  /// As metadata::find_lv(), for reports that ask for every volume of a large group.
  const metadata::LogicalVolume* find_lv(std::string_view name) const { return index().find_lv(name); }
  /// Whether an encrypted volume or a store is made of it.
  bool is_data_lv(std::string_view name) const { return index().owner_of(name) != nullptr; }
  /// Made when it is first asked for: a report on groups needs none.
  const metadata::GroupIndex& index() const;

  const metadata::FoundGroup* found;
  std::map<PvId, const metadata::FoundPv*> pvs;  ///< those that are there
  metadata::Usage usage;
  Extents free;
  LvSeen unseen;                                    ///< of the volumes that are not in `seen`
  std::map<std::string, LvSeen, std::less<>> seen;  ///< by the volume's name
  mutable std::optional<metadata::GroupIndex> index_of_all;
};

/// Pointers are to what the command holds; null where the row is not about such a thing.
struct Row {
  const GroupFacts* group = nullptr;
  const metadata::PhysicalVolume* pv = nullptr;
  const metadata::FoundPv* found_pv = nullptr;
  const metadata::LogicalVolume* lv = nullptr;
  const metadata::Segment* segment = nullptr;
};

}  // namespace cv::tools::report
