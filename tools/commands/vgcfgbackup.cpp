// vgcfgbackup: writes the metadata of volume groups into files.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/device/text_file.h"
#include "tools/commands/backup_options.h"
#include "tools/common_options.h"
#include "tools/session.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

namespace {

constexpr std::string_view kPlaceOfName = "%s";

std::string path_for(const std::string& pattern, const std::string& vg) {
  std::string path = pattern;
  if (const auto at = path.find(kPlaceOfName); at != std::string::npos)
    path.replace(at, kPlaceOfName.size(), vg);
  return path;
}

std::vector<std::string> chosen_groups(Session& session, const Arguments& arguments) {
  std::vector<std::string> names;
  for (const auto& operand : arguments.operands()) {
    auto name = parse_group_name(operand);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  if (!arguments.operands().empty()) return names;
  for (const auto& group : session.store().scan().groups) names.push_back(group.vg.name);
  return names;
}

void run(Session& session, const Arguments& arguments) {
  const auto file = arguments.text(kBackupFile);
  const auto names = chosen_groups(session, arguments);
  if (file && names.size() > 1 && file->find(kPlaceOfName) == std::string::npos)
    throw Error(Errc::usage, "{} volume groups can't be written to one file", names.size())
        .advise("put %s where the name of the group is to stand in the name of the file");
  const auto& options = session.store().options();
  for (const auto& name : names) {
    const auto read = session.store().read(name);
    const auto& vg = read.group.vg;
    const bool is_partial =
        std::ranges::any_of(vg.pvs, [&](const auto& pv) { return read.group.devices.at(pv.id) == nullptr; });
    if (!file && is_partial)
      throw Error(Errc::refused, "physical volumes of {} are missing, and the backup is from before that",
                  name)
          .advise("name another file with --file");
    const auto path = file ? path_for(*file, name) : backup_path(session, name);
    if (session.is_test()) {
      log::notice("would write the metadata of {} to {}", name, path);
      continue;
    }
    if (!file) device::make_private_directory(options.archive.backup_dir);
    metadata::write_backup(
        path, vg,
        {.description = fmt::format("Created *after* executing '{}'", options.archive.command),
         .creation_host = options.host_name,
         .creation_time = options.now()});
    log::notice("Volume group \"{}\" successfully backed up.", name);
  }
}

}  // namespace

Command vgcfgbackup() {
  return {
      .name = "vgcfgbackup",
      .summary = "write the metadata of volume groups into files",
      .synopsis = {"[OPTION]... [VG]..."},
      .description =
          "Writes the metadata of each group, or of every group there is, into a file that vgcfgrestore, "
          "ours and LVM2's, reads. Every change does that by itself; this is for a file in another place, "
          "or after changes with --autobackup n.\n\nThe file says which extents belong to which volume and "
          "holds no data and no keys: with the disk it is lost with, an encrypted volume needs a backup of "
          "its keystore as well.",
      .options = {{"Options of this command",
                   {meaning(kBackupFile, "write this file; %s stands for the name of the group")}}},
      .min_operands = 0,
      .max_operands = kAnyNumber,
      .operands = "volume groups",
      .examples = {{"All groups, each into a file of its own:", "cvm vgcfgbackup --file /root/%s.vg"}},
      .see_also = {"vgcfgrestore", "vgs"},
      .only_reads = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
