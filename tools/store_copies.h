// Commands that change how many copies a keystore has, or on which physical volumes they lie.
#pragma once

#include <string>
#include <vector>

#include "metadata/transaction.h"
#include "tools/session.h"

namespace cv::tools {

/// Gives the new copies of every store in prepared() the bytes that the store has in current(). To be called
/// between prepare() and commit().
void fill_new_copies(const metadata::Transaction& change);

/// Lets stores have as many copies as they want where there is room by now, with a commit of its own, and
/// says so. Warns of stores that can't have them.
void complete_copies(metadata::Transaction& change);

/// The copies of keystores leave these PVs, and are overwritten there. Afterwards current() has nothing of
/// theirs on them. `base` is current(), in native form. Warns of stores that go on with fewer copies; throws
/// Errc::no_space where one would have none.
void move_copies_off(Session& session, metadata::Transaction& change, const metadata::VolumeGroup& base,
                     const std::vector<PvId>& pvs);

/// More copies of these stores, until they have as many as they had in `before`, or as many as there is room
/// for. `vg` is what becomes of `change`.current(); a store that has no copy to go by stays as it is.
metadata::VolumeGroup with_copies_of_before(const metadata::Transaction& change, metadata::VolumeGroup vg,
                                            const metadata::VolumeGroup& before);

/// Whether one of the store's copies is as it should be, so that the others can be done without.
bool has_sound_copy(const metadata::VolumeGroup& vg, const metadata::PvDevices& devices,
                    const std::string& store);

/// Warns of stores that have fewer copies in `next` than in `before`.
void warn_of_fewer_copies(const metadata::VolumeGroup& before, const metadata::VolumeGroup& next);

/// "1 copy", "3 copies".
std::string count_of_copies(std::size_t count);

}  // namespace cv::tools
