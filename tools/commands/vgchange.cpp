// vgchange: properties of volume groups, and all their volumes opened or closed.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/group_moves.h"
#include "tools/commands/group_options.h"
#include "tools/commands/list.h"
#include "tools/commands/state_change.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kMaxVolumes{'l', "logicalvolume", "N", "most logical volumes it may have; 0: any number"};
constexpr Option kResizeable{'x', "resizeable", "y|n", "whether physical volumes may come and go", "y|n"};
constexpr Option kUuid{'u', "uuid", "", "give it a new random id"};

bool changes_settings(const Arguments& arguments) {
  const Option options[] = {kAddTag, kDelTag,   kMaxVolumes, kMaxPvs,         kExtentSize, kResizeable,
                            kAlloc,  kSystemId, kUuid,       kMetadataCopies, kVgCopies,   kAutoActivation};
  return std::ranges::any_of(options, [&](const Option& option) { return arguments.has(option); });
}

GroupSettings settings(const Arguments& arguments) {
  arguments.exclude(kVgCopies, kMetadataCopies);
  GroupSettings wanted;
  wanted.add_tags = tags(arguments, kAddTag);
  wanted.delete_tags = tags(arguments, kDelTag);
  wanted.max_lv = limit(arguments, kMaxVolumes);
  wanted.max_pv = limit(arguments, kMaxPvs);
  wanted.metadata_copies = metadata_copies(arguments, kMetadataCopies);
  if (!wanted.metadata_copies) wanted.metadata_copies = metadata_copies(arguments, kVgCopies);
  wanted.extent_size = extent_size(arguments);
  wanted.resizeable = arguments.yes_or_no(kResizeable);
  wanted.autoactivation = arguments.yes_or_no(kAutoActivation);
  wanted.allocation = policy(arguments);
  wanted.system_id = arguments.text(kSystemId);
  return wanted;
}

class Change {
 public:
  Change(Session& session, const Arguments& arguments)
      : session_(session), wanted_(settings(arguments)), new_id_(arguments.has(kUuid)) {}

  void run(const std::string& name) {
    BeginOptions options;
    options.membership = new_id_;
    if (wanted_.system_id) {
      options.despite.push_back(Hindrance::foreign);
      if (!session_.is_test()) ask(name);
    }
    Transaction change = begin_change(session_, name, options);
    const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(), false);
    // Its devices carry the id, and their tables the places of extents.
    if (new_id_ || wanted_.system_id) require_inactive(session_, base);
    VolumeGroup next = change_group(base, wanted_);
    const bool changes = next != base || new_id_;
    if (session_.is_test())
      return log::notice("{} volume group {}", changes ? "would change" : "nothing to change in", name);
    if (new_id_) {
      commit_id(change, change_id(std::move(next), VgId::random()));
    } else if (changes) {
      change.prepare(std::move(next), fmt::format("changed VG {}", name));
      change.commit();
    }
    log::notice("Volume group \"{}\" successfully changed", name);
  }

 private:
  void ask(const std::string& name) {
    const auto& host = session_.store().options().host_system_id;
    if (wanted_.system_id->empty()) {
      session_.require_confirmed(fmt::format(
          "Remove the system id of volume group \"{}\"? Every host that sees its disks may use it "
          "then, several at a time.",
          name));
    } else if (*wanted_.system_id != host) {
      session_.require_confirmed(
          fmt::format("Set the system id of volume group \"{}\" to \"{}\"? This host, which {}, can't use it "
                      "then.",
                      name, *wanted_.system_id, host.empty() ? "has none" : "has \"" + host + "\""));
    } else {
      session_.require_confirmed(
          fmt::format("Take over volume group \"{}\" for this host? No other host may be using it.", name));
    }
  }

  Session& session_;
  GroupSettings wanted_;
  bool new_id_;
};

void run(Session& session, const Arguments& arguments) {
  arguments.exclude(kActivate, kRefresh);
  const bool opens = arguments.has(kActivate) || arguments.has(kRefresh);
  const bool sets = changes_settings(arguments);
  if (opens && sets)
    throw Error(Errc::usage, "--{} stands alone", arguments.has(kRefresh) ? "refresh" : "activate")
        .advise("change the rest with a command of its own");
  if (!opens && !sets)
    throw Error(Errc::usage, "vgchange needs to know what to change").advise("see 'cvm help vgchange'");
  if (opens) {
    for (const auto& word : arguments.operands())
      if (!word.starts_with("@")) parse_group_name(word);
    return change_state(session, arguments);
  }
  const auto names = named_groups(session, arguments, arguments.operands().empty());
  if (arguments.has(kUuid) && arguments.operands().empty())
    throw Error(Errc::usage, "--uuid needs the volume groups by name");
  Change change(session, arguments);
  for (const auto& name : names) change.run(name);
}

}  // namespace

Command vgchange() {
  return {
      .name = "vgchange",
      .summary = "change properties of volume groups, open or close all their volumes",
      .synopsis = {"OPTION... [VG]...", "-ay|-an|-aay [--retry] [VG|@TAG]...", "--refresh [VG|@TAG]..."},
      .description =
          "Changes properties of the groups that are named, or of all. With --activate it opens or closes "
          "their volumes, with --refresh it mends their devices, as cvchange(8) does.\n\n"
          "Another extent size is possible only where every physical volume, every volume and the place of "
          "each piece can be divided by it. Another id or system id needs all volumes closed.\n\n"
          "--metadatacopies says how many of the metadata areas hold the metadata; the others are ignored, "
          "by LVM2 too. That is worth the while in groups of very many disks.",
      .options = {{"Options of this command",
                   {kAddTag, kDelTag, kMaxVolumes, kMaxPvs,
                    meaning(kExtentSize, "another size for its extents; nothing moves"), kResizeable, kAlloc,
                    kAutoActivation, kMetadataCopies, meaning(kVgCopies, "the same"), kSystemId, kUuid,
                    meaning(kActivate, "y opens all volumes, n closes them, ay opens what is opened at boot"),
                    kRefresh, kRetry, kNoUdevSync}},
                  secret_options()},
      .min_operands = 0,
      .max_operands = kAnyNumber,
      .operands = "volume groups",
      .examples = {{"Open all volumes of a group:", "cvm vgchange -ay vg0"},
                   {"Give it a tag:", "cvm vgchange --addtag backup vg0"},
                   {"Take over a group of another host, which is gone:",
                    "cvm vgchange --systemid $(uname -n) vg0"}},
      .see_also = {"cvchange", "vgs", "vgcreate", "vgrename", "pvchange"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
