// The texts of a group in files, where stock LVM2 keeps them and looks for them: the archive has those from
// before each change, the backup the newest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/group_text.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

/// backup/... of lvm.conf. Who says nothing gets no files.
struct ArchiveSettings {
  bool archive = false;
  bool backup = false;
  std::string archive_dir;         ///< made, with mode 0700, where it is missing
  std::string backup_dir;          ///< likewise
  std::uint32_t retain_min = 10;   ///< so many texts of a group stay, however old
  std::uint32_t retain_days = 30;  ///< younger ones stay, however many
  std::string command;             ///< the command line, for the description
};

/// Puts the group as it is before a change into the archive, under the next free index, and removes what is
/// too old. No effect where there is no archive, for a group that has never been written, and, with a
/// warning, on a read-only file system. Throws Errc::io.
void archive_group(const ArchiveSettings& settings, const VolumeGroup& vg, TextStamp stamp);

/// Makes the group's text the backup; `former_name`'s backup goes where the group had another name. The
/// change is there already: what fails is logged as a warning.
void backup_group(const ArchiveSettings& settings, const VolumeGroup& vg, std::string_view former_name,
                  TextStamp stamp) noexcept;

/// Writes the group's text as the file `path`, in place of what is there. Throws Errc::io.
void write_backup(const std::string& path, const VolumeGroup& vg, const TextStamp& stamp);

/// Files of the archive about groups of that name, the oldest first. Empty where there is no such directory.
std::vector<std::string> archived_files(const std::string& archive_dir, std::string_view vg_name);

/// What the head of a backup or archive file says, and the name of its group.
struct BackupHead {
  std::string vg_name;
  TextStamp stamp;
};
/// Throws Errc::damaged.
BackupHead read_backup_head(std::string_view text);

}  // namespace cv::metadata
