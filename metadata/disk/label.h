// The label of a physical volume: one sector that says who it is and where its metadata lies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/id.h"
#include "lib/base/units.h"
#include "lib/device/block_device.h"

namespace cv::metadata::disk {

using SectorBuffer = std::array<std::byte, kSectorBytes>;

/// A stretch of a device; a data area of size 0 reaches to the end.
struct DiskArea {
  Bytes offset;
  Bytes size;
  friend bool operator==(const DiskArea&, const DiskArea&) = default;
};

inline constexpr unsigned kLabelSectors = 4;  ///< a label lies in one of the first four
inline constexpr std::uint32_t kLabelExtension = 2;
inline constexpr std::uint32_t kLabelUsed = 1;

struct Label {
  unsigned sector = 1;
  PvId id;
  Bytes device_size;
  std::vector<DiskArea> data_areas;
  std::vector<DiskArea> metadata_areas;
  std::uint32_t extension = kLabelExtension;  ///< 0: none, then flags and bootloader areas are empty
  std::uint32_t flags = 0;
  std::vector<DiskArea> bootloader_areas;
  friend bool operator==(const Label&, const Label&) = default;

  /// The PV belongs to a volume group.
  bool used() const { return (flags & kLabelUsed) != 0; }
};

/// The same label saying that its PV is or is not in a group; brings an old extension up to date.
Label with_used(Label label, bool used);

/// The whole sector, checksum included. Throws Errc::refused where the lists don't fit into it.
SectorBuffer pack(const Label& label);

/// What one sector holds.
struct UnpackedLabel {
  std::optional<Label> label;
  std::string flaw;  ///< why a sector that begins like a label is none; empty where it does not
};
UnpackedLabel unpack_label(std::span<const std::byte, kSectorBytes> sector, unsigned sector_number);

struct FoundLabel {
  std::optional<Label> label;      ///< the first good one
  std::vector<std::string> flaws;  ///< sentences about sectors that begin like a label and are none
  std::vector<unsigned> further;   ///< sectors of good ones behind the first
};
FoundLabel read_label(device::BlockDevice& device);

/// One sector. Does not flush.
void write_label(device::BlockDevice& device, const Label& label);

/// Zeroes each of the first four sectors that begins like a label. Does not flush.
void erase_labels(device::BlockDevice& device);

}  // namespace cv::metadata::disk
