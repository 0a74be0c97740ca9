// vgrename: another name for a volume group.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/names.h"
#include "tools/commands/group_options.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

/// By name or by id. A name may look like an id: it goes first, as in LVM2.
FoundGroup group_called(const Scan& seen, const std::string& text) {
  const auto id = VgId::parse(text);
  for (const FoundGroup& group : seen.groups)
    if (group.vg.name == text) return group_at(seen, text);
  return id ? group_at(seen, *id) : group_at(seen, parse_group_name(text));
}

void run(Session& session, const Arguments& arguments) {
  const std::string new_name = parse_group_name(arguments.operand(1));
  require_new_vg_name(new_name);
  FoundGroup seen = group_called(session.store().scan(), arguments.operand(0));
  const std::string old_name = seen.vg.name;
  if (old_name == new_name)
    throw Error(Errc::usage, "{} is its name already", new_name).advise("choose another name");
  require_no_such_device(session, new_name);
  require_inactive(session, seen.vg);
  const BeginOptions options{.membership = true, .despite = {}, .new_name = new_name, .id = seen.vg.id};
  Transaction change = begin_change(session, old_name, options);
  VolumeGroup next =
      rename_group(base_of(session, Purpose::change, change.current(), change.devices(), false), new_name);
  if (session.is_test()) return log::notice("would rename volume group {} to {}", old_name, new_name);
  require_inactive(session, change.current());
  change.prepare(std::move(next), fmt::format("renamed VG {} to {}", old_name, new_name));
  change.commit();
  log::notice("Volume group \"{}\" successfully renamed to \"{}\"", old_name, new_name);
}

}  // namespace

Command vgrename() {
  return {
      .name = "vgrename",
      .summary = "give a volume group another name",
      .synopsis = {"[OPTION]... VG|UUID NEWNAME"},
      .description =
          "Gives a volume group another name. Where two groups share a name, the one that is meant is named "
          "by its id ('cvm vgs -o vg_name,vg_uuid'). No volume may be active: the names of devices that are "
          "in use do not change under their users.",
      .min_operands = 2,
      .max_operands = 2,
      .operands = "a VG and its new name",
      .examples = {{"Rename a group:", "cvm vgrename vg0 backup"}},
      .see_also = {"vgs", "cvrename", "vgchange"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
