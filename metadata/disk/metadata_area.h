// A metadata area: a header sector with two text locations, and a circular buffer of texts behind it.
//
// What changes is always written beside what is valid; one sector then switches (docs/FORMAT.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/units.h"
#include "metadata/disk/label.h"

namespace cv::metadata::disk {

/// Where a text lies, from the start of its area. LVM2 counts the NUL behind the text in size and crc.
struct TextLocation {
  Bytes offset;  ///< 0: there is none
  Bytes size;
  std::uint32_t crc = 0;
  std::uint32_t flags = 0;
  friend bool operator==(const TextLocation&, const TextLocation&) = default;

  bool empty() const { return offset.n == 0; }
};

inline constexpr std::uint32_t kAreaIgnored = 1;
inline constexpr Bytes kAreaHeaderSize{kSectorBytes};

struct AreaHeader {
  Bytes start;  ///< of the area on the device
  Bytes size;   ///< header included
  TextLocation committed;
  TextLocation precommitted;
  friend bool operator==(const AreaHeader&, const AreaHeader&) = default;

  /// Neither read nor written: LVM2 keeps fewer copies than there are areas (vgmetadatacopies).
  bool ignored() const { return (committed.flags & kAreaIgnored) != 0; }
};

SectorBuffer pack(const AreaHeader& header);
/// Throws Errc::damaged: checksum, magic, version, a start or size other than the label says.
AreaHeader unpack_area_header(std::span<const std::byte, kSectorBytes> sector, const DiskArea& area);

AreaHeader read_area_header(device::BlockDevice& device, const DiskArea& area);
/// One sector. Does not flush.
void write_area_header(device::BlockDevice& device, const AreaHeader& header);

/// Whether a text can lie there at all, in bounds of the area.
bool is_inside(const AreaHeader& header, const TextLocation& location);

/// The text at `location` without its NUL. Throws Errc::damaged where it lies outside the buffer or its
/// checksum is wrong.
std::string read_text(device::BlockDevice& device, const AreaHeader& header, const TextLocation& location);

/// Size and checksum of a text as LVM2 counts them, with a NUL behind it; at no place yet.
TextLocation measure(std::string_view text);

/// Where the next text begins: behind the committed one, at a whole sector, as LVM2 does it.
Bytes next_text_offset(const AreaHeader& header);

/// With the NUL; two of them always fit.
Bytes largest_text(Bytes area_size);

/// Where a text of that size and checksum will lie. Throws Errc::no_space where it does not fit or would
/// reach into the committed text.
TextLocation place_text(const AreaHeader& header, const TextLocation& measured);

/// Writes the text to its place, zeroes behind it up to a whole sector. Touches no header, does not flush.
void write_text(device::BlockDevice& device, const AreaHeader& header, const TextLocation& place,
                std::string_view text);

/// A header with two empty locations, as pvcreate leaves it, and zeroes behind it up to 4 KiB. Does not
/// flush.
void format_area(device::BlockDevice& device, const DiskArea& area);

}  // namespace cv::metadata::disk
