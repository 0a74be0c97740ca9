// Finds free extents for a volume. Pure: it says where, edits put it there.
#pragma once

#include <string>
#include <vector>

#include "metadata/stretches.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// Extents of one PV that may be used: a PV argument, or PV:first-last, of the command line.
struct Permitted {
  PvId pv;
  ExtentRange extents;  ///< clipped to the PV
};

struct Placement {
  std::vector<Permitted> permitted;  ///< empty: every allocatable PV
  std::uint32_t stripes = 1;
  /// The stripes were asked for: an extension does not go on with those that the volume has.
  bool own_stripes = false;
  Sectors stripe_size;  ///< with several stripes; a power of two of at least 4 KiB
  Allocation policy = Allocation::inherit;
};

/// What one volume takes out of a Room.
struct Wanted {
  Extents count;  ///< a multiple of placement.stripes
  /// Where the volume ends now, one area a stripe: the first extents behind it. Continuing there is tried
  /// first.
  std::vector<PhysicalArea> behind;
  /// The PVs that the volume lies on, for each stripe. Policies that cling stay there; "normal" goes
  /// elsewhere when they are full.
  std::vector<std::vector<PvId>> cling_to;
};

/// One stretch: `each` extents on every one of `stripes`.
struct Piece {
  Extents each;
  std::vector<PhysicalArea> stripes;
};

/// The free extents of a group that volumes of one placement may have, for any number of them: what one is
/// given is not free for the next. Made in one pass over the group, which is not needed afterwards.
class Room {
 public:
  /// Each piece starts at a multiple of `alignment` on its PV (8 sectors for 4096-byte encryption sectors).
  /// PVs to `avoid` hold other copies of the same store.
  Room(const VolumeGroup& vg, Placement placement, Sectors alignment = Sectors(1),
       const std::vector<PvId>& avoid = {});

  /// LVM2's policies. All go on where the volume ends, as far as they can. Then
  /// - normal: on the PVs of the volume; then the smallest free stretch that is large enough on the PV that
  ///   has the largest such, else pieces from large to small; each stripe on a PV of its own;
  /// - cling and cling_by_tags (there is no list of tags): on the PVs of the volume, a new one on those of
  /// its
  ///   first piece;
  /// - anywhere: as normal, but stripes may lie on one PV;
  /// - contiguous: a single piece, behind the volume's end where it has one.
  /// Throws Errc::no_space with both numbers, Errc::refused where a volume of unknown type makes the free
  /// extents unclear; then the room is of no further use.
  std::vector<Piece> allocate(const Wanted& wanted);

  /// How many extents an allocation could use in all, in whole rows of stripes where there are several.
  Extents allocatable() const;

  const std::string& group() const { return group_; }
  const Placement& placement() const { return placement_; }

 private:
  friend class Allocator;
  struct FreeOnPv {
    PvId pv;
    Stretches free;
  };

  Extents total() const;
  [[noreturn]] void throw_no_space(Extents wanted, Extents free, std::size_t pvs) const;

  std::string group_;
  Placement placement_;
  Allocation policy_;    ///< in force
  std::string unclear_;  ///< Usage::unclear by name; empty: none
  std::vector<FreeOnPv> pvs_;
};

/// The segments that pieces make, the first starting at `start`.
std::vector<Segment> segments_from(const std::vector<Piece>& pieces, Extents start, Sectors stripe_size);

}  // namespace cv::metadata
