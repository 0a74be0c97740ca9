// How many copies a keystore has, and on which PVs: functions from group to group, as in edit.h. New copies
// come last and are in extents that are free; fill_new_copies() of store_bytes.h gives them their bytes
// before the commit.
#pragma once

#include <string>
#include <vector>

#include "metadata/edit.h"

namespace cv::metadata {

/// What a new store has where nobody says otherwise: one on each of up to so many PVs.
inline constexpr unsigned kUsualCopies = 3;

/// As many as were asked for, or the usual number as far as there are PVs; never fewer than there are. 0
/// where the handler keeps no bytes.
unsigned wanted_copies(const VolumeGroup& vg, const Keystore& store);

/// Copies on further PVs until there are `count`, or as many as there is room for; never on PVs to `avoid`.
/// Throws Errc::refused as with_next_generation() does.
VolumeGroup add_copies(VolumeGroup vg, const std::string& store, unsigned count,
                       const std::vector<PvId>& avoid, const NewId& new_id);

/// The store goes on without the copies of these numbers (from 1 on), which are handed to a new store that is
/// marked `erasing`. One at least is left.
VolumeGroup give_up_copies(VolumeGroup vg, const std::string& store, const std::vector<unsigned>& numbers,
                           const NewId& new_id, const Origin& origin);

/// From now on the store is to have so many.
VolumeGroup want_copies(VolumeGroup vg, const std::string& store, unsigned count);

/// The numbers of the copies that lie on one of `pvs`, with all or some of their extents.
std::vector<unsigned> copies_on(const VolumeGroup& vg, const LogicalVolume& store,
                                const std::vector<PvId>& pvs);
/// The stores that have such copies.
std::vector<std::string> stores_with_copies_on(const VolumeGroup& vg, const std::vector<PvId>& pvs);

/// All copies leave these PVs: other PVs take them as far as there is room, the old ones are given up. Throws
/// Errc::no_space where a store would have none.
VolumeGroup move_copies_off(VolumeGroup vg, const std::vector<PvId>& pvs, const NewId& new_id,
                            const Origin& origin);

}  // namespace cv::metadata
