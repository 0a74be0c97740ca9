// Who may use which IVs under one key: windows of 2^40 sectors, handed out once and never again.
//
// Two volumes under one key and one range of IVs leak equal plaintext at equal places. So every crypt segment
// states its first IV, and a store remembers in iv_next the first IV that nobody has ever used. Rules:
// docs/FORMAT.md, "IV windows". IVs count 512-byte sectors, whatever the encryption sector.
#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>

#include "lib/base/range.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

inline constexpr Sectors kIvWindow = Sectors(std::uint64_t{1} << 40);
inline constexpr Sectors kIvLimit = Sectors(std::uint64_t{1} << 63);    ///< the text has signed numbers
inline constexpr Sectors kIvLimit32 = Sectors(std::uint64_t{1} << 32);  ///< of ciphers with a 32-bit IV

/// The IVs of one crypt segment: its iv_offset, or where that is absent its own start in the LV, and its
/// length less what a payload_offset takes from the first segment.
SectorRange iv_range(const VolumeGroup& vg, const LogicalVolume& lv, const Segment& segment);

/// The highest of the store's iv_next and the ends of all its segments. Trailers of the store's copies may
/// know a higher one: the caller raises iv_next in the group first.
Sectors iv_next_of(const VolumeGroup& vg, const LogicalVolume& store);

/// For each store that volumes name, where the IVs of their segments end.
using IvEnds = std::unordered_map<std::string_view, Sectors>;  ///< names in the group that was asked
IvEnds iv_ends(const VolumeGroup& vg);

/// What iv_next is once `used_end` is the end of a volume's IVs: behind its whole window, or, for ciphers
/// with 32-bit IVs, right there.
Sectors behind_window(const LogicalVolume& store, Sectors used_end);

/// IVs for new sectors, and what iv_next becomes.
struct IvGrant {
  Sectors first;
  Sectors iv_next;
};

/// For a new volume of `length` on `store`. Throws Errc::no_space where the IVs of the store are used up.
IvGrant grant_new(const VolumeGroup& vg, const LogicalVolume& store, Sectors length);
/// The same for one of several in a row: `next` is iv_next_of() at first, then IvGrant::iv_next.
IvGrant grant_next(const VolumeGroup& vg, const LogicalVolume& store, Sectors next, Sectors length);

/// For `length` more sectors of the crypt volume `lv`, whose last segment is on `store`: behind its last IV
/// (or at iv_high) where its window has room and nobody else is there, else as for a new volume.
IvGrant grant_more(const VolumeGroup& vg, const LogicalVolume& lv, const LogicalVolume& store,
                   Sectors length);

/// Two segments of one store that share IVs.
struct IvOverlap {
  const LogicalVolume* store;
  const LogicalVolume* first;
  const LogicalVolume* second;
  /// Both begin where the RFC's form let every volume begin: a leak that came with that form, not a mistake
  /// of ours.
  bool is_heritage;
};
std::vector<IvOverlap> iv_overlaps(const VolumeGroup& vg);

}  // namespace cv::metadata
