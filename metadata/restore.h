// A group put back as a file has it: what the file can't know any more is mended first.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "metadata/pv_layout.h"
#include "metadata/scan.h"
#include "metadata/store.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// Where the PVs of the group in the file are, whatever group they are in now. Throws Errc::not_found that
/// names the ids of those that are missing, Errc::in_use for one that another group has, Errc::no_space for
/// a device that has become too small, and Errc::refused for a PV that the file itself marks as missing.
PvDevices devices_to_restore(const VolumeGroup& file, const Scan& scan);

/// No IV that a store handed out since the file was written is handed out again: iv_next of its stores, and
/// iv_high of its volumes, become at least what `current` says. Stores and volumes are matched by id. A
/// volume that `current` does not have may have grown before it went: it gets a new window when it grows.
VolumeGroup keep_used_ivs(VolumeGroup file, const VolumeGroup& current);

/// Whether these bytes, which have no trailer, begin like what the store's handler keeps.
using IsStoreHeader = std::function<bool(const Keystore& store, std::span<const std::byte> bytes)>;

/// What becomes of stores of the file whose bytes are nowhere any more.
enum class LostStores {
  refuse,
  restore_empty,  ///< for a backup of the bytes. IVs go on far behind: which were used is lost with the bytes
};

/// The group to commit. Its stores are the ones of the file; where the extents that the file names no longer
/// hold a store, yet those in `current` do, the store stays where it is. Throws Errc::refused that names a
/// store which is lost. iv_next and generation are the highest of file, disk and trailers.
VolumeGroup group_to_restore(VolumeGroup file, const VolumeGroup& current, const PvDevices& devices,
                             const IsStoreHeader& is_header, LostStores lost = LostStores::refuse);

/// What goes with the restoration: visible volumes, and keystores, that `current` has and `next` has not.
struct RestoreLosses {
  std::vector<std::string> volumes;
  std::vector<std::string> stores;
  friend bool operator==(const RestoreLosses&, const RestoreLosses&) = default;
};
RestoreLosses losses_of(const VolumeGroup& current, const VolumeGroup& next);

/// The group of a backup file, to be put in place of what is left of it: its PVs may be written to, whatever
/// group they are in that can't be found any more (devices_to_restore() tells, and throws). current() has no
/// PVs where nothing is left. Throws Errc::refused where the group has another name now, Errc::exists where
/// another group has its name, and what stands in the way.
Transaction begin_restore(MetadataStore& store, const VolumeGroup& file);

/// The layout of a new PV that takes the place of `id` in the group of a file, on a device of
/// layout.device_size: its data begin where the file says. Throws Errc::not_found where the file has no such
/// PV, Errc::no_space where its data and the areas don't fit.
void follow_backup(PvLayout& layout, const VolumeGroup& file, const PvId& id);

}  // namespace cv::metadata
