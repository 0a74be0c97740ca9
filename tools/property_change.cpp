#include "tools/property_change.h"

#include <array>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_properties.h"
#include "tools/common_options.h"
#include "tools/device_options.h"
#include "tools/group_change.h"
#include "tools/volume_arguments.h"
#include "tools/volume_choice.h"

namespace cv::tools {

using namespace metadata;

namespace {

constexpr std::array kProperties{kAddTag,         kDelTag,         kPermission, kAlloc,
                                 kActivationSkip, kAutoActivation, kDiscards,   kWorkqueues};

NewProperties wanted_properties(const Arguments& arguments) {
  NewProperties wanted;
  wanted.add_tags = tags(arguments, kAddTag);
  wanted.delete_tags = tags(arguments, kDelTag);
  if (const auto permission = arguments.text(kPermission)) wanted.writable = *permission == "rw";
  if (const auto policy = arguments.text(kAlloc)) wanted.allocation = allocation_named(*policy);
  wanted.device = device_properties(arguments);
  wanted.activation_skip = arguments.yes_or_no(kActivationSkip);
  wanted.autoactivation = arguments.yes_or_no(kAutoActivation);
  wanted.discards = arguments.yes_or_no(kDiscards);
  if (const auto queues = arguments.text(kWorkqueues)) wanted.inline_workqueues = *queues == "inline";
  return wanted;
}

class PropertyChange {
 public:
  PropertyChange(Session& session, const FoundGroup& seen, const ChosenVolumes& chosen,
                 const NewProperties& wanted)
      : session_(session), seen_(seen), chosen_(chosen), wanted_(wanted) {}

  /// `is_last`: no other group follows, whose stores may have the same secret.
  void run(bool is_last) {
    is_last_ = is_last;
    require_changeable(seen_);
    const VolumeGroup base = base_of(session_, Purpose::rehearsal, seen_.vg, seen_.devices, false);
    const VolumeGroup rehearsed = changed(base);
    if (session_.is_test()) return show_plan(base, rehearsed);
    // A live table needs the key again. It is fetched before anything is written or locked.
    const auto stores = stores_of(seen_.vg, live_volumes(base, rehearsed));
    session_.unlocker(seen_.devices).open(seen_.vg, stores);
    write(stores);
  }

 private:
  VolumeGroup changed(VolumeGroup vg) const {
    for (const std::string& lv : chosen_.lvs) vg = change_properties(std::move(vg), lv, wanted_);
    return vg;
  }

  bool differs(const VolumeGroup& base, const VolumeGroup& next, const std::string& lv) const {
    return !(lv_at(base, lv) == lv_at(next, lv));
  }

  /// Those whose devices change too.
  std::vector<std::string> live_volumes(const VolumeGroup& base, const VolumeGroup& next) const {
    std::vector<std::string> live;
    for (const std::string& lv : chosen_.lvs) {
      if (table_differs(lv_at(base, lv), lv_at(next, lv)) && session_.activator().is_active(base, lv))
        live.push_back(lv);
    }
    return live;
  }

  static bool table_differs(const LogicalVolume& a, const LogicalVolume& b) {
    const auto options = [](const LogicalVolume& lv) {
      std::vector<bool> all{has_flag(lv.flags, "WRITE")};
      for (const Segment& segment : lv.segments)
        if (const auto* crypt = std::get_if<Crypt>(&segment.kind))
          all.insert(all.end(), {crypt->discards, crypt->inline_workqueues});
      return all;
    };
    return options(a) != options(b);
  }

  static std::vector<std::string> stores_of(const VolumeGroup& vg, const std::vector<std::string>& lvs) {
    std::vector<std::string> stores;
    for (const std::string& lv : lvs)
      for (const std::string& store : activate::stores_of(vg, lv))
        if (std::ranges::find(stores, store) == stores.end()) stores.push_back(store);
    return stores;
  }

  void show_plan(const VolumeGroup& base, const VolumeGroup& next) const {
    std::string text;
    for (const std::string& lv : chosen_.lvs)
      text += fmt::format("  would {} {}/{}\n", differs(base, next, lv) ? "change" : "leave", base.name, lv);
    if (const auto live = live_volumes(base, next); !live.empty()) {
      const auto keys = session_.unlocker(seen_.devices).described(next, stores_of(next, live));
      text += shown(session_.activator().plan_change(seen_.vg, next, live, tree_inputs(seen_.devices, keys)));
    }
    for (const LogicalVolume* lv : retuned(base, next))
      text +=
          fmt::format("  set the read-ahead of {}/{} to {} sectors\n", next.name, lv->name, *lv->read_ahead);
    session_.output().text(text);
  }

  void write(const std::vector<std::string>& stores) {
    Transaction change = begin_change(session_, chosen_.vg);
    for (const std::string& store : stores) require_same_store(seen_.vg, change.current(), store);
    const VolumeGroup current = change.current();
    const VolumeGroup base = base_of(session_, Purpose::change, current, change.devices(), false);
    const VolumeGroup next = changed(base);
    if (next == current) {
      log::notice("Nothing to change in volume group \"{}\".", base.name);
      return;
    }
    const auto live = live_volumes(base, next);
    change.prepare(next, fmt::format("changed {}", fmt::join(chosen_.lvs, ", ")));
    if (live.empty())
      change.commit();
    else
      commit_live(current, live, change);
    tune(base, next);
    for (const std::string& lv : chosen_.lvs) {
      if (!differs(base, next, lv)) continue;
      log::notice("Logical volume {}/{} changed.", base.name, lv);
      tell_what_waits(base, next, lv);
    }
  }

  /// Open volumes whose devices get another read-ahead.
  std::vector<const LogicalVolume*> retuned(const VolumeGroup& base, const VolumeGroup& next) const {
    std::vector<const LogicalVolume*> found;
    if (!wanted_.device.read_ahead) return found;
    for (const std::string& name : chosen_.lvs) {
      const LogicalVolume& lv = lv_at(next, name);
      if (lv.read_ahead && lv.read_ahead != lv_at(base, name).read_ahead &&
          session_.activator().is_active(next, lv))
        found.push_back(&lv);
    }
    return found;
  }

  void tune(const VolumeGroup& base, const VolumeGroup& next) const {
    for (const LogicalVolume* lv : retuned(base, next)) {
      const auto info = session_.activator().device_of(next, *lv);
      // A resume would do more to a device that another command left half way.
      if (!info || info->suspended || info->has_inactive_table) {
        log::warning("the device of {0}/{1} is not as it should be; cvchange --refresh {0}/{1} mends it",
                     next.name, lv->name);
        continue;
      }
      session_.mapper().run(
          activate::ResumeDevice{info->uuid, activate::publication_of(next, *lv), lv->read_ahead});
    }
    if (wanted_.device.read_ahead) session_.mapper().settle();
  }

  void tell_what_waits(const VolumeGroup& base, const VolumeGroup& next, const std::string& name) const {
    const LogicalVolume& lv = lv_at(next, name);
    const LogicalVolume& was = lv_at(base, name);
    if (lv.minor == was.minor && (lv.read_ahead || !was.read_ahead)) return;
    if (session_.activator().is_active(next, lv))
      log::notice("It takes effect when {}/{} is opened the next time.", next.name, name);
  }

  void commit_live(const VolumeGroup& current, const std::vector<std::string>& live, Transaction& change) {
    const VolumeGroup& prepared = change.prepared();
    auto keys = session_.unlocker(change.devices()).open(prepared, stores_of(prepared, live));
    if (is_last_) session_.secrets().forget();
    auto devices =
        session_.activator().stage(current, prepared, live, tree_inputs(change.devices(), std::move(keys)));
    change.commit();
    during("the volume is changed, but not its device; cvchange -ay tries again", [&] { devices.go(); });
  }

  Session& session_;
  const FoundGroup& seen_;
  const ChosenVolumes& chosen_;
  const NewProperties& wanted_;
  bool is_last_ = false;
};

}  // namespace

bool wants_new_properties(const Arguments& arguments) {
  return wants_device_properties(arguments) ||
         std::ranges::any_of(kProperties, [&](const Option& option) { return arguments.has(option); });
}

void change_properties_of(Session& session, const Arguments& arguments) {
  if (arguments.operands().empty())
    throw Error(Errc::usage, "{} needs to know which volumes to change", arguments.command().name)
        .advise("name volumes, volume groups or tags");
  const NewProperties wanted = wanted_properties(arguments);
  const Scan scan = session.store().scan();
  auto groups = chosen_volumes(scan, arguments.operands());
  std::erase_if(groups, [](const ChosenVolumes& chosen) { return chosen.lvs.empty(); });
  for (const ChosenVolumes& chosen : groups)
    PropertyChange(session, group_at(scan, chosen.vg), chosen, wanted).run(&chosen == &groups.back());
}

}  // namespace cv::tools
