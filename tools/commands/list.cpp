#include "tools/commands/list.h"

#include <algorithm>
#include <vector>

#include "lib/base/error.h"
#include "tools/commands/backup_options.h"

namespace cv::tools {

std::span<const Command> all_commands() {
  static const std::vector<Command> all{
      commands::cvcreate(),    commands::cvchange(),     commands::cvextend(),  commands::cvreduce(),
      commands::cvresize(),    commands::cvremove(),     commands::cvrename(),  commands::cvconvert(),
      commands::cvkey(),       commands::cvck(),         commands::cvs(),       commands::pvcreate(),
      commands::pvremove(),    commands::pvchange(),     commands::pvresize(),  commands::pvs(),
      commands::vgcreate(),    commands::vgextend(),     commands::vgreduce(),  commands::vgremove(),
      commands::vgrename(),    commands::vgchange(),     commands::vgexport(),  commands::vgimport(),
      commands::vgsplit(),     commands::vgmerge(),      commands::vgmknodes(), commands::vgs(),
      commands::vgcfgbackup(), commands::vgcfgrestore(), commands::explain(),   commands::help(),
      commands::version(),
  };
  return all;
}

const Command* find_command(std::string_view name) {
  const auto all = all_commands();
  const auto found = std::ranges::find(all, name, &Command::name);
  return found == all.end() ? nullptr : &*found;
}

const Command& command_named(std::string_view name) {
  if (const auto* found = find_command(name)) return *found;
  throw Error(Errc::usage, "there is no command '{}'", name).advise("'cvm help' lists the commands");
}

}  // namespace cv::tools
