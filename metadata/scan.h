// What all devices together say: which groups there are, which PVs stand alone, and what is wrong with them.
//
// The reader's rules of LVM2: the highest seqno wins, bad copies are passed over, groups are told apart by
// id.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/device/block_device.h"
#include "metadata/check.h"
#include "metadata/disk/label.h"
#include "metadata/disk/metadata_area.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// Whose text it is, and how new.
struct TextOfGroup {
  VgId group;
  std::uint32_t seqno = 0;
};

struct AreaOnDisk {
  disk::DiskArea place;
  std::optional<disk::AreaHeader> header;  ///< absent: damaged, `flaw` says how
  std::string flaw;                        ///< of the header or of the committed text; empty: none
  std::optional<TextOfGroup> text;         ///< absent: none, one that can't be read, or an ignored one
  bool is_intact = false;  ///< the text's checksum is right, though `flaw` may be in what it says
};

/// A device with a label. Devices belong to whoever had them scanned and outlive this.
struct PvOnDisk {
  device::BlockDevice* device = nullptr;
  disk::Label label;
  std::vector<AreaOnDisk> areas;
};

enum class PvState {
  orphan,      ///< in no group, may be taken
  member,      ///< of a group that is readable
  used,        ///< says that it is in a group, and none that is readable has it
  outdated,    ///< has an old text of a group that has gone on without it
  unreadable,  ///< has a text that can't be read
  duplicate    ///< another device with the same id is in use instead
};

struct FoundPv {
  PvOnDisk disk;
  PvState state = PvState::orphan;
  std::string group;  ///< member, outdated: its name; unreadable: what the text seems to begin with
};

/// Why a group can't be changed, or not used at all.
enum class Hindrance {
  exported,
  foreign,
  lock_type,
  clustered,
  read_only,
  missing_pvs,
  duplicate_pvs,
  conflict,
  unfinished  ///< a vgsplit was interrupted; begin_change() finishes it
};

struct Obstacle {
  Hindrance kind;
  std::string sentence;
  std::string advice;
};

/// Where the PVs of a group are; null: missing.
using PvDevices = std::map<PvId, device::BlockDevice*>;

struct FoundGroup {
  VolumeGroup vg;
  disk::TextLocation text;  ///< size and checksum of the text it was read from; no place
  PvDevices devices;
  std::vector<Obstacle> obstacles;
  std::vector<Damage> findings;  ///< about its copies and PVs; what is wrong inside the group says check()
};

struct Scan {
  std::vector<FoundGroup> groups;  ///< by name
  std::vector<FoundPv> pvs;        ///< in the order of the devices
  std::vector<Damage> findings;    ///< what belongs to no readable group
};

enum class ScanDepth {
  one_copy,   ///< of each distinct text; areas with the same size and checksum hold the same
  every_copy  ///< for cvck
};

/// Texts that were read and understood, or not; by checksum and size.
struct ReadText {
  std::optional<VolumeGroup> vg;  ///< nothing where it was not understood, or was taken
  std::string flaw;
  /// Of the group, whether it was taken or not.
  VgId id;
  std::uint32_t seqno = 0;
  std::string name;
  std::vector<VgId> supersedes;
};
using TextCache = std::map<std::pair<std::uint32_t, Bytes>, ReadText>;

/// Reads labels, area headers, and texts that `cache` does not have yet. `host_system_id` empty: this host
/// has none. Never throws for what is on a disk; a device that can't be read is a finding.
Scan scan_devices(const std::vector<device::BlockDevice*>& devices, std::string_view host_system_id,
                  ScanDepth depth, TextCache& cache);

/// The same for the last scan of a command: groups leave the cache instead of being copied, all of them or
/// those of that name. With 10,000 volumes a copy costs a fifth of what reading the text did.
Scan take_groups(const std::vector<device::BlockDevice*>& devices, std::string_view host_system_id,
                 TextCache& cache, std::string_view name = {});

/// A group that was written and is not yet out of the one that it is split from.
struct UnfinishedSplit {
  const FoundGroup* from = nullptr;  ///< null: it is not there
  const FoundGroup* to = nullptr;
};
/// The split that `group` takes part in, on either side; `to` is null where there is none.
UnfinishedSplit unfinished_split(const Scan& scan, const VgId& group);

/// A PV that was marked as used for a group whose text never arrived on it, or has been taken from it: all
/// its areas are whole and empty. An interrupted vgcreate, vgextend or vgremove leaves such PVs.
bool is_marked_only(const FoundPv& pv);

/// One group by name. Throws Errc::not_found, Errc::damaged where all its copies are, Errc::refused where two
/// groups have that name.
const FoundGroup& group_at(const Scan& scan, std::string_view name);
/// The same for a group that is known by its id. Throws Errc::not_found.
const FoundGroup& group_at(const Scan& scan, const VgId& id);
/// The PV on the device of that path, or null.
const FoundPv* find_pv(const Scan& scan, std::string_view path);

/// Throws Errc::damaged for a conflict, Errc::refused for all others.
[[noreturn]] void throw_obstacle(const Obstacle& obstacle);
/// Throws the first obstacle that is not in `despite`.
void require_changeable(const FoundGroup& group, const std::vector<Hindrance>& despite = {});
/// Throws where the group is exported or another host's, or needs a lock manager: nothing in it may be
/// activated.
void require_usable(const FoundGroup& group);

}  // namespace cv::metadata
