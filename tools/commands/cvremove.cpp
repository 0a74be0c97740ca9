// cvremove: volumes go, and with the last volume of a keystore the keystore.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/store_bytes.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/volume_choice.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kKeepStore{0, "keep-store", "", "keep the keystore of the last volume"};

class Removal {
 public:
  Removal(Session& session, const Arguments& arguments, std::string vg, std::vector<std::string> lvs)
      : session_(session),
        keep_store_(arguments.has(kKeepStore)),
        force_(arguments.has(kForce)),
        vg_(std::move(vg)),
        lvs_(std::move(lvs)) {}

  void run() {
    if (session_.is_test()) return show_plan();
    for (const std::string& lv : lvs_) {
      {
        const LockedGroup seen = session_.store().read(vg_);
        require_changeable(seen.group);
        remove_volume(base_of(session_, Purpose::rehearsal, seen.group.vg, seen.group.devices, false), lv,
                      keep_store_);
        require_inactive_if_foreign(session_, seen.group.vg, lv, volumes_concerned(seen.group.vg, lv));
        session_.activator().require_unused(seen.group.vg, lv);
        ask(seen.group.vg, lv);
      }
      remove(lv);
    }
  }

 private:
  /// As LVM2 does: a volume that nobody has open goes without a question.
  void ask(const VolumeGroup& vg, const std::string& lv) {
    if (force_ || !session_.activator().is_active(vg, lv)) return;
    const std::string store = last_store(vg, lv);
    session_.require_confirmed(fmt::format("Do you really want to remove active logical volume {}/{}{}?",
                                           vg.name, lv,
                                           store.empty() ? "" : ", and erase the keystore " + store));
  }

  /// The store that goes with the volume; empty: none.
  std::string last_store(const VolumeGroup& vg, const std::string& lv) const {
    if (keep_store_) return {};
    for (const std::string& store : activate::stores_of(vg, lv))
      if (users_of(vg, store).size() == 1) return store;
    return {};
  }

  void remove(const std::string& lv) {
    Transaction change = begin_change(session_, vg_);
    const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(),
                                     needs_native(change.current(), lv));
    const VolumeGroup next = remove_volume(base, lv, keep_store_);
    require_inactive_if_foreign(session_, change.current(), lv, volumes_concerned(change.current(), lv));
    session_.activator().deactivate(change.current(), {lv});
    wipe_old_header(base, change.devices(), lv);
    note_used_ivs(base, next, change.devices());
    change.prepare(next, fmt::format("removed {}", lv));
    change.commit();
    log::notice("Logical volume \"{}\" successfully removed.", lv);
    finish_erasing(session_, change);
  }

  /// An encrypted volume in the RFC's form marks its store `erasing`, which only the native form can.
  static bool needs_native(const VolumeGroup& vg, const std::string& lv) {
    const LogicalVolume& volume = lv_at(vg, lv);
    return crypt_of(volume) != nullptr || keystore_of(volume) != nullptr;
  }

  void show_plan() {
    const LockedGroup seen = session_.store().read(vg_);
    require_changeable(seen.group);
    VolumeGroup next = base_of(session_, Purpose::rehearsal, seen.group.vg, seen.group.devices, false);
    std::string text;
    for (const std::string& lv : lvs_) {
      const std::string store = last_store(next, lv);
      next = remove_volume(std::move(next), lv, keep_store_);
      text += shown(session_.activator().plan_deactivation(seen.group.vg, {lv}));
      text += fmt::format("  would remove {}/{}\n", vg_, lv);
      if (!store.empty()) text += fmt::format("  would erase the keystore {}/{}\n", vg_, store);
    }
    session_.output().text(text);
  }

  Session& session_;
  bool keep_store_;
  bool force_;
  std::string vg_;
  std::vector<std::string> lvs_;
};

void run(Session& session, const Arguments& arguments) {
  for (const ChosenVolumes& chosen : chosen_volumes(session.store().scan(), arguments.operands()))
    Removal(session, arguments, chosen.vg, chosen.lvs).run();
}

}  // namespace

Command cvremove() {
  return {
      .name = "cvremove",
      .summary = "remove logical volumes",
      .synopsis = {"[--keep-store] VG/LV|VG|@TAG..."},
      .description =
          "Closes volumes and removes them; a volume group stands for all its volumes. Asks before it "
          "removes a volume that "
          "is open, and before the last volume of a keystore takes the keystore along: the keystore is "
          "overwritten, and "
          "whatever was encrypted with its key is lost, backups of the volume's bytes included. If the "
          "machine stops in "
          "between, the next change of the group finishes the erasure.\n\n"
          "Volumes of the types that only LVM2 manages go as a whole, with every hidden part, while they are "
          "not active. A thin volume leaves a message in its pool, which LVM2 delivers when it activates the "
          "pool; until then no other volume of that pool can be removed.",
      .options = {{"Options", {kKeepStore, meaning(kForce, "ask nothing")}}},
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
