// Changes of keystores that are there: functions from group to group, as in edit.h.
#pragma once

#include <string>

#include "metadata/edit.h"

namespace cv::metadata {

/// The store's bytes are about to change: the next generation. Throws Errc::refused where `store` is no
/// keystore, or one that is being erased.
VolumeGroup with_next_generation(VolumeGroup vg, const std::string& store);

/// The names of key slots whose header has no place for them, by slot.
VolumeGroup with_slot_names(VolumeGroup vg, const std::string& store, RareList<NamedSlot> names);

/// Other bytes, which another handler understands, take the place of a store's: copies of `region` bytes
/// (trailer included) in extents that are free now, `count` of them. Name, id and users of the store stay.
/// Its old copies go to a store of another name that is marked `erasing`. Throws as with_next_generation()
/// and create_store() do.
VolumeGroup replace_bytes(VolumeGroup vg, const std::string& store, const std::string& handler, Bytes region,
                          unsigned count, const NewId& new_id, const Origin& origin);

}  // namespace cv::metadata
