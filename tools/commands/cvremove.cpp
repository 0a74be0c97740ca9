// cvremove: volumes go, and with the last volume of a keystore the keystore.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/group_index.h"
#include "metadata/store_bytes.h"
#include "metadata/volume_finder.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/volume_choice.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kKeepStore{0, "keep-store", "", "keep the keystore of the last volume"};

/// Each once, in their order.
std::vector<std::string> stores_of(const LogicalVolume& lv) {
  std::vector<std::string> stores;
  for (const Segment& segment : lv.segments)
    if (const auto* crypt = std::get_if<Crypt>(&segment.kind))
      if (std::ranges::find(stores, crypt->store) == stores.end()) stores.push_back(crypt->store);
  return stores;
}

/// Volumes of one group.
class Removal {
 public:
  Removal(Session& session, const Arguments& arguments, std::string vg, std::vector<std::string> lvs)
      : session_(session),
        keep_stores_(arguments.has(kKeepStore)),
        force_(arguments.has(kForce)),
        vg_(std::move(vg)),
        lvs_(std::move(lvs)) {}

  void run() {
    std::vector<std::string> questions;
    {
      const LockedGroup seen = session_.store().read(vg_);
      if (!seen.group.obstacles.empty()) require_copies_in_reach(seen.group, stores_that_go(seen.group.vg));
      require_changeable(seen.group);
      VolumeGroup base = base_of(session_, Purpose::rehearsal, seen.group.vg, seen.group.devices, false);
      const VolumeGroup next = remove_volumes(std::move(base), lvs_, keep_stores_);
      if (session_.is_test()) return show_plan(seen.group.vg, next);
      require_unused(seen.group.vg);
      questions = questions_on(seen.group.vg);
      if (!questions.empty()) agreed_ = ids_in(seen.group.vg);
    }
    for (const std::string& question : questions) session_.require_confirmed(question);
    remove();
  }

 private:
  /// The keystores whose last volumes these are.
  std::vector<std::string> stores_that_go(const VolumeGroup& vg) const {
    std::vector<std::string> stores;
    if (keep_stores_) return stores;
    VolumeFinder volumes(vg);
    const GroupIndex index(vg);
    std::unordered_map<std::string, std::size_t> gone;  // of the users of each store
    for (const std::string& name : lvs_) {
      const LogicalVolume* lv = volumes.find_lv(name);
      if (lv == nullptr) continue;
      for (const std::string& store : stores_of(*lv))
        if (++gone[store] == index.users_of(store).size()) stores.push_back(store);
    }
    return stores;
  }

  /// Everything that can be refused is refused before anybody is asked for anything.
  void require_unused(const VolumeGroup& vg) {
    require_inactive_if_foreign(session_, vg, lvs_);
    VolumeFinder volumes(vg);
    for (const std::string& name : lvs_) session_.activator().require_unused(vg, *volumes.find_lv(name));
  }

  /// As LVM2 does: a volume that is not active goes without a question.
  std::vector<std::string> questions_on(const VolumeGroup& vg) {
    std::vector<std::string> questions;
    if (force_) return questions;
    VolumeFinder volumes(vg);
    std::optional<GroupIndex> index;
    std::unordered_map<std::string, std::size_t> gone;  // of the users of each store
    for (const std::string& name : lvs_) {
      const LogicalVolume& lv = *volumes.find_lv(name);
      std::string text =
          fmt::format("Do you really want to remove active logical volume {}/{}", vg.name, name);
      for (const std::string& store : stores_of(lv)) {
        if (!index) index.emplace(vg);
        if (++gone[store] == index->users_of(store).size() && !keep_stores_)
          text += ", and erase the keystore " + store;
      }
      if (session_.activator().is_active(vg, lv)) questions.push_back(text + "?");
    }
    return questions;
  }

  std::vector<LvId> ids_in(const VolumeGroup& vg) const {
    VolumeFinder volumes(vg);
    std::vector<LvId> ids;
    for (const std::string& name : lvs_) {
      const LogicalVolume* lv = volumes.find_lv(name);
      ids.push_back(lv == nullptr ? LvId() : lv->id);
    }
    return ids;
  }

  /// One commit for all of them, and one more where keystores are erased.
  void remove() {
    Transaction change = begin_change(session_, vg_);
    const VolumeGroup& current = change.current();
    if (!agreed_.empty() && ids_in(current) != agreed_)
      throw Error(Errc::refused, "{} changed while you were asked", vg_).advise("run the command again");
    require_inactive_if_foreign(session_, current, lvs_);
    VolumeGroup base = base_of(session_, Purpose::change, current, change.devices(), needs_native(current));
    // Only encrypted volumes leave something to be done to what was there before.
    const VolumeGroup before = has_crypt(base) ? base : VolumeGroup();
    VolumeGroup next = remove_volumes(std::move(base), lvs_, keep_stores_);
    session_.activator().deactivate(current, lvs_);
    wipe_old_headers(before, change.devices());
    note_used_ivs(before, next, change.devices());
    change.prepare(std::move(next), "removed " + listed(lvs_));
    change.commit();
    for (const std::string& lv : lvs_) log::notice("Logical volume \"{}\" successfully removed.", lv);
    finish_erasing(session_, change);
  }

  /// An encrypted volume in the RFC's form marks its store `erasing`, which only the native form can.
  bool needs_native(const VolumeGroup& vg) const {
    if (!has_crypt(vg)) return false;
    VolumeFinder volumes(vg);
    return std::ranges::any_of(lvs_, [&](const std::string& name) {
      const LogicalVolume* lv = volumes.find_lv(name);
      return lv != nullptr && (crypt_of(*lv) != nullptr || keystore_of(*lv) != nullptr);
    });
  }

  void wipe_old_headers(const VolumeGroup& vg, const PvDevices& devices) const {
    if (!has_crypt(vg)) return;
    VolumeFinder volumes(vg);
    for (const std::string& name : lvs_) {
      const Crypt* crypt = crypt_of(*volumes.find_lv(name));
      if (crypt != nullptr && crypt->old_header) wipe_old_header(vg, devices, name);
    }
  }

  void show_plan(const VolumeGroup& current, const VolumeGroup& next) {
    std::string text = shown(session_.activator().plan_deactivation(current, lvs_));
    for (const std::string& lv : lvs_) text += fmt::format("  would remove {}/{}\n", vg_, lv);
    const auto before = stores_being_erased(current);
    for (const std::string& store : stores_being_erased(next))
      if (std::ranges::find(before, store) == before.end())
        text += fmt::format("  would erase the keystore {}/{}\n", vg_, store);
    session_.output().text(text);
  }

  Session& session_;
  bool keep_stores_;
  bool force_;
  std::string vg_;
  std::vector<std::string> lvs_;
  std::vector<LvId> agreed_;  ///< of lvs_, where somebody was asked
};

void run(Session& session, const Arguments& arguments) {
  for (ChosenVolumes& chosen : chosen_volumes(session.store().scan(), arguments.operands()))
    if (!chosen.lvs.empty()) Removal(session, arguments, std::move(chosen.vg), std::move(chosen.lvs)).run();
}

}  // namespace

Command cvremove() {
  return {
      .name = "cvremove",
      .summary = "remove logical volumes",
      .synopsis = {"[--keep-store] VG/LV|VG|@TAG..."},
      .description =
          "Closes volumes and removes them; a volume group stands for all its volumes. Volumes of one group "
          "go "
          "in one change, all or none of them. Asks before it removes a volume that "
          "is active, and before the last volume of a keystore takes the keystore along: the keystore is "
          "overwritten, and "
          "whatever was encrypted with its key is lost, backups of the volume's bytes included. If the "
          "machine stops in "
          "between, the next change of the group finishes the erasure.\n\n"
          "Volumes of the types that only LVM2 manages go as a whole, with every hidden part, while they are "
          "not active. Thin volumes leave messages in their pool, which LVM2 sends with its next change of "
          "the "
          "pool; until then no other volume of that pool can be removed.",
      .options = {{"Options", {kKeepStore, meaning(kForce, "ask nothing"), kNoUdevSync}}},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "volumes, volume groups or tags",
      .examples = {{"Remove a volume", "cvremove vg0/mail"},
                   {"Remove the last volume of a keystore and keep the keystore",
                    "cvremove --keep-store vg0/home"}},
      .see_also = {"cvcreate", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
