// vgsplit and vgmerge: a volume group becomes two, two become one.
#include <algorithm>
#include <functional>

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

/// Judges a split before anything is written.
using Rehearsal = std::function<void(const Split& split)>;

void split_off(Session& session, const Arguments& arguments, const std::string& from, const std::string& to,
               const Rehearsal& rehearse = nullptr) {
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
  if (rehearse) rehearse(split);
  if (session.is_test())
    return log::notice("would split {} physical volumes with {} volumes off {} as {}",
                       split.split_off.pvs.size(), split.split_off.lvs.size(), from, to);
  commit_split(change, split);
  log::notice("New volume group \"{}\" successfully split from \"{}\"", to, from);
}

VolumeGroup merged(Session& session, Purpose purpose, const VolumeGroup& into, const PvDevices& devices,
                   const VolumeGroup& other, const PvDevices& other_devices) {
  const bool needs_native = !is_native(into) || !is_native(other);
  return merge_groups(base_of(session, purpose, into, devices, needs_native),
                      base_of(session, purpose, other, other_devices, needs_native));
}

void merge(Session& session, const std::string& into, const std::string& other) {
  if (into == other) throw Error(Errc::usage, "{} is named twice", into).advise("name two volume groups");
  finish_before(session, into);
  finish_before(session, other);
  TwoChanges change = session.store().begin_two(into, other);
  require_inactive(session, change.other.current());
  VolumeGroup result = merged(session, Purpose::change, change.one.current(), change.one.devices(),
                              change.other.current(), change.other.devices());
  if (session.is_test()) return log::notice("would merge {} into {}", other, into);
  commit_merge(change, std::move(result));
  log::notice("Volume group \"{}\" successfully merged into \"{}\"", other, into);
}

/// A group of its own first, which is then merged. A machine that stops in between leaves that.
void split_into(Session& session, const Arguments& arguments, const Scan& scan, const std::string& from,
                const std::string& into) {
  for (const Option& option : {kMaxPvs, kAlloc, kVgCopies})
    if (arguments.has(option))
      throw Error(Errc::usage, "--{} is for a new volume group; {} exists", option.name, into)
          .advise("'cvm vgchange {}' changes it", into);
  const FoundGroup& other = group_at(scan, into);
  require_changeable(other);
  const std::string between = from + "_to_" + into;
  split_off(session, arguments, from, between, [&](const Split& split) {
    VolumeGroup comes = finish_split(split.split_off, other.vg.system_id);
    comes.name = from;  // where a person finds what is in the way
    merged(session, Purpose::rehearsal, other.vg, other.devices, comes, {});
  });
  if (session.is_test()) return log::notice("would merge that into {}", into);
  during(fmt::format("{} is a volume group now, which 'cvm vgmerge {} {}' merges", between, into, between),
         [&] { merge(session, into, between); });
}

void run_split(Session& session, const Arguments& arguments) {
  const std::string from = parse_group_name(arguments.operand(0));
  const std::string to = parse_group_name(arguments.operand(1));
  const Scan scan = session.store().scan();
  const bool exists =
      std::ranges::any_of(scan.groups, [&](const auto& group) { return group.vg.name == to; });
  if (exists && from != to) return split_into(session, arguments, scan, from, to);
  split_off(session, arguments, from, to);
}

void run_merge(Session& session, const Arguments& arguments) {
  merge(session, parse_group_name(arguments.operand(0)), parse_group_name(arguments.operand(1)));
}

}  // namespace

Command vgsplit() {
  return {
      .name = "vgsplit",
      .summary = "move physical volumes with the volumes on them to another volume group",
      .synopsis = {"[OPTION]... VG NEWVG PV...", "[OPTION]... -n LV VG NEWVG", "VG OTHERVG PV...",
                   "-n LV VG OTHERVG"},
      .description =
          "Makes a new volume group of some of the physical volumes of another, with the volumes that lie on "
          "them, or moves them to a group that exists. What needs each other stays together: a volume with "
          "all it lies on, an encrypted volume "
          "with its keystore, the keystore with all its volumes and copies; a keystore that needs no room "
          "goes with its volumes. If that can't be done, two that would be parted are named. The volumes "
          "that go must not be active.\n\n"
          "If the machine stops in between, the next change of one of both groups finishes the split. Into a "
          "group that exists they go as one of their own, VG_to_OTHERVG, that is merged: if the machine "
          "stops "
          "before that, vgmerge does the rest.",
      .options = {{"Options of this command", {kVolume, kMaxPvs, kAlloc, kVgCopies}}},
      .min_operands = 2,
      .max_operands = kAnyNumber,
      .operands = "a VG, the name of another, and PVs",
      .examples = {{"A disk gets a group of its own:", "cvm vgsplit vg0 vg1 /dev/sdc"},
                   {"All that goes with a volume:", "cvm vgsplit -n home vg0 vg1"},
                   {"A disk goes from one group to another:", "cvm vgsplit vg0 vg1 /dev/sdd"}},
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
