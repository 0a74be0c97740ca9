// What one row of a report is about.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

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
};

/// A group with what its rows ask for again and again.
struct GroupFacts {
  GroupFacts(const metadata::Scan& scan, const metadata::FoundGroup& found);

  const metadata::VolumeGroup& vg() const { return found->vg; }
  /// "[unknown]" where it is missing, as LVM2 says.
  std::string pv_name(const PvId& id) const;
  const metadata::PvUsage& usage_of(const metadata::PhysicalVolume& pv) const;
  /// As metadata::find_lv(), for reports that ask for every volume of a large group.
  const metadata::LogicalVolume* find_lv(std::string_view name) const;

  const metadata::FoundGroup* found;
  std::map<PvId, const metadata::FoundPv*> pvs;  ///< those that are there
  metadata::Usage usage;
  Extents free;
  std::map<std::string, LvSeen, std::less<>> seen;  ///< by the volume's name
  std::set<std::string, std::less<>> data_lvs;      ///< what encrypted volumes and stores are made of
  std::unordered_map<std::string_view, const metadata::LogicalVolume*> by_name;
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
