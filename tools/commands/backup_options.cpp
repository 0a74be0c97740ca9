#include "tools/commands/backup_options.h"

#include "lib/base/error.h"
#include "lib/device/text_file.h"
#include "metadata/group_text.h"
#include "metadata/restore.h"

namespace cv::tools::commands {

std::string backup_path(Session& session, const std::string& vg) {
  return fmt::format("{}/{}", session.store().options().archive.backup_dir, vg);
}

metadata::VolumeGroup read_backup(const std::string& path) {
  const auto text = device::read_text_file(path);
  if (!text)
    throw Error(Errc::not_found, "there is no file {}", path)
        .advise("'cvm vgcfgrestore --list VG' shows the files that there are");
  return during(path, [&] { return metadata::read_group(*text, metadata::TextForm::backup); });
}

void follow_restore_file(const Arguments& arguments, bool has_id, metadata::NewPv& wanted) {
  const auto path = arguments.text(kRestoreFile);
  if (!path) return;
  if (!has_id)
    throw Error(Errc::usage, "--restorefile is for a physical volume that the file names, by its id")
        .advise("give the id with --uuid; the file has it");
  const auto file = read_backup(*path);
  during(*path, [&] { metadata::follow_backup(wanted.layout, file, wanted.id); });
}

}  // namespace cv::tools::commands
