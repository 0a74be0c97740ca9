// cvchange: opens and closes volumes; what it changes otherwise is in property_change.cpp.
#include <algorithm>
#include <map>
#include <set>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tools/commands/list.h"
#include "tools/commands/state_change.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/property_change.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kState{'a', "activate", "y|n|ay", "y opens, n closes, ay opens what may be opened at boot",
                        "y|n|ay"};

/// What of one group is meant.
struct Target {
  const FoundGroup* group = nullptr;
  std::vector<std::string> lvs;
};

bool is_ours(const LogicalVolume& lv) {
  return std::ranges::none_of(
      lv.segments, [](const Segment& segment) { return std::holds_alternative<Opaque>(segment.kind); });
}

bool has_tag(const std::vector<std::string>& tags, std::string_view tag) {
  return std::ranges::find(tags, tag) != tags.end();
}

class StateChange {
 public:
  StateChange(Session& session, const Arguments& arguments)
      : session_(session), arguments_(arguments), scan_(session.store().scan()) {
    const std::string state = *arguments.text(kState);
    opens_ = state != "n";
    at_boot_ = state == "ay";
  }

  void run() {
    for (const std::string& word : arguments_.operands()) add(word);
    if (arguments_.operands().empty())
      for (const FoundGroup& group : scan_.groups) add_group(group);
    for (Target& target : targets_) {
      try {
        opens_ ? open(target) : close(target);
      } catch (const Error& error) {
        keep(error);
      }
    }
    finish();
  }

 private:
  // ---- who is meant

  void add(const std::string& word) {
    if (word.starts_with("@")) return add_tagged(std::string_view(word).substr(1));
    const VolumeName name = parse_volume_name(word);
    const FoundGroup& group = group_at(scan_, name.vg);
    require_usable(group);
    if (!name.lv) return add_group(group);
    const LogicalVolume& lv = lv_at(group.vg, *name.lv);
    require_openable(group.vg, lv);
    if (at_boot_ && !opens_at_boot(group.vg, lv)) return;
    target_for(group).lvs.push_back(lv.name);
  }

  void add_tagged(std::string_view tag) {
    bool found = false;
    for (const FoundGroup& group : scan_.groups) {
      if (has_tag(group.vg.tags, tag)) {
        add_group(group);
        found = true;
        continue;
      }
      for (const LogicalVolume& lv : group.vg.lvs) {
        if (!has_tag(lv.tags, tag) || !is_visible(lv)) continue;
        add_one_of(group, lv);
        found = true;
      }
    }
    if (!found) throw Error(Errc::not_found, "nothing has the tag {}", tag);
  }

  void add_group(const FoundGroup& group) {
    if (!group.obstacles.empty()) {
      try {
        require_usable(group);
      } catch (const Error& error) {
        return keep(error);
      }
    }
    if (at_boot_ && has_flag(group.vg.flags, "NOAUTOACTIVATE")) return;
    for (const LogicalVolume& lv : group.vg.lvs)
      if (is_visible(lv)) add_one_of(group, lv);
  }

  /// As part of a group: what is not ours to open is passed over.
  void add_one_of(const FoundGroup& group, const LogicalVolume& lv) {
    if (!is_ours(lv)) {
      log::info("{}/{} is left to LVM2: cvm does not manage its type", group.vg.name, lv.name);
      return;
    }
    if (opens_ && !wants_activation(lv)) return;
    if (at_boot_ && !opens_at_boot(group.vg, lv)) return;
    target_for(group).lvs.push_back(lv.name);
  }

  /// ACTIVATION_SKIP on an encrypted volume is there to keep stock LVM2 quiet; on others it means what it
  /// says.
  static bool wants_activation(const LogicalVolume& lv) {
    return crypt_of(lv) != nullptr || !has_flag(lv.flags, "ACTIVATION_SKIP");
  }

  static bool opens_at_boot(const VolumeGroup& vg, const LogicalVolume& lv) {
    return !has_flag(vg.flags, "NOAUTOACTIVATE") && !has_flag(lv.flags, "NOAUTOACTIVATE");
  }

  static void require_openable(const VolumeGroup& vg, const LogicalVolume& lv) {
    if (keystore_of(lv) != nullptr)
      throw Error(Errc::refused, "{}/{} is a keystore and has no device", vg.name, lv.name)
          .advise("name one of its volumes, or the whole VG");
    if (!is_visible(lv))
      throw Error(Errc::refused, "{}/{} is a hidden part of another volume", vg.name, lv.name)
          .advise("name the volume that it belongs to");
    if (!is_ours(lv))
      throw Error(Errc::unsupported, "{}/{} is of a type that cvm does not manage", vg.name, lv.name)
          .advise("use lvchange");
  }

  Target& target_for(const FoundGroup& group) {
    const auto known = std::ranges::find(targets_, &group, &Target::group);
    if (known != targets_.end()) return *known;
    return targets_.emplace_back(Target{&group, {}});
  }

  // ---- open

  void open(Target& target) {
    const VolumeGroup& vg = target.group->vg;
    if (session_.is_test()) return show_plan(target);
    open_stores(target);
    if (target.lvs.empty()) return;
    // Keys first, then the lock: nobody else waits while a person types.
    const LockedGroup locked = session_.store().read(vg.name, device::LockMode::exclusive);
    require_usable(locked.group);
    std::set<std::string> stores;
    for (const std::string& lv : target.lvs)
      for (const std::string& store : activate::stores_of(locked.group.vg, lv)) stores.insert(store);
    for (const std::string& store : stores) require_same_store(vg, locked.group.vg, store);
    auto unlocker = session_.unlocker(locked.group.devices);
    auto keys = unlocker.open(locked.group.vg, std::vector(stores.begin(), stores.end()));
    if (&target == &targets_.back()) session_.secrets().forget();
    session_.activator().activate(locked.group.vg, target.lvs,
                                  tree_inputs(locked.group.devices, std::move(keys)));
    heal_stores(session_, locked.group.vg, locked.group.devices);
    log::notice("{} logical volume(s) in volume group \"{}\" now active", target.lvs.size(), vg.name);
  }

  /// Opens each store once; volumes of stores that stay closed are not opened, the others are.
  void open_stores(Target& target) {
    const VolumeGroup& vg = target.group->vg;
    auto unlocker = session_.unlocker(target.group->devices);
    std::map<std::string, bool> is_open;
    std::erase_if(target.lvs, [&](const std::string& lv) {
      bool all_open = true;
      for (const std::string& store : activate::stores_of(vg, lv)) {
        if (!is_open.contains(store)) is_open[store] = opens(unlocker, vg, store);
        all_open = all_open && is_open[store];
      }
      return !all_open;
    });
  }

  bool opens(activate::Unlocker& unlocker, const VolumeGroup& vg, const std::string& store) {
    try {
      unlocker.open(vg, store);
      return true;
    } catch (const Error& error) {
      keep(error);
      return false;
    }
  }

  // ---- close

  void close(const Target& target) {
    const VolumeGroup& seen = target.group->vg;
    if (session_.is_test()) return show_plan(target);
    const LockedGroup locked = session_.store().read(seen.name, device::LockMode::exclusive);
    std::size_t closed = 0;
    for (const std::string& lv : target.lvs) {
      try {
        session_.activator().deactivate(locked.group.vg, {lv});
        ++closed;
      } catch (const Error& error) {
        keep(error);
      }
    }
    const std::size_t open = target.lvs.size() - closed;
    log::notice("{} logical volume(s) in volume group \"{}\" now active", open, seen.name);
  }

  void show_plan(const Target& target) {
    const VolumeGroup& vg = target.group->vg;
    auto activator = session_.activator();
    if (!opens_) return session_.output().text(shown(activator.plan_deactivation(vg, target.lvs)));
    std::set<std::string> stores;
    for (const std::string& lv : target.lvs)
      for (const std::string& store : activate::stores_of(vg, lv)) stores.insert(store);
    const auto keys =
        session_.unlocker(target.group->devices).described(vg, std::vector(stores.begin(), stores.end()));
    session_.output().text(
        shown(activator.plan_activation(vg, target.lvs, tree_inputs(target.group->devices, keys))));
  }

  // ---- what went wrong, told at the end so that the rest is done first

  void keep(const Error& error) {
    if (failure_) {
      // A secret that is wrong outweighs the rest: it is what the exit status must tell.
      if (exit_status(failure_->code()) != exit_status(Errc::key_wrong) &&
          exit_status(error.code()) == exit_status(Errc::key_wrong))
        std::swap(*failure_, kept_.emplace_back(error));
      else
        kept_.push_back(error);
    } else {
      failure_ = error;
    }
  }

  void finish() {
    for (const Error& error : kept_) log::error("{}", error.what());
    if (failure_) throw *failure_;
  }

  Session& session_;
  const Arguments& arguments_;
  Scan scan_;
  bool opens_ = true;
  bool at_boot_ = false;
  std::vector<Target> targets_;
  std::vector<Error> kept_;
  std::optional<Error> failure_;
};

void run(Session& session, const Arguments& arguments) {
  const bool properties = wants_new_properties(arguments);
  if (properties && arguments.has(kState))
    throw Error(Errc::usage, "--activate goes with no other change")
        .advise("call cvchange twice, once for each");
  if (properties) return change_properties_of(session, arguments);
  if (!arguments.has(kState))
    throw Error(Errc::usage, "cvchange needs to know what to change")
        .advise("give --activate y or n, --addtag, --deltag, --permission, --alloc or another option");
  change_state(session, arguments);
}

}  // namespace

void change_state(Session& session, const Arguments& arguments) {
  StateChange(session, arguments).run();
}

Command cvchange() {
  return {
      .name = "cvchange",
      .summary = "open and close logical volumes, change their properties",
      .synopsis = {"-ay|-an|-aay [VG|VG/LV|@TAG]...",
                   "[--addtag TAG]... [--deltag TAG]... [-p r|rw] [--alloc POLICY] VG|VG/LV|@TAG..."},
      .description =
          "Opens or closes volumes: those that are named, all of a volume group, all that have a tag, or "
          "everything where "
          "nothing is named. Volumes that share a keystore are opened with one secret, once; the key then "
          "stays in the "
          "kernel as long as one of them is open, so that opening another asks nobody.\n\n"
          "A volume that is open already gets the table it should have. What one volume runs into does not "
          "keep the others "
          "from being opened; it is said at the end. If any keystore stayed closed the exit status is 2.\n\n"
          "Without -a it changes what volumes are apart from their bytes: tags, which any volume that is "
          "shown "
          "may have, whatever its type; permission, of plain and encrypted volumes, open or not; the policy "
          "by which extents for more of it are chosen; and whether it is opened by itself.",
      .options = {{"Options",
                   {kState, kAddTag, kDelTag, kPermission, kAlloc, kActivationSkip, kAutoActivation}},
                  secret_options()},
      .min_operands = 0,
      .max_operands = kAnyNumber,
      .operands = "volume groups, volumes or tags",
      .examples = {{"Open all volumes of a group", "cvchange -ay vg0"},
                   {"Open one with a key file", "cvchange -ay --keyfile /root/key vg0/home"},
                   {"Close it", "cvchange -an vg0/home"},
                   {"Tag all that has another tag", "cvchange --addtag backup @important"},
                   {"Make it read-only", "cvchange -p r vg0/home"}},
      .see_also = {"cvcreate", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
