// Where label, metadata and data go on a new physical volume: LVM2's defaults.
#pragma once

#include <optional>
#include <string>

#include "metadata/disk/label.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// Stock LVM2 passes over smaller devices (devices/pv_min_size).
inline constexpr Bytes kLeastPv(2 << 20);

struct PvLayout {
  Bytes device_size;
  Bytes data_alignment;          ///< 0: 1 MiB, or the next multiple of optimal_io
  Bytes data_alignment_offset;   ///< added to the start of the data
  Bytes optimal_io;              ///< as the device reports it
  Bytes metadata_size{1044480};  ///< at least; an area grows up to the next alignment
  unsigned metadata_copies = 1;  ///< 0, 1 at the start, 2 one more at the end
  Bytes bootloader_size;
  unsigned label_sector = 1;
};

/// The label of a PV with that layout. Throws Errc::no_space where the device is too small, Errc::usage for
/// an impossible layout.
disk::Label lay_out(const PvLayout& layout, const PvId& id);

/// Where the data of a PV ends on a device of `device_size`: there, or before a metadata area at the end.
Sectors data_end(const disk::Label& label, Bytes device_size);
/// The label on a device of another size. A metadata area at the end moves to the new end, to where nothing
/// of the old one is; it stays where the device grew by less than that. Throws Errc::no_space where no room
/// for data would be left.
disk::Label resized(disk::Label label, std::string_view path, Bytes device_size);

/// The PV as a new member of a group. `device_size` is what the device has now, `path` becomes the hint.
/// Throws Errc::no_space where not one extent fits.
PhysicalVolume member_of(const disk::Label& label, const std::string& path, Bytes device_size,
                         Sectors extent_size);

}  // namespace cv::metadata
