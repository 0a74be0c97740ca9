// cvrename: another name for a volume or a keystore.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_rename.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

struct Wish {
  std::string vg;
  std::string from;
  std::string to;
};

/// Of "VG/NEW", "/dev/VG/NEW" and "NEW" the last part; the VG must be the same one.
std::string new_name(const std::string& vg, const std::string& word) {
  const auto slash = word.rfind('/');
  if (slash == std::string::npos) return word;
  const FullVolumeName name = parse_full_volume_name(word);
  if (name.vg != vg)
    throw Error(Errc::usage, "{} is in {}: a new name does not move a volume to another VG", word, name.vg)
        .advise("give the new name alone");
  return name.lv;
}

Wish wish_of(const Arguments& arguments) {
  Wish wish;
  if (arguments.operands().size() == 3) {
    wish.vg = parse_group_name(arguments.operand(0));
    wish.from = new_name(wish.vg, arguments.operand(1));
    wish.to = new_name(wish.vg, arguments.operand(2));
  } else {
    const FullVolumeName name = parse_full_volume_name(arguments.operand(0));
    wish = {name.vg, name.lv, new_name(name.vg, arguments.operand(1))};
  }
  if (wish.from == wish.to)
    throw Error(Errc::usage, "the old and the new name are both {}", wish.to).advise("give another new name");
  return wish;
}

/// The volumes of `next` that were called otherwise before; each is in the place where it was.
std::vector<std::string> renamed(const VolumeGroup& current, const VolumeGroup& next) {
  CV_ASSERT(current.lvs.size() == next.lvs.size());
  std::vector<std::string> found;
  for (std::size_t i = 0; i < next.lvs.size(); ++i)
    if (next.lvs[i].name != current.lvs[i].name) found.push_back(next.lvs[i].name);
  return found;
}

void run(Session& session, const Arguments& arguments) {
  const Wish wish = wish_of(arguments);
  Transaction change = begin_change(session, wish.vg);
  const Purpose purpose = session.is_test() ? Purpose::rehearsal : Purpose::change;
  const VolumeGroup base = base_of(session, purpose, change.current(), change.devices(), false);
  VolumeGroup next = rename_volume(base, wish.from, wish.to);
  const auto lvs = renamed(base, next);
  require_inactive_if_foreign(session, next, wish.to, lvs);
  if (session.is_test()) {
    std::string text = fmt::format("  would rename {}/{} to {}\n", wish.vg, wish.from, wish.to);
    return session.output().text(text + shown(session.activator().plan_renaming(base, next, lvs)));
  }
  change.prepare(std::move(next), fmt::format("renamed {} to {}", wish.from, wish.to));
  auto devices = session.activator().stage_renaming(base, change.prepared(), lvs);
  change.commit();
  during("the volume is renamed, but not its device; cvchange -ay tries again", [&] { devices.go(); });
  log::notice("Renamed \"{}\" to \"{}\" in volume group \"{}\"", wish.from, wish.to, wish.vg);
}

}  // namespace

Command cvrename() {
  return {
      .name = "cvrename",
      .summary = "rename a logical volume or a keystore",
      .synopsis = {"VG OLD NEW", "VG/OLD [VG/]NEW"},
      .description =
          "Gives a volume another name, together with the hidden volumes that belong to it. Nothing moves; a "
          "volume that is open stays open, and its device gets the new name.\n\n"
          "A keystore may be renamed too: it is called cryptostore and a number before and afterwards, and "
          "its volumes follow. Volumes of the types that only LVM2 manages are renamed while they are not "
          "active.",
      .options = {{"Options", {kNoUdevSync}}},
      .min_operands = 2,
      .max_operands = 3,
      .operands = "a volume and its new name",
      .examples = {{"Another name", "cvrename vg0/home vg0/people"},
                   {"The same", "cvrename vg0 home people"},
                   {"Another number for a keystore", "cvrename vg0/cryptostore7 cryptostore1"}},
      .see_also = {"cvcreate", "cvchange", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
