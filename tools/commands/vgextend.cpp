// vgextend: physical volumes join a group, or come back to it.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_pvs.h"
#include "tools/commands/list.h"
#include "tools/commands/new_pvs.h"
#include "tools/commands/pv_options.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/store_copies.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kRestoreMissing{0, "restoremissing", "",
                                 "take back physical volumes that were missing and are there again"};

/// The PV on that device that the group flags as MISSING.
PvId missing_on(Session& session, const Transaction& change, const std::string& named) {
  const auto path = session.device_path(named);
  const FoundPv* pv = find_pv(change.seen(), path);
  if (pv == nullptr) throw Error(Errc::not_found, "{} is no physical volume", named);
  if (find_pv(change.current(), pv->disk.label.id) == nullptr)
    throw Error(Errc::not_found, "{} is no physical volume of {}", named, change.current().name);
  if (pv->state == PvState::duplicate)
    throw Error(Errc::refused, "{} has the id of another physical volume", named)
        .advise("hide the one that is not meant with --devices or a filter");
  return pv->disk.label.id;
}

void restore(Session& session, const Arguments& arguments, const std::string& name) {
  const auto& words = arguments.operands();
  Transaction change = begin_change(session, name, {.despite = {Hindrance::missing_pvs}});
  std::vector<PvId> back;
  for (std::size_t i = 1; i < words.size(); ++i) back.push_back(missing_on(session, change, words[i]));
  VolumeGroup next =
      restore_missing(base_of(session, Purpose::change, change.current(), change.devices(), false), back);
  if (session.is_test()) return log::notice("would take back {} physical volumes of {}", back.size(), name);
  change.prepare(std::move(next), fmt::format("restored PVs of {}", name));
  change.commit();
  log::notice("Volume group \"{}\" successfully extended", name);
}

void extend_group(Session& session, const Arguments& arguments, const std::string& name) {
  const auto& words = arguments.operands();
  NewPvs pvs(session, {words.begin() + 1, words.end()}, new_pv(arguments));
  {
    const Scan seen = session.store().scan();
    const FoundGroup& group = group_at(seen, name);
    // What can be refused is refused before a device is written to.
    require_changeable(group, {Hindrance::unfinished});
    std::vector<PhysicalVolume> placeholders(pvs.paths().size());
    for (PhysicalVolume& pv : placeholders) pv.id = PvId::random();
    add_pvs(group.vg, placeholders);
    pvs.require_fitting(group.devices, group.vg.extent_size);
    pvs.agree(seen);
  }
  if (session.is_test()) {
    pvs.describe();
    return log::notice("would extend volume group {} by {} physical volumes", name, pvs.paths().size());
  }
  pvs.make();

  Transaction change = begin_change(session, name, {.membership = true});
  VolumeGroup base = base_of(session, Purpose::change, change.current(), change.devices(), false);
  std::vector<PhysicalVolume> members;
  for (const auto& path : pvs.paths()) members.push_back(change.new_member(path, base.extent_size));
  change.prepare(add_pvs(std::move(base), members), fmt::format("extended VG {}", name));
  change.commit();
  log::notice("Volume group \"{}\" successfully extended", name);
  during("the physical volumes are in the group, but its keystores have no copies on them",
         [&] { complete_copies(change); });
}

void run(Session& session, const Arguments& arguments) {
  const auto name = parse_group_name(arguments.operand(0));
  if (arguments.has(kRestoreMissing)) return restore(session, arguments, name);
  extend_group(session, arguments, name);
}

}  // namespace

Command vgextend() {
  return {
      .name = "vgextend",
      .summary = "add physical volumes to a volume group",
      .synopsis = {"[OPTION]... VG PV...", "--restoremissing VG PV..."},
      .description =
          "Adds physical volumes to a group. Devices that are none yet become some first; what they held is "
          "lost, and where that was a file system or the like it asks first.\n\n"
          "Keystores that want more copies than they have get them on the new physical volumes: as many as "
          "--copies asked for, or one on each of up to three.\n\n"
          "A physical volume that was away while the group was changed is flagged as missing, and stays so "
          "when its device is back: volumes may have gone on without it. With --restoremissing it is taken "
          "back with what it holds. One that no volume lies on is taken back by any change.",
      .options = {{"Options of this command", {kRestoreMissing}}, pv_layout_options()},
      .min_operands = 2,
      .max_operands = kAnyNumber,
      .operands = "a VG and at least one PV",
      .examples = {{"Add a disk:", "cvm vgextend vg0 /dev/sdd"},
                   {"A disk is back, and nothing was written without it:",
                    "cvm vgextend --restoremissing vg0 /dev/sdd"}},
      .see_also = {"vgcreate", "vgreduce", "pvcreate", "pvs"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
