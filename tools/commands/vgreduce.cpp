// vgreduce: physical volumes leave a group: empty ones, or those that are lost.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_copies.h"
#include "metadata/edit_pvs.h"
#include "metadata/store_bytes.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/store_copies.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kAll{'a', "all", "", "take out every physical volume that no volume lies on"};
constexpr Option kRemoveMissing{0, "removemissing", "", "give up physical volumes that are missing"};

std::vector<PvId> named_members(Session& session, const Arguments& arguments, const Transaction& change) {
  std::vector<PvId> named;
  const auto& words = arguments.operands();
  for (std::size_t i = 1; i < words.size(); ++i) {
    const FoundPv* pv = find_pv(change.seen(), session.device_path(words[i]));
    if (pv == nullptr || find_pv(change.current(), pv->disk.label.id) == nullptr)
      throw Error(Errc::not_found, "{} is no physical volume of {}", words[i], change.current().name)
          .advise("'cvm pvs' lists them");
    if (std::ranges::find(named, pv->disk.label.id) == named.end()) named.push_back(pv->disk.label.id);
  }
  return named;
}

void take_out(Session& session, const Arguments& arguments, const std::string& name) {
  Transaction change = begin_change(session, name, {.membership = true});
  VolumeGroup base = base_of(session, Purpose::change, change.current(), change.devices(), false);
  std::vector<PvId> leaving = named_members(session, arguments, change);
  if (arguments.has(kAll)) {
    leaving = unused_pvs(base);
    if (leaving.size() == base.pvs.size()) leaving.erase(leaving.begin());  // one has to stay
    if (leaving.empty())
      throw Error(Errc::in_use, "{} has no physical volume that it can do without", name)
          .advise("'cvm pvs -o +pv_used' shows how much of each is in use");
  }
  std::vector<std::string> paths;
  for (const PvId& id : leaving) paths.push_back(name_of(*find_pv(base, id)));
  const auto stores = stores_with_copies_on(base, leaving);
  const VolumeGroup cleared = move_copies_off(base, leaving, fresh_ids(), origin_of(session));
  VolumeGroup next = remove_pvs(remove_stores(cleared, stores_being_erased(cleared)), leaving);
  if (session.is_test()) {
    for (const auto& store : stores) log::notice("would move copies of {}/{} off", name, store);
    for (const auto& path : paths) log::notice("would remove {} from volume group {}", path, name);
    return;
  }
  if (!stores.empty()) {
    move_copies_off(session, change, base, leaving);
    next = remove_pvs(change.current(), leaving);
  }
  change.prepare(std::move(next), fmt::format("reduced VG {}", name));
  change.commit();
  for (const auto& path : paths) log::notice("Removed \"{}\" from volume group \"{}\"", path, name);
}

/// vgreduce --removemissing.
class GivingUp {
 public:
  GivingUp(Session& session, std::string vg, bool force)
      : session_(session), vg_(std::move(vg)), force_(force) {}

  void run() {
    const BeginOptions despite{.membership = true, .despite = {Hindrance::missing_pvs}};
    std::vector<std::string> agreed;
    if (force_) {
      // Asked without the lock; afterwards nothing may go that was not named.
      const Scan seen = session_.store().scan();
      const FoundGroup& group = group_at(seen, vg_);
      require_changeable(group, {Hindrance::missing_pvs, Hindrance::unfinished});
      const Loss loss = loss_of(group.vg, missing_of(group.devices));
      require_closable(group.vg, loss);
      if (!session_.is_test()) ask(loss);
      agreed = loss.volumes;
    }
    Transaction change = begin_change(session_, vg_, despite);
    const auto missing = missing_of(change.devices());
    if (missing.empty()) return log::notice("Volume group \"{}\" is already consistent.", vg_);
    const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(), false);
    const Loss loss = loss_of(base, missing);
    if (force_ && loss.volumes != agreed)
      throw Error(Errc::refused, "{} changed while you were asked", vg_).advise("run the command again");
    if (!force_) warn(loss);
    const VolumeGroup left = remove_lost(base, force_ ? loss : harmless(base, change.devices(), loss));
    VolumeGroup next = with_copies_of_before(change, give_up_missing(left, missing), base);
    if (session_.is_test()) return describe(base, next, loss);
    commit(change, base, std::move(next), loss);
  }

 private:
  static std::set<PvId> missing_of(const PvDevices& devices) {
    std::set<PvId> missing;
    for (const auto& [id, device] : devices)
      if (device == nullptr) missing.insert(id);
    return missing;
  }

  /// A copy of a keystore is no loss of data where another one is as it should be.
  static Loss harmless(const VolumeGroup& vg, const PvDevices& devices, const Loss& loss) {
    Loss gone;
    const std::set<std::string_view> lost(loss.copies.begin(), loss.copies.end());
    for (const LogicalVolume& lv : vg.lvs) {
      const Keystore* store = keystore_of(lv);
      if (store == nullptr || lost.empty()) continue;
      std::vector<std::string> here;
      for (const Area& copy : store->copies)
        if (const auto* data = std::get_if<LogicalArea>(&copy); data != nullptr && lost.contains(data->lv))
          here.push_back(data->lv);
      if (here.empty()) continue;
      if (has_sound_copy(vg, devices, lv.name))
        gone.copies.insert(gone.copies.end(), here.begin(), here.end());
      else
        log::warning("no copy of the keystore {}/{} that is left is as it should be: the missing one is kept",
                     vg.name, lv.name);
    }
    return gone;
  }

  void require_closable(const VolumeGroup& vg, const Loss& loss) {
    for (const std::string& lv : loss.volumes) {
      require_inactive_if_foreign(session_, vg, lv, loss.lvs);
      session_.activator().require_unused(vg, lv);
    }
  }

  void ask(const Loss& loss) {
    for (const std::string& lv : loss.volumes) {
      const bool keyless = std::ranges::find(loss.keyless, lv) != loss.keyless.end();
      log::warning("{}/{} {}", vg_, lv,
                   keyless ? "can't be opened any more: all copies of its keystore lie on what is missing. "
                             "With a backup of the keystore it could be"
                           : "lies on what is missing");
    }
    warn_of_copies(loss);
    if (loss.volumes.empty() && loss.stores.empty()) return;
    session_.require_confirmed(fmt::format("Do you really want to remove {} from volume group \"{}\"?",
                                           fmt::join(loss.volumes.empty() ? loss.stores : loss.volumes, ", "),
                                           vg_));
  }

  void warn_of_copies(const Loss& loss) {
    for (const std::string& copy : loss.copies)
      log::warning(
          "{}/{}, one of several copies of a keystore, lies on what is missing: whoever finds that disk and "
          "knows a secret of today has the key, also when the others are erased",
          vg_, copy);
  }

  void warn(const Loss& loss) {
    for (const std::string& lv : loss.volumes)
      log::warning("Partial LV {} needs to be repaired or removed.", lv);
    warn_of_copies(loss);
    if (loss.lvs.empty()) return;
    log::warning(
        "There are still partial LVs in VG {}. To remove them unconditionally use: vgreduce --removemissing "
        "--force.",
        vg_);
  }

  static std::vector<std::string> closable(const VolumeGroup& base, const Loss& loss) {
    const activate::GroupView view(base);
    std::vector<std::string> lvs;
    for (const std::string& lv : loss.volumes)
      if (activate::is_manageable(view, lv)) lvs.push_back(lv);
    return lvs;
  }

  void describe(const VolumeGroup& base, const VolumeGroup& next, const Loss& loss) {
    if (force_) {
      session_.output().text(shown(session_.activator().plan_deactivation(base, closable(base, loss))));
      for (const std::string& lv : loss.volumes) log::notice("would remove {}/{}", vg_, lv);
    }
    for (const PhysicalVolume& pv : base.pvs)
      if (find_pv(next, pv.id) == nullptr) log::notice("would remove {} from {}", name_of(pv), vg_);
  }

  void commit(Transaction& change, const VolumeGroup& base, VolumeGroup next, const Loss& loss) {
    if (force_) {
      require_closable(base, loss);
      session_.activator().deactivate(base, closable(base, loss));
      for (const std::string& lv : loss.volumes) wipe_if_there(base, change.devices(), lv);
      note_used_ivs(base, next, change.devices());
    }
    const auto left = std::ranges::count_if(
        next.pvs, [](const PhysicalVolume& pv) { return has_flag(pv.flags, "MISSING"); });
    change.prepare(std::move(next), fmt::format("gave up missing PVs of {}", vg_));
    fill_new_copies(change);
    change.commit();
    warn_of_fewer_copies(base, change.current());
    if (force_)
      for (const std::string& lv : loss.volumes)
        log::notice("Logical volume \"{}\" successfully removed.", lv);
    finish_erasing(session_, change);
    if (left == 0) log::notice("Wrote out consistent volume group {}.", vg_);
  }

  /// An old LUKS header in front of an imported volume, as far as it is in reach.
  static void wipe_if_there(const VolumeGroup& vg, const PvDevices& devices, const std::string& lv) {
    try {
      wipe_old_header(vg, devices, lv);
    } catch (const Error& error) {
      log::warning("the old header of {}/{} may be readable still: {}", vg.name, lv, error.what());
    }
  }

  Session& session_;
  std::string vg_;
  bool force_;
};

void run(Session& session, const Arguments& arguments) {
  const auto name = parse_group_name(arguments.operand(0));
  arguments.exclude(kAll, kRemoveMissing);
  const bool names_pvs = arguments.operands().size() > 1;
  if (arguments.has(kRemoveMissing)) {
    if (names_pvs)
      throw Error(Errc::usage, "--removemissing is about all that is missing, and {} is named",
                  arguments.operand(1));
    return GivingUp(session, name, arguments.has(kForce)).run();
  }
  if (arguments.has(kForce)) throw Error(Errc::usage, "--force goes with --removemissing only");
  if (arguments.has(kAll) == names_pvs)
    throw Error(Errc::usage, "vgreduce needs to know which physical volumes leave {}", name)
        .advise("name them, or give --all for those that are empty");
  take_out(session, arguments, name);
}

}  // namespace

Command vgreduce() {
  return {
      .name = "vgreduce",
      .summary = "take physical volumes out of a volume group",
      .synopsis = {"[OPTION]... VG PV...", "-a|--all VG", "--removemissing [-f] VG"},
      .description =
          "Takes out physical volumes that no volume lies on; they are in no group then. Copies of keystores "
          "on those that are named move to others first and are overwritten where they were; where no other "
          "has room, a keystore goes on with fewer copies, but never with none.\n\n"
          "With --removemissing those leave that are missing: the ones that no volume lies on, and those "
          "that have nothing but copies of keystores that have copies elsewhere; others take them where "
          "there is room. The rest is "
          "flagged, and the group can be changed again; with --force every volume that lies on one of "
          "them is removed whole, after it was named and you were asked. A keystore that has a copy "
          "elsewhere keeps it and its volumes. One that goes with its last volume is overwritten as far as "
          "it can be reached: what lies on the missing disk stays readable for whoever finds it and knows "
          "a passphrase.",
      .options = {{"Options of this command",
                   {kAll, kRemoveMissing,
                    meaning(kForce, "remove the volumes that lie on what is missing")}}},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "a VG",
      .examples = {{"Take an empty disk out:", "cvm vgreduce vg0 /dev/sdd"},
                   {"A disk is lost, and with it what was on it:",
                    "cvm vgreduce --removemissing --force vg0"}},
      .see_also = {"vgextend", "vgremove", "cvs", "pvs"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
