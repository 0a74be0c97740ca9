// vgremove: takes a volume group off its physical volumes, with the volumes in it.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_group.h"
#include "metadata/store_bytes.h"
#include "tools/commands/group_options.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

std::vector<std::string> visible_names(const VolumeGroup& vg) {
  std::vector<std::string> names;
  for (const LogicalVolume& lv : vg.lvs)
    if (is_visible(lv)) names.push_back(lv.name);
  return names;
}

std::size_t count_stores(const VolumeGroup& vg) {
  std::size_t stores = 0;
  for (const LogicalVolume& lv : vg.lvs)
    if (keystore_of(lv) != nullptr) ++stores;
  return stores;
}

/// Asked without the lock.
void ask(Session& session, const Arguments& arguments, const VolumeGroup& vg) {
  const auto names = visible_names(vg);
  if (holds_no_volumes(vg) || arguments.has(kForce)) return;
  const auto stores = count_stores(vg);
  session.require_confirmed(fmt::format(
      "Do you really want to remove volume group \"{}\" containing {} logical volumes{}?", vg.name,
      names.size(),
      stores == 0 ? ""
                  : fmt::format(", and erase the keys of those that are encrypted ({} keystores)", stores)));
}

/// One commit for all of them; whatever is left of the keystores goes with the group.
void remove_volumes(Session& session, Transaction& change) {
  const VolumeGroup base =
      base_of(session, Purpose::change, change.current(), change.devices(), has_crypt(change.current()));
  const auto names = visible_names(base);
  for (const LogicalVolume& lv : base.lvs)
    if (const Crypt* crypt = crypt_of(lv); crypt != nullptr && crypt->old_header)
      wipe_old_header(base, change.devices(), lv.name);
  change.prepare(remove_all_volumes(base), fmt::format("removed all volumes of {}", base.name));
  change.commit();
  for (const std::string& lv : names) log::notice("Logical volume \"{}\" successfully removed.", lv);
}

void remove_group(Session& session, const Arguments& arguments, const std::string& name) {
  VolumeGroup agreed;
  {
    const LockedGroup seen = session.store().read(name);
    require_changeable(seen.group, {Hindrance::unfinished});
    require_no_conversion(seen.group.vg);
    require_inactive(session, seen.group.vg);
    agreed = seen.group.vg;
  }
  if (session.is_test()) {
    for (const auto& lv : visible_names(agreed)) log::notice("would remove {}/{}", name, lv);
    return log::notice("would remove volume group {}", name);
  }
  ask(session, arguments, agreed);
  Transaction change = begin_change(session, name, {.membership = true});
  if (visible_names(change.current()) != visible_names(agreed))
    throw Error(Errc::refused, "{} changed while you were asked", name).advise("run the command again");
  require_inactive(session, change.current());
  if (!holds_no_volumes(change.current())) remove_volumes(session, change);
  for (const std::string& store : stores_being_erased(change.current())) erase_store(session, change, store);
  change.remove_group();
  log::notice("Volume group \"{}\" successfully removed", name);
}

void run(Session& session, const Arguments& arguments) {
  for (const auto& name : named_groups(session, arguments, false)) remove_group(session, arguments, name);
}

}  // namespace

Command vgremove() {
  return {
      .name = "vgremove",
      .summary = "remove volume groups",
      .synopsis = {"[OPTION]... VG..."},
      .description =
          "Removes volume groups; their physical volumes stay and belong to no group then. If a group holds "
          "volumes it asks, and removes them with it. Keystores are overwritten: whatever was encrypted with "
          "their keys is lost, backups of the volumes' bytes included. Volumes must not be active. If the "
          "machine stops in between, the next change of the group finishes the erasure, and vgremove the "
          "rest.",
      .options = {{"Options of this command", {meaning(kForce, "ask nothing"), kNoUdevSync}}},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "at least one VG",
      .examples = {{"Remove a group with all that is in it:", "cvm vgremove vg0"}},
      .see_also = {"vgcreate", "vgreduce", "cvremove", "vgs"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
