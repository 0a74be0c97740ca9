// A volume group to LVM text and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "metadata/volume_group.h"

namespace cv::metadata {

enum class TextForm {
  on_disk,  ///< begins with a name at its first byte, as LVM2 wants it in metadata areas
  backup,   ///< vgcfgbackup's files: header first, tabs and comments; anything LVM2 reads from a file
};

/// Who wrote a text, when and why.
struct TextStamp {
  std::string description;
  std::string creation_host;
  std::uint64_t creation_time = 0;  ///< seconds since 1970
};

/// Refuses what LVM2 refuses to read, with Errc::damaged and the line; but takes the seed form of crypt
/// volumes (docs/FORMAT.md). What needs the whole group (overlaps, extents past the end of a PV) is left to
/// check(). Everything else that is not understood is carried along; further top-level sections are dropped,
/// as LVM2 does. WRITE_LOCKED comes back as WRITE.
VolumeGroup read_group(std::string_view text, TextForm form = TextForm::on_disk);

/// The order of PVs and LVs is that of the lists; PVs are called pv0, pv1, ... Without the NUL byte that LVM2
/// puts behind the text on disk. read_group() gives back the same value.
std::string print_group(const VolumeGroup& vg, const TextStamp& stamp, TextForm form = TextForm::on_disk);

}  // namespace cv::metadata
