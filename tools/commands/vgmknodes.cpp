// vgmknodes: the nodes and links of volumes that are active, made anew where they are gone.
#include "activate/device_tree.h"
#include "lib/base/log.h"
#include "tools/commands/group_options.h"
#include "tools/commands/list.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

void make_nodes(Session& session, const VolumeGroup& vg) {
  std::size_t made = 0;
  for (const LogicalVolume& lv : vg.lvs) {
    const auto info = session.activator().device_of(vg, lv.name);
    // One that is being changed is shown by whoever changes it.
    if (!info || !info->has_live_table || info->suspended || info->has_inactive_table) continue;
    ++made;
    if (session.is_test()) {
      log::notice("would make the node and link of {}/{}", vg.name, lv.name);
      continue;
    }
    // Resuming what is not suspended changes nothing but what can be seen of it.
    session.mapper().run(activate::ResumeDevice{info->uuid, activate::publication_of(vg, lv)});
  }
  if (!session.is_test()) session.mapper().settle();
  log::info("{} of {} volumes of {} are active", made, vg.lvs.size(), vg.name);
}

void run(Session& session, const Arguments& arguments) {
  for (const auto& name : named_groups(session, arguments, arguments.operands().empty())) {
    const LockedGroup locked = session.store().read(name);
    make_nodes(session, locked.group.vg);
  }
}

}  // namespace

Command vgmknodes() {
  return {
      .name = "vgmknodes",
      .summary = "make the nodes and links of active volumes anew",
      .synopsis = {"[OPTION]... [VG]..."},
      .description =
          "Makes what should stand in /dev for the active volumes of the groups that are named, or of all: "
          "the node in /dev/mapper and the link /dev/VG/LV. Where udev runs they are its business, and this "
          "is not needed.",
      .min_operands = 0,
      .max_operands = kAnyNumber,
      .operands = "volume groups",
      .examples = {{"After /dev was emptied:", "cvm vgmknodes"}},
      .see_also = {"cvchange", "vgchange"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
