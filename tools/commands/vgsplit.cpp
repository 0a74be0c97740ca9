// vgsplit and vgmerge: a volume group becomes two, two become one.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/group_moves.h"
#include "metadata/names.h"
#include "tools/commands/group_options.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kVolume{'n', "name", "LV", "the physical volumes under this volume, instead of naming them"};

std::set<PvId> going(Session& session, const Arguments& arguments, const Transaction& change) {
  const auto& words = arguments.operands();
  if (const auto lv = arguments.text(kVolume)) {
    if (words.size() > 2) throw Error(Errc::usage, "--name says which physical volumes go, {} too", words[2]);
    const VolumeName name = parse_volume_name(*lv);
    return pvs_of_volume(change.current(), name.lv.value_or(name.vg));
  }
  if (words.size() < 3)
    throw Error(Errc::usage, "vgsplit needs to know which physical volumes go")
        .advise("name them, or a volume with --name");
  std::set<PvId> pvs;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const FoundPv* pv = find_pv(change.seen(), session.device_path(words[i]));
    if (pv == nullptr || find_pv(change.current(), pv->disk.label.id) == nullptr)
      throw Error(Errc::not_found, "{} is no physical volume of {}", words[i], change.current().name)
          .advise("'cvm pvs' lists them");
    pvs.insert(pv->disk.label.id);
  }
  return pvs;
}

/// Finishes what begin_two() and begin_with_new() would refuse.
void finish_before(Session& session, const std::string& vg) {
  if (!session.is_test()) begin_change(session, vg);
}

void run_split(Session& session, const Arguments& arguments) {
  const std::string from = parse_group_name(arguments.operand(0));
  const std::string to = parse_group_name(arguments.operand(1));
  require_new_vg_name(to);
  require_no_such_device(session, to);
  finish_before(session, from);
  TwoChanges change = session.store().begin_with_new(from, to);
  const VolumeGroup base =
      base_of(session, Purpose::change, change.one.current(), change.one.devices(), false);
  Split split = split_group(base, to, VgId::random(), going(session, arguments, change.one));
  GroupSettings wanted;
  wanted.metadata_copies = metadata_copies(arguments, kVgCopies);
  wanted.max_pv = limit(arguments, kMaxPvs);
  wanted.allocation = policy(arguments);
  split.split_off = change_group(std::move(split.split_off), wanted);
  require_inactive(session, base, names_of(split.split_off));
  if (session.is_test())
    return log::notice("would split {} physical volumes with {} volumes off {} as {}",
                       split.split_off.pvs.size(), split.split_off.lvs.size(), from, to);
  commit_split(change, split);
  log::notice("New volume group \"{}\" successfully split from \"{}\"", to, from);
}

void run_merge(Session& session, const Arguments& arguments) {
  const std::string into = parse_group_name(arguments.operand(0));
  const std::string other = parse_group_name(arguments.operand(1));
  if (into == other) throw Error(Errc::usage, "{} is named twice", into).advise("name two volume groups");
  finish_before(session, into);
  finish_before(session, other);
  TwoChanges change = session.store().begin_two(into, other);
  require_inactive(session, change.other.current());
  const auto base = [&](const Transaction& of) {
    return base_of(session, Purpose::change, of.current(), of.devices(),
                   !is_native(change.one.current()) || !is_native(change.other.current()));
  };
  VolumeGroup merged = merge_groups(base(change.one), base(change.other));
  if (session.is_test()) return log::notice("would merge {} into {}", other, into);
  commit_merge(change, std::move(merged));
  log::notice("Volume group \"{}\" successfully merged into \"{}\"", other, into);
}

}  // namespace

Command vgsplit() {
  return {
      .name = "vgsplit",
      .summary = "move physical volumes with the volumes on them to a new volume group",
      .synopsis = {"[OPTION]... VG NEWVG PV...", "[OPTION]... -n LV VG NEWVG"},
      .description =
          "Makes a new volume group of some of the physical volumes of another, with the volumes that lie on "
          "them. What needs each other stays together: a volume with all it lies on, an encrypted volume "
          "with its keystore, the keystore with all its volumes and copies; a keystore that needs no room "
          "goes with its volumes. If that can't be done, two that would be parted are named. The volumes "
          "that go must not be active.\n\n"
          "If the machine stops in between, the next change of one of both groups finishes the split.",
      .options = {{"Options of this command", {kVolume, kMaxPvs, kAlloc, kVgCopies}}},
      .min_operands = 2,
      .max_operands = kAnyNumber,
      .operands = "a VG, the name of the new one, and PVs",
      .examples = {{"A disk gets a group of its own:", "cvm vgsplit vg0 vg1 /dev/sdc"},
                   {"All that goes with a volume:", "cvm vgsplit -n home vg0 vg1"}},
      .see_also = {"vgmerge", "vgreduce", "cvs", "pvs"},
      .run = run_split,
  };
}

Command vgmerge() {
  return {
      .name = "vgmerge",
      .summary = "put two volume groups together",
      .synopsis = {"[OPTION]... VG OTHERVG"},
      .description =
          "Puts all physical volumes and volumes of the second volume group into the first; the second is no "
          "more then. Both must have extents of one size, and no volume or keystore name twice; cvrename "
          "helps. The volumes of the second group must not be active.\n\n"
          "If the machine stops in between, the groups are two, or one; the next change brings every copy of "
          "the metadata up to date.",
      .min_operands = 2,
      .max_operands = 2,
      .operands = "two VGs",
      .examples = {{"Two become one:", "cvm vgmerge vg0 vg1"}},
      .see_also = {"vgsplit", "cvrename", "vgs"},
      .run = run_merge,
  };
}

}  // namespace cv::tools::commands
