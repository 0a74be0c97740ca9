// cvchange: opens and closes volumes; what it changes otherwise is in property_change.cpp.
#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/volume_finder.h"
#include "tools/commands/list.h"
#include "tools/commands/state_change.h"
#include "tools/common_options.h"
#include "tools/device_options.h"
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
  bool is_whole = false;  ///< the group itself was named: what belongs to none of its volumes goes
};

enum class Deed { open, close, refresh, forget };

/// Those who hold a volume get so long to let it go.
constexpr std::chrono::seconds kRetryTime(10);

bool has_tag(const std::vector<std::string>& tags, std::string_view tag) {
  return std::ranges::find(tags, tag) != tags.end();
}

class StateChange {
 public:
  StateChange(Session& session, const Arguments& arguments)
      : session_(session), arguments_(arguments), scan_(session.store().scan()) {
    const std::string state = arguments.text(kState).value_or("");
    deed_ = arguments.has(kRefresh)      ? Deed::refresh
            : arguments.has(kForgetKeys) ? Deed::forget
            : state == "n"               ? Deed::close
                                         : Deed::open;
    at_boot_ = state == "ay";
    if (deed_ != Deed::close && arguments.has(kRetry))
      throw Error(Errc::usage, "--retry is for closing").advise("add --activate n, or leave it away");
  }

  void run() {
    for (const std::string& word : arguments_.operands()) add(word);
    if (arguments_.operands().empty())
      for (const FoundGroup& group : scan_.groups) add_group(group);
    for (Target& target : targets_) {
      try {
        switch (deed_) {
          case Deed::open: open(target); break;
          case Deed::close: close(target); break;
          case Deed::refresh: refresh(target); break;
          case Deed::forget: forget(target); break;
        }
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
    const LogicalVolume* found = finders_.try_emplace(&group, group.vg).first->second.find_lv(*name.lv);
    const LogicalVolume& lv =
        found != nullptr ? *found : lv_at(group.vg, *name.lv);  // says that there is none
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
    target_for(group).is_whole = true;
    for (const LogicalVolume& lv : group.vg.lvs)
      if (is_visible(lv)) add_one_of(group, lv);
  }

  /// As part of a group: what is not ours to open is passed over.
  void add_one_of(const FoundGroup& group, const LogicalVolume& lv) {
    if (activate::is_foreign(lv)) {
      log::info("{}/{} is left to LVM2: cvm does not manage its type", group.vg.name, lv.name);
      return;
    }
    if (deed_ == Deed::open && !wants_activation(lv)) return;
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
    if (activate::is_foreign(lv))
      throw Error(Errc::unsupported, "{}/{} is of a type that cvm does not manage", vg.name, lv.name)
          .advise("use lvchange");
  }

  Target& target_for(const FoundGroup& group) {
    const auto known = std::ranges::find(targets_, &group, &Target::group);
    if (known != targets_.end()) return *known;
    return targets_.emplace_back(Target{&group, {}, false});
  }

  // ---- open

  void open(Target& target) {
    const VolumeGroup& vg = target.group->vg;
    if (session_.is_test()) return show_plan(target);
    open_stores(*target.group, target.lvs);
    if (target.lvs.empty() && !target.is_whole) return;
    // Keys first, then the lock: nobody else waits while a person types.
    const LockedGroup locked = lock(target);
    auto activator = session_.activator();
    if (target.is_whole) activator.clean(locked.group.vg);
    auto unlocker = session_.unlocker(locked.group.devices);
    auto keys = unlocker.open(locked.group.vg, stores_of(locked.group.vg, target.lvs));
    if (&target == &targets_.back()) session_.secrets().forget();
    std::size_t failed = 0;
    activator.activate(locked.group.vg, target.lvs, tree_inputs(locked.group.devices, std::move(keys)),
                       counted_in(failed));
    heal_stores(session_, locked.group.vg, locked.group.devices);
    log::notice("{} logical volume(s) in volume group \"{}\" now active", target.lvs.size() - failed,
                vg.name);
  }

  /// The group as it is now; the stores of the volumes are still those that were opened.
  LockedGroup lock(const Target& target) {
    LockedGroup locked = session_.store().read(target.group->vg.name, device::LockMode::exclusive);
    require_usable(locked.group);
    for (const std::string& store : stores_of(locked.group.vg, target.lvs))
      require_same_store(target.group->vg, locked.group.vg, store);
    return locked;
  }

  static std::vector<std::string> stores_of(const VolumeGroup& vg, const std::vector<std::string>& lvs) {
    const activate::GroupView view(vg);
    std::set<std::string> stores;
    for (const std::string& name : lvs) {
      const LogicalVolume* lv = view.find_lv(name);
      if (lv == nullptr) continue;  // it has just gone, as will be said
      for (std::string& store : activate::stores_of(*lv)) stores.insert(std::move(store));
    }
    return {stores.begin(), stores.end()};
  }

  /// Opens each store once; volumes of stores that stay closed are taken out, the others are not.
  void open_stores(const FoundGroup& group, std::vector<std::string>& lvs) {
    const activate::GroupView view(group.vg);
    auto unlocker = session_.unlocker(group.devices);
    std::map<std::string, bool> is_open;
    std::erase_if(lvs, [&](const std::string& lv) {
      bool all_open = true;
      for (const std::string& store : activate::stores_of(view.lv_at(lv))) {
        if (!is_open.contains(store)) is_open[store] = opens(unlocker, group.vg, store);
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

  activate::OnFailure counted_in(std::size_t& failed) {
    return [this, &failed](const std::string&, const Error& error) {
      ++failed;
      keep(error);
    };
  }

  // ---- close

  void close(const Target& target) {
    const VolumeGroup& seen = target.group->vg;
    if (session_.is_test()) return show_plan(target);
    const LockedGroup locked = session_.store().read(seen.name, device::LockMode::exclusive);
    std::size_t failed = 0;
    activate::Patience patience;
    if (arguments_.has(kRetry)) patience.for_holders = kRetryTime;
    auto activator = session_.activator();
    activator.deactivate(locked.group.vg, target.lvs, patience, counted_in(failed));
    if (target.is_whole) activator.clean(locked.group.vg);
    log::notice("{} logical volume(s) in volume group \"{}\" now active", failed, seen.name);
  }

  void show_plan(const Target& target) {
    const activate::GroupView vg(target.group->vg);
    auto activator = session_.activator();
    activate::Plan plan;
    if (target.is_whole) plan = activator.plan_cleaning(vg);
    const auto rest = deed_ == Deed::close
                          ? activator.plan_deactivation(vg, target.lvs)
                          : activator.plan_activation(vg, target.lvs, described(*target.group, target.lvs));
    plan.insert(plan.end(), rest.begin(), rest.end());
    session_.output().text(shown(plan));
  }

  /// Enough to plan with, and to see whether keys are needed.
  activate::TreeInputs described(const FoundGroup& group, const std::vector<std::string>& lvs) {
    return tree_inputs(group.devices,
                       session_.unlocker(group.devices).described(group.vg, stores_of(group.vg, lvs)));
  }

  // ---- refresh

  void refresh(Target& target) {
    const VolumeGroup& vg = target.group->vg;
    auto activator = session_.activator();
    const activate::GroupView view(vg);
    std::erase_if(target.lvs, [&](const std::string& lv) {
      if (activator.device_of(vg, view.lv_at(lv))) return false;
      log::info("{}/{} is not active", vg.name, lv);
      return true;
    });
    if (session_.is_test()) return show_plan(target);
    // A table that is as it should be needs no key, whatever else of the device is mended.
    std::vector<std::string> with_key;
    const auto inputs = described(*target.group, target.lvs);
    for (const std::string& lv : target.lvs) {
      try {
        if (!activate::stores_of(activator.plan_activation(view, {lv}, inputs)).empty())
          with_key.push_back(lv);
      } catch (const Error& error) {
        log::debug("{}", error.what());  // mend() runs into it again, and says so
      }
    }
    const std::vector<std::string> wanted = with_key;
    open_stores(*target.group, with_key);
    for (const std::string& lv : wanted)
      if (std::ranges::find(with_key, lv) == with_key.end()) std::erase(target.lvs, lv);
    mend(target);
  }

  void mend(const Target& target) {
    const LockedGroup locked = lock(target);
    const VolumeGroup& vg = locked.group.vg;
    const activate::GroupView view(vg);
    auto activator = session_.activator();
    if (target.is_whole) activator.clean(view);
    const auto inputs = described(locked.group, target.lvs);
    std::vector<std::string> with_key;
    std::map<std::string, std::string> mended;  // in what, by volume
    std::size_t failed = 0;
    const auto note_failure = counted_in(failed);
    for (const std::string& lv : target.lvs) {
      try {
        const auto plan = activator.plan_activation(view, {lv}, inputs);
        if (plan.empty()) continue;
        if (activate::stores_of(plan).empty())
          activator.carry_out(view, plan);
        else
          with_key.push_back(lv);
        mended[lv] = fmt::format("{}", fmt::join(activate::drift_of(plan), ", "));
      } catch (const Error& error) {
        activator.resume_as_is(view, lv);
        note_failure(lv, error);
      }
    }
    auto keys = session_.unlocker(locked.group.devices).open(vg, stores_of(vg, with_key));
    if (&target == &targets_.back()) session_.secrets().forget();
    activator.activate(view, with_key, tree_inputs(locked.group.devices, std::move(keys)),
                       [&](const std::string& lv, const Error& error) {
                         mended.erase(lv);
                         note_failure(lv, error);
                       });
    for (const auto& [lv, what] : mended)
      log::notice("Logical volume {}/{} refreshed: {}", vg.name, lv, what);
  }

  // ---- forget

  void forget(const Target& target) {
    const VolumeGroup& vg = target.group->vg;
    for (const std::string& store : stores_of(vg, target.lvs)) {
      if (session_.is_test()) {
        log::notice("would forget the key of {}/{}", vg.name, store);
        continue;
      }
      session_.keys().forget({vg.id, lv_at(vg, store).id});
      log::notice("The key of {}/{} is forgotten.", vg.name, store);
    }
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
  Deed deed_ = Deed::open;
  bool at_boot_ = false;
  std::map<const FoundGroup*, VolumeFinder> finders_;
  std::vector<Target> targets_;
  std::vector<Error> kept_;
  std::optional<Error> failure_;
};

void run(Session& session, const Arguments& arguments) {
  arguments.exclude(kState, kRefresh);
  arguments.exclude(kState, kForgetKeys);
  arguments.exclude(kRefresh, kForgetKeys);
  const bool properties = wants_new_properties(arguments);
  for (const Option& state : {kState, kRefresh, kForgetKeys, kRetry})
    if (properties && arguments.has(state))
      throw Error(Errc::usage, "--{} goes with no other change", state.name)
          .advise("call cvchange twice, once for each");
  if (properties) return change_properties_of(session, arguments);
  if (!arguments.has(kState) && !arguments.has(kRefresh) && !arguments.has(kForgetKeys))
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
      .synopsis = {"-ay|-an|-aay [--retry] [VG|VG/LV|@TAG]...", "--refresh|--forget-keys [VG|VG/LV|@TAG]...",
                   "[--addtag TAG]... [--deltag TAG]... [-p r|rw] [--alloc POLICY] [-r auto|none|SECTORS] "
                   "[--discards y|n] [--workqueues inline|default] "
                   "[-My --minor N|-Mn] VG|VG/LV|@TAG..."},
      .description =
          "Opens or closes volumes: those that are named, all of a volume group, all that have a tag, or "
          "everything where "
          "nothing is named. Volumes that share a keystore are opened with one secret, once; the key then "
          "stays in the "
          "kernel as long as one of them is open, so that opening another asks nobody.\n\n"
          "A volume that is open already gets the table it should have, and whatever a command left half "
          "done that was killed is finished or cleared away. What one volume runs into does not keep the "
          "others from being opened or closed; it is said at the end, with who holds what is busy. If any "
          "keystore stayed closed the exit status is 2.\n\n"
          "With --refresh it does the same for volumes that are open, and leaves the others closed: their "
          "devices get the table, permission, name, node and read-ahead that the metadata says. `cvs -o "
          "+drift` shows where they differ. A key is needed only where a table is to be loaded.\n\n"
          "With --forget-keys the keys of their keystores leave the kernel's keyring; what is open goes on, "
          "and the next command that needs a key asks for it.\n\n"
          "Devices that belong to a group but to none of its volumes are removed, unless they are open, "
          "where "
          "the group itself is named.\n\n"
          "Without -a it changes what volumes are apart from their bytes: tags, which any volume that is "
          "shown "
          "may have, whatever its type; permission, of plain and encrypted volumes, open or not; the policy "
          "by which extents for more of it are chosen; and whether it is opened by itself.",
      .options = {{"Options",
                   {kState, kRefresh, kForgetKeys, kRetry, kAddTag, kDelTag, kPermission, kAlloc,
                    kActivationSkip, kAutoActivation, kDiscards, kWorkqueues, kReadAhead, kPersistent, kMajor,
                    kMinor, kNoUdevSync}},
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
