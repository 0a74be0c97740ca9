// vgrename: another name for a volume group.
#include "activate/device_tree.h"
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

/// Only LVM2 knows which devices such volumes have, and what they are called.
void require_inactive_foreign(Session& session, const VolumeGroup& vg) {
  const auto foreign = activate::foreign_volumes(vg);
  const auto device = session.activator().any_device_of(vg, foreign);
  if (!device) return;
  throw Error(Errc::in_use, "{} has a volume of a type that only LVM2 manages, and it is active as {}",
              vg.name, device->name)
      .advise("deactivate it first: lvchange -an {}", vg.name);
}

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
  require_inactive_foreign(session, seen.vg);
  const BeginOptions options{.membership = true, .despite = {}, .new_name = new_name, .id = seen.vg.id};
  Transaction change = begin_change(session, old_name, options);
  const Purpose purpose = session.is_test() ? Purpose::rehearsal : Purpose::change;
  const VolumeGroup base = base_of(session, purpose, change.current(), change.devices(), false);
  const VolumeGroup next = rename_group(base, new_name);
  require_inactive_foreign(session, base);
  const auto lvs = names_of(base);
  if (session.is_test()) {
    const std::string text = fmt::format("  would rename volume group {} to {}\n", old_name, new_name);
    return session.output().text(text + shown(session.activator().plan_renaming(base, next, lvs)));
  }
  change.prepare(next, fmt::format("renamed VG {} to {}", old_name, new_name));
  auto devices = session.activator().stage_renaming(base, change.prepared(), lvs);
  change.commit();
  during(fmt::format("the group is renamed, but not all of its devices; cvm vgchange -ay {} tries again",
                     new_name),
         [&] { devices.go(); });
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
          "by its id ('cvm vgs -o vg_name,vg_uuid'). Volumes that are open stay open, and their devices get "
          "their new names with it; only those of the types that LVM2 alone manages must be inactive.",
      .min_operands = 2,
      .max_operands = 2,
      .operands = "a VG and its new name",
      .examples = {{"Rename a group:", "cvm vgrename vg0 backup"}},
      .see_also = {"vgs", "cvrename", "vgchange"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
