// What can be repaired without guessing: copies of the metadata and the labels of PVs. Nothing here touches
// an extent, and every step may be cut short: what was readable before stays readable, and the rest can be
// repaired again.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "metadata/scan.h"

namespace cv::metadata {

struct Repair {
  enum class Kind {
    write_copy,       ///< the newest text into an area that has an old one, a damaged one, or none
    clear_announced,  ///< forget a text that was never made valid
    mark_label,       ///< the label says USED, with the present extension
    release_pv        ///< take the old metadata off a PV that the group has left behind
  };
  Kind kind;
  std::size_t pv;        ///< index into Scan::pvs
  std::size_t area = 0;  ///< of write_copy and clear_announced: index into its areas
  std::string sentence;  ///< what is done, as "write the metadata anew on /dev/sdb at 4096"

  /// Somebody may still want what it takes away.
  bool needs_consent() const { return kind == Kind::release_pv; }
};

/// In the order in which they are to be done. `scan` read every copy. Empty where the group has no damage of
/// that kind. Throws Errc::damaged or Errc::refused where it can't be told which text is right, or where the
/// group is another host's or a lock manager's.
std::vector<Repair> plan_repairs(const Scan& scan, const FoundGroup& group);

/// Carries one out, each write flushed before the next depends on it; then reads back what was written. The
/// group's lock is held exclusively since the scan. Throws Errc::io, Errc::no_space, Errc::damaged; the disk
/// is no worse then.
void carry_out(const Repair& repair, const Scan& scan, const FoundGroup& group);

}  // namespace cv::metadata
