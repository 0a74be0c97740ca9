// The segments of a logical volume as plain values: few kinds, many operations, hence a variant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/id.h"
#include "lib/base/rare_list.h"
#include "lib/base/units.h"
#include "lib/config/carried.h"

namespace cv::metadata {

/// Extents of a PV, from `first` on.
struct PhysicalArea {
  PvId pv;
  Extents first;
  friend bool operator==(const PhysicalArea&, const PhysicalArea&) = default;
};

/// Extents of another LV of the same VG, from `first` on.
struct LogicalArea {
  std::string lv;
  Extents first;
  friend bool operator==(const LogicalArea&, const LogicalArea&) = default;
};

using Area = std::variant<PhysicalArea, LogicalArea>;

/// LVM2's linear and striped: one stripe is linear.
struct Striped {
  Sectors stripe_size;        ///< zero with one stripe
  std::vector<Area> stripes;  ///< each count / stripes.size() extents long
  friend bool operator==(const Striped&, const Striped&) = default;
};

/// Encrypted extents. Keys and rules: docs/FORMAT.md.
struct Crypt {
  std::string store;                      ///< name of the keystore LV
  Area area;                              ///< native form: the LV's own <lv>_crdata; seed form: a PV
  std::optional<Sectors> iv_offset;       ///< absent (seed form): start x extent size
  std::optional<Sectors> iv_high;         ///< last segment only: first IV of the window never used
  std::optional<Sectors> payload_offset;  ///< first segment only; absent: 0
  bool old_header = false;                ///< a LUKS header may still stand inside payload_offset
  bool discards = false;                  ///< discards = "pass"
  bool inline_workqueues = false;         ///< workqueues = "inline"
  friend bool operator==(const Crypt&, const Crypt&) = default;
};

/// What a person called a key slot.
struct NamedSlot {
  std::uint32_t slot = 0;
  std::string name;
  friend bool operator==(const NamedSlot&, const NamedSlot&) = default;
};

/// A shared place for keys. A store is one LV with one such segment.
struct Keystore {
  std::string handler;
  std::string cipher;
  std::uint32_t key_bits = 0;  ///< 0: absent in the text (a seed-form LUKS store says it in its header)
  std::optional<std::string> key_hash;
  std::optional<std::uint32_t> sector_bytes;  ///< absent: 512
  std::optional<Sectors> iv_next;             ///< first IV no volume of this store has ever used
  std::optional<std::uint64_t> generation;
  std::vector<Area> copies;  ///< each the segment's count extents long; empty: the handler keeps no bytes
  std::optional<std::string> key_check;
  std::optional<std::uint32_t> copies_wanted;  ///< absent: one on each of up to 3 PVs
  RareList<NamedSlot> slot_names;              ///< of key slots whose header has no place for names
  bool erasing = false;
  friend bool operator==(const Keystore&, const Keystore&) = default;
};

/// A type we don't manage: shown, kept, never activated; its extents count as used.
struct Opaque {
  std::string type;
  config::Tree body;  ///< everything but start_extent, extent_count, type and tags
  /// What the names "pvN" in lists of `body` stand for, as read. PVs are named anew with every print; a
  /// printer writes each PV's present name instead.
  std::vector<std::pair<std::string, PvId>> pv_names;

  /// By the PVs that are meant, not by what they are called at the time.
  friend bool operator==(const Opaque& a, const Opaque& b);
};

/// Whether strings in a value of Opaque::body may be names of PVs: they stand in lists only.
bool may_name_pvs(const config::Value& value);

using SegmentKind = std::variant<Striped, Crypt, Keystore, Opaque>;

struct Segment {
  Extents start;
  Extents count;  ///< seed form: 0 for a keystore without bytes
  std::vector<std::string> tags;
  SegmentKind kind;
  config::Carried carried;  ///< keys of known types that we don't know
  friend bool operator==(const Segment&, const Segment&) = default;
};

}  // namespace cv::metadata
