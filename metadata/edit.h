// Changes of a volume group: functions from group to group.
//
// Each returns a group that check() finds no worse, or throws; the caller's group is untouched in both cases.
// That check() agrees is the business of the property tests and, before every commit, of Transaction. What a
// change needs of the world (ids, time, random numbers) is an argument. Nothing here does I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "metadata/allocate.h"
#include "metadata/edit_remove.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// When and where a volume was made.
struct Origin {
  std::uint64_t time = 0;  ///< seconds since 1970
  std::string host;
};

/// Gives a fresh id with each call.
using NewId = std::function<LvId()>;

// ---- any volume (edit_volume.cpp)

struct NewVolume {
  std::string name;
  Extents size;
  Placement placement;
  std::vector<std::string> tags;
  Origin origin;
};
VolumeGroup create_plain(VolumeGroup vg, const NewVolume& wanted, const NewId& new_id);

/// How large a new volume becomes, asked for each of several in its turn: `room` is what those before it have
/// left.
using SizeInTurn = std::function<Extents(const Room& room)>;

/// Volumes that differ in name and size alone.
struct NewVolumes {
  std::vector<std::string> names;
  SizeInTurn size;
  Placement placement;
  std::vector<std::string> tags;
  Origin origin;
};
/// All of them or none: what create_plain() makes of one after the other, in one pass over the group.
VolumeGroup create_plain_volumes(VolumeGroup vg, const NewVolumes& wanted, const NewId& new_id);

/// `by` extents more; for crypt volumes data LV, segments and IVs.
VolumeGroup extend(VolumeGroup vg, const std::string& name, Extents by, const Placement& placement);

// ---- encrypted volumes (edit_crypt.cpp)

struct NewKeystore {
  std::string name;  ///< cryptostore<number>
  std::string handler;
  std::string cipher;
  std::uint32_t key_bits = 0;
  std::string key_hash;
  std::uint32_t sector_bytes = 512;
  std::optional<std::string> key_check;
  Bytes region;         ///< what one copy must hold, trailer included; 0: the handler keeps no bytes
  unsigned copies = 0;  ///< each on a PV of its own, and kept so; 0: one on each of up to 3 PVs
  Sectors first_iv;     ///< where the first window begins; a multiple of kIvWindow
  Origin origin;
};
VolumeGroup create_store(VolumeGroup vg, const NewKeystore& wanted, const NewId& new_id);

struct NewCryptVolume {
  NewVolume volume;
  std::string store;  ///< exists in the group
  bool discards = false;
  bool inline_workqueues = false;
};
VolumeGroup create_crypt(VolumeGroup vg, const NewCryptVolume& wanted, const NewId& new_id);

struct NewCryptVolumes {
  NewVolumes volumes;
  std::string store;  ///< exists in the group
  bool discards = false;
  bool inline_workqueues = false;
};
/// All of them or none, as create_plain_volumes().
VolumeGroup create_crypt_volumes(VolumeGroup vg, const NewCryptVolumes& wanted, const NewId& new_id);

/// Takes out stores that are marked `erasing`, with their data LVs.
VolumeGroup remove_stores(VolumeGroup vg, const std::vector<std::string>& stores);

/// The names of stores that are marked `erasing`.
std::vector<std::string> stores_being_erased(const VolumeGroup& vg);

/// Throws Errc::refused where a PVMOVE or a converting volume forbids any change.
void require_no_conversion(const VolumeGroup& vg);
/// Volumes that stock LVM2 has to look after (thin, raid, ...), each as "name (type)": once the group holds a
/// crypt segment stock LVM2 changes it no more.
std::vector<std::string> volumes_that_need_stock(const VolumeGroup& vg);
bool has_crypt(const VolumeGroup& vg);

// ---- import (edit_import.cpp)

/// What a LUKS header says.
struct ImportedHeader {
  std::string handler;  ///< luks1, luks2
  std::string cipher;
  std::uint32_t key_bits = 0;
  std::string key_hash;
  std::uint32_t sector_bytes = 512;
  Bytes header_size;       ///< bytes from the start that belong to header and key slots
  Sectors payload_offset;  ///< where the payload begins in the volume
  Sectors iv_first;        ///< LUKS2's iv_tweak
  bool discards = false;
  bool inline_workqueues = false;
};
struct Import {
  std::string lv;
  std::string store;  ///< a new cryptostore<number>
  ImportedHeader header;
  bool detached = false;  ///< the header was elsewhere
  unsigned copies = 0;
  Origin origin;
};
/// Whether the header's extents become the store as they stand: the payload begins with an extent (and a row
/// of stripes), and no more than one copy is asked for.
bool imports_in_place(const VolumeGroup& vg, const Import& import);
VolumeGroup import_luks(VolumeGroup vg, const Import& import, const NewId& new_id);

/// The header inside an imported volume was overwritten; its payload_offset stays.
VolumeGroup forget_old_header(VolumeGroup vg, const std::string& lv);

// ---- forms (native_form.cpp)

/// Turns what is in the RFC's form into the native one: the same extents, nothing moves. A group that is in
/// native form comes back as it is.
VolumeGroup to_native(VolumeGroup vg, const NewId& new_id);
bool is_native(const VolumeGroup& vg);

/// The order of the text: all that stock knows, then data LVs, then stores, crypt LVs last; stable.
void order_volumes(VolumeGroup& vg);

}  // namespace cv::metadata
