// vgexport and vgimport: a volume group is given away, or taken.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_group.h"
#include "tools/commands/group_options.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kAll{'a', "all", "", "every volume group for which it can be done"};

std::vector<std::string> wanted_groups(Session& session, const Arguments& arguments, bool exported) {
  if (!arguments.has(kAll)) {
    auto names = named_groups(session, arguments, false);
    if (names.empty())
      throw Error(Errc::usage, "{} needs to know which volume group", arguments.command().name)
          .advise("name it, or give --all");
    return names;
  }
  named_groups(session, arguments, true);
  std::vector<std::string> names;
  const Scan seen = session.store().scan();
  for (const FoundGroup& group : seen.groups)
    if (has_flag(group.vg.flags, "EXPORTED") == exported) names.push_back(group.vg.name);
  return names;
}

void run_export(Session& session, const Arguments& arguments) {
  for (const auto& name : wanted_groups(session, arguments, false)) {
    Transaction change = begin_change(session, name);
    require_inactive(session, change.current());
    VolumeGroup next =
        export_group(base_of(session, Purpose::change, change.current(), change.devices(), false));
    if (session.is_test()) {
      log::notice("would export volume group {}", name);
      continue;
    }
    change.prepare(std::move(next), fmt::format("exported VG {}", name));
    change.commit();
    log::notice("Volume group \"{}\" successfully exported", name);
  }
}

void run_import(Session& session, const Arguments& arguments) {
  BeginOptions options{.despite = {Hindrance::exported}};
  if (arguments.has(kForce)) options.despite.push_back(Hindrance::missing_pvs);
  for (const auto& name : wanted_groups(session, arguments, true)) {
    Transaction change = begin_change(session, name, options);
    const std::string host = session.store().options().host_system_id;
    VolumeGroup next = import_group(change.current(), host);
    if (session.is_test()) {
      log::notice("would import volume group {}", name);
      continue;
    }
    change.prepare(std::move(next), fmt::format("imported VG {}", name));
    change.commit();
    log::notice("Volume group \"{}\" successfully imported", name);
  }
}

}  // namespace

Command vgexport() {
  return {
      .name = "vgexport",
      .summary = "make a volume group ready to go to another host",
      .synopsis = {"[OPTION]... VG...", "-a|--all"},
      .description =
          "Marks a volume group as exported and takes the host's system id from it: nothing in it is opened "
          "or changed until vgimport takes it, here or elsewhere. Its volumes must not be active.",
      .options = {{"Options of this command", {kAll}}},
      .min_operands = 0,
      .max_operands = kAnyNumber,
      .operands = "volume groups",
      .examples = {{"Before the disks are pulled:", "cvm vgexport vg0"}},
      .see_also = {"vgimport", "vgs"},
      .run = run_export,
  };
}

Command vgimport() {
  return {
      .name = "vgimport",
      .summary = "take a volume group that was exported",
      .synopsis = {"[OPTION]... VG...", "-a|--all"},
      .description =
          "Takes volume groups that vgexport marked, for this host where it has a system id. A group that an "
          "interrupted vgsplit left exported is finished.",
      .options = {{"Options of this command",
                   {kAll, meaning(kForce, "even where physical volumes of it are missing")}}},
      .min_operands = 0,
      .max_operands = kAnyNumber,
      .operands = "volume groups",
      .examples = {{"After the disks are in:", "cvm vgimport vg0"}},
      .see_also = {"vgexport", "vgs"},
      .run = run_import,
  };
}

}  // namespace cv::tools::commands
