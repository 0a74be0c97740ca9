// pvcreate: makes physical volumes of block devices.
#include <set>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tools/commands/backup_options.h"
#include "tools/commands/list.h"
#include "tools/commands/listed_pvs.h"
#include "tools/commands/new_pvs.h"
#include "tools/commands/pv_options.h"
#include "tools/common_options.h"
#include "tools/device_choice.h"

namespace cv::tools::commands {

namespace {

constexpr Option kUuid{'u', "uuid", "UUID", "the id of the new physical volume, instead of a random one"};
constexpr Option kNoRestoreFile{0, "norestorefile", "",
                                "with --uuid, as LVM2 wants it: there is no backup to follow"};

PvId id_for(const Arguments& arguments) {
  const auto text = arguments.text(kUuid);
  if (!text) return PvId::random();
  if (arguments.operands().size() > 1) {
    throw Error(Errc::usage, "--uuid is for one physical volume, {} are named", arguments.operands().size());
  }
  const auto id = PvId::parse(*text);
  if (!id) {
    throw Error(Errc::usage, "'{}' is no id of a physical volume", *text)
        .advise("it has 32 letters, digits, ! and #, with or without hyphens");
  }
  return *id;
}

void run(Session& session, const Arguments& arguments) {
  metadata::NewPv wanted = new_pv(arguments);
  wanted.id = id_for(arguments);
  wanted.force = arguments.has(kForce);
  wanted.take_members = arguments.count(kForce) > 1;
  wanted.wipe = true;  // what there is to lose has been asked for by then

  std::vector<std::string> paths;
  for (const auto& operand : arguments.operands()) paths.push_back(new_pv_path(session, operand));
  wanted.layout.device_size = session.store().find_device(paths.front())->size();
  follow_restore_file(arguments, arguments.has(kUuid), wanted);
  const auto seen = session.store().scan();
  std::set<std::string> marked;
  for (const auto& path : paths) {
    const auto* pv = metadata::find_pv(seen, path);
    if (pv != nullptr && wanted.take_members)
      require_consent_to_loss(session, *pv, "Really INITIALIZE physical volume");
    if (pv == nullptr || wanted.force || !metadata::is_marked_only(*pv)) continue;
    require_consent_to_marked(session, path);
    marked.insert(path);
  }
  confirm_wiping(session, paths);
  PvListing listing(session);
  for (const auto& path : paths) {
    if (session.is_test()) {
      log::notice("would make a physical volume of {}", path);
      continue;
    }
    auto one = wanted;
    one.force = wanted.force || marked.contains(path);
    session.store().create_pv(path, one);
    listing.add(path, one.id);
    log::notice("Physical volume \"{}\" successfully created.", path);
    wanted.id = PvId::random();
  }
}

}  // namespace

Command pvcreate() {
  return {
      .name = "pvcreate",
      .summary = "make physical volumes of block devices",
      .synopsis = {"[OPTION]... PV..."},
      .description =
          "Writes the label and an empty metadata area of LVM2 to each device, as LVM2's pvcreate does with "
          "the same "
          "defaults. What a device held before is lost; where that was a file system or the like it asks "
          "first.\n\nRegular files can stand for devices when --devices names them.",
      .options = {{"Options of this command",
                   {meaning(kForce,
                            "take a device that says it belongs to a group which can't be found; twice: "
                            "even one that is in a group, which misses it then"),
                    kUuid, kRestoreFile, kNoRestoreFile}},
                  pv_layout_options()},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "at least one device",
      .examples = {{"Two disks:", "cvm pvcreate /dev/sdb /dev/sdc"},
                   {"A new label in place of one that was lost:",
                    "cvm pvcreate --uuid ID --restorefile /etc/lvm/backup/vg0 /dev/sdb"},
                   {"A file, to try things out:", "cvm pvcreate --devices /tmp/disk /tmp/disk"}},
      .see_also = {"vgcreate", "pvs"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
