// A volume group as a value: it can be copied, compared, printed and made up in a test. No pointer to a
// parent, no open file, no dirty flag. Edits are functions from group to group (edit.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/id.h"
#include "lib/base/rare_list.h"
#include "lib/base/units.h"
#include "lib/config/carried.h"
#include "metadata/segment.h"

namespace cv::metadata {

/// What LVM2 writes as `status` and `flags`: the flags we know by name, and the optional ones we don't. An
/// unknown name in `status` makes the group unreadable, as in LVM2; an unknown one in `flags` is kept.
/// Asked and changed through has_flag() and the like; flags.h lists their names.
struct Flags {
  std::uint32_t status = 0;    ///< a bit for each flag that flags.h knows
  std::uint32_t optional = 0;  ///< the same of those that stand in `flags`
  RareList<std::string> unknown;
  friend bool operator==(const Flags&, const Flags&) = default;
};

bool has_flag(const Flags& flags, std::string_view name);
/// Into `status` or `flags`, wherever LVM2 keeps a flag of that name. No effect where it is there already.
void set_flag(Flags& flags, std::string_view name);
void clear_flag(Flags& flags, std::string_view name);

enum class Allocation { normal, contiguous, cling, cling_by_tags, anywhere, inherit };

struct PhysicalVolume {
  PvId id;
  std::string device;  ///< hint only: where it was seen last
  Flags flags;         ///< ALLOCATABLE, EXPORTED, MISSING
  std::vector<std::string> tags;
  std::optional<Sectors> dev_size;
  Sectors pe_start;
  Extents pe_count;
  config::Carried carried;
  friend bool operator==(const PhysicalVolume&, const PhysicalVolume&) = default;
};

struct LogicalVolume {
  std::string name;
  LvId id;
  Flags flags;
  std::vector<std::string> tags;
  std::optional<std::uint64_t> creation_time;  ///< seconds since 1970
  std::string creation_host;
  Allocation allocation = Allocation::inherit;
  std::optional<std::uint32_t> read_ahead;  ///< sectors; 0: none; absent: as the kernel has it
  std::optional<std::uint32_t> major;       ///< of the device; no kernel of today heeds it
  std::optional<std::uint32_t> minor;       ///< of the device, where FIXED_MINOR is set
  std::vector<Segment> segments;            ///< ascending, without gap
  config::Carried carried;
  friend bool operator==(const LogicalVolume&, const LogicalVolume&) = default;
};

struct VolumeGroup {
  std::string name;
  VgId id;
  std::uint32_t seqno = 0;
  Flags flags;
  std::vector<std::string> tags;
  std::string system_id;  ///< empty: none
  std::string lock_type;  ///< empty or "none": none
  Sectors extent_size;
  std::uint32_t max_lv = 0;
  std::uint32_t max_pv = 0;
  Allocation allocation = Allocation::normal;
  std::uint32_t metadata_copies = 0;  ///< metadata areas in use; 0: as they were set one by one
  /// Groups whose texts this one replaces wherever such a text still lies: it was merged from them, or had
  /// that id. Set only while that change is under way.
  std::vector<VgId> supersedes;
  /// The group that it is being split from, until that one has gone on without it.
  std::optional<VgId> split_from;
  std::vector<PhysicalVolume> pvs;
  std::vector<LogicalVolume> lvs;
  config::Carried carried;
  friend bool operator==(const VolumeGroup&, const VolumeGroup&) = default;
};

/// Questions that many ask. Pointers are into the argument, null where there is none.
const PhysicalVolume* find_pv(const VolumeGroup& vg, const PvId& id);
const LogicalVolume* find_lv(const VolumeGroup& vg, std::string_view name);
LogicalVolume* find_lv(VolumeGroup& vg, std::string_view name);
/// Throws Errc::not_found "there is no volume NAME in VG".
const LogicalVolume& lv_at(const VolumeGroup& vg, std::string_view name);

bool is_visible(const LogicalVolume& lv);
Extents size_of(const LogicalVolume& lv);
/// Sectors at the start of a crypt LV's data that are no payload; zero for all others.
Sectors payload_offset_of(const LogicalVolume& lv);
/// What a person may use of it: its extents, less a payload_offset.
Sectors payload_size(const VolumeGroup& vg, const LogicalVolume& lv);
/// The crypt / keystore segment kinds of an LV, null where its first segment is another kind.
const Crypt* crypt_of(const LogicalVolume& lv);
const Keystore* keystore_of(const LogicalVolume& lv);

/// Names of data LVs: owner + "_crdata" (+ number from the second copy on).
std::string data_lv_name(std::string_view owner, unsigned copy = 1);
/// Whether a crypt or keystore segment has its bytes in that LV.
bool uses_area_of(const Segment& segment, std::string_view lv);
/// The crypt or keystore LV that names `data_lv` in an area, or null.
const LogicalVolume* owner_of(const VolumeGroup& vg, std::string_view data_lv);
/// Visible crypt LVs with at least one segment on `store`.
std::vector<const LogicalVolume*> users_of(const VolumeGroup& vg, std::string_view store);

}  // namespace cv::metadata
