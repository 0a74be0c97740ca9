// What vgcfgbackup, vgcfgrestore and pvcreate share: files with the metadata of a group.
#pragma once

#include <string>

#include "metadata/store.h"
#include "tools/command.h"
#include "tools/session.h"

namespace cv::tools::commands {

inline constexpr Option kBackupFile{'f', "file", "FILE", "the file with the metadata"};

Command vgcfgbackup();
Command vgcfgrestore();

/// Where the backup of a group is.
std::string backup_path(Session& session, const std::string& vg);

/// The group in a backup or archive file. Throws Errc::not_found and Errc::damaged with the path.
metadata::VolumeGroup read_backup(const std::string& path);

inline constexpr Option kRestoreFile{
    0, "restorefile", "FILE", "with --uuid: lay it out as this backup or archive file says of that id"};

/// --restorefile of pvcreate. Throws Errc::usage without --uuid (`has_id`).
void follow_restore_file(const Arguments& arguments, bool has_id, metadata::NewPv& wanted);

}  // namespace cv::tools::commands
