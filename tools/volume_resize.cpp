#include "tools/volume_resize.h"

#include "activate/device_name.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_reduce.h"
#include "tools/file_system.h"
#include "tools/group_change.h"
#include "tools/seen_volume.h"
#include "tools/sizes.h"
#include "tools/volume_arguments.h"

namespace cv::tools {

using namespace metadata;

namespace {

class VolumeResize {
 public:
  VolumeResize(Session& session, const Arguments& arguments, Resizing resizing)
      : session_(session), arguments_(arguments), resizing_(resizing), seen_(session, arguments.operand(0)) {}

  void run() {
    const VolumeGroup base =
        base_of(session_, Purpose::rehearsal, seen_.vg(), seen_.devices(), needs_native(seen_.vg()));
    const VolumeGroup rehearsed = resized(base, seen_.devices());
    const bool live = session_.activator().is_active(seen_.vg(), lv());
    if (arguments_.has(kResizeFs)) look_at_file_system(base, rehearsed);
    if (!may_be_open()) session_.activator().require_unused(seen_.vg(), lv());
    if (session_.is_test()) return show_plan(base, rehearsed, live);
    if (is_smaller() && !file_system_) ask(base, rehearsed);
    // A live table needs the key again. It is fetched before anything is written or locked.
    const auto stores = activate::stores_of(seen_.vg(), lv());
    if (live) session_.unlocker(seen_.devices()).open(seen_.vg(), stores);
    if (!file_system_) return write(stores);
    run_all(file_system_->steps.before);
    if (is_smaller())
      during("the file system is smaller now, but the volume is not", [&] { write(stores); });
    else
      write(stores);
    during("the volume has its new size, but what is on it does not follow",
           [&] { run_all(file_system_->steps.after); });
  }

 private:
  const std::string& lv() const { return seen_.name(); }
  bool is_smaller() const { return decided_->to < decided_->from; }
  bool may_be_open() const { return !is_smaller() || (file_system_ && file_system_->steps.stays_mounted); }

  /// All that could keep it from following is found before anything is changed.
  void look_at_file_system(const VolumeGroup& base, const VolumeGroup& next) {
    const auto device = session_.activator().device_of(seen_.vg(), lv());
    if (!device)
      throw Error(Errc::refused, "{}/{} is not active, so its file system can't be resized", base.name, lv())
          .advise("activate it first, or leave out --resizefs");
    const auto size = [&](const VolumeGroup& vg) { return to_bytes(payload_size(vg, lv_at(vg, lv()))); };
    FileSystem found = file_system_on("/dev/mapper/" + activate::dm_name(base.name, lv()), device->number);
    // Swap in use is listed by the name that the volume had then.
    if (found.type == "swap" && device->open_count > 0) found.is_swapping = true;
    FileSystemResize steps = resize_of(found, size(base), size(next));
    for (const auto& calls : {steps.before, steps.after})
      for (const ToolCall& call : calls) require_installed(call);
    file_system_ = FollowingFileSystem{std::move(found), std::move(steps), size(next)};
  }

  static void run_all(const std::vector<ToolCall>& calls) {
    for (const ToolCall& call : calls) tools::run(call);
  }

  bool needs_native(const VolumeGroup& vg) const { return crypt_of(lv_at(vg, lv())) != nullptr; }

  VolumeGroup resized(const VolumeGroup& base, const PvDevices& devices) {
    const LogicalVolume& volume = lv_at(base, lv());
    require_resizable(base, volume);
    const Placement placement = placement_from(arguments_, base, devices, 1);
    if (!decided_) decide(base, volume, placement);
    if (decided_->from != size_of(volume))
      throw Error(Errc::refused, "the size of {}/{} was changed meanwhile", base.name, lv())
          .advise("run the command again");
    if (is_smaller()) return reduce(base, lv(), decided_->to);
    return extend(base, lv(), decided_->to - decided_->from, placement);
  }

  void decide(const VolumeGroup& base, const LogicalVolume& volume, const Placement& placement) {
    Sectors alignment(1);
    if (const Crypt* crypt = crypt_of(volume)) {
      const LogicalVolume* store = find_lv(base, crypt->store);
      const Keystore* keystore = store == nullptr ? nullptr : keystore_of(*store);
      if (keystore != nullptr) alignment = Sectors(keystore->sector_bytes.value_or(512) / kSectorBytes);
    }
    decided_ = {size_of(volume), new_size_of(arguments_, base, volume, placement, alignment, resizing_)};
    if (!is_smaller()) return;
    const Extents possible = reduced_size(base, lv(), decided_->to);
    if (possible == decided_->to) return;
    log::notice("Rounding size ({} extents) up to {} extents, where a row of stripes ends", decided_->to.n,
                possible.n);
    decided_->to = possible;
    if (!is_smaller())
      throw Error(Errc::refused, "{}/{} can't be reduced by so little", base.name, lv())
          .advise("a row of stripes goes as a whole");
  }

  std::string shown_size(const VolumeGroup& vg) const {
    const LogicalVolume& volume = lv_at(vg, lv());
    return fmt::format("{} ({} extents)", format_size(to_bytes(payload_size(vg, volume))), size_of(volume).n);
  }

  void ask(const VolumeGroup& base, const VolumeGroup& next) {
    if (arguments_.has(kForce)) return;
    session_.require_confirmed(fmt::format(
        "Do you really want to reduce {}/{} from {} to {}? What is stored behind the new end is lost.",
        base.name, lv(), shown_size(base), shown_size(next)));
  }

  static std::string shown_calls(std::string_view when, const std::vector<ToolCall>& calls) {
    std::string text;
    for (const ToolCall& call : calls) text += fmt::format("  would run '{}' {}\n", tools::shown(call), when);
    return text;
  }

  void show_plan(const VolumeGroup& base, const VolumeGroup& next, bool live) {
    const std::vector<ToolCall> none;
    std::string text = fmt::format("  would {} {}/{} from {} to {}\n", is_smaller() ? "reduce" : "extend",
                                   next.name, lv(), shown_size(base), shown_size(next));
    if (live) {
      const auto keys = session_.unlocker(seen_.devices()).described(next, activate::stores_of(next, lv()));
      text += shown(
          session_.activator().plan_change(seen_.vg(), next, {lv()}, tree_inputs(seen_.devices(), keys)));
    }
    session_.output().text(shown_calls("before", file_system_ ? file_system_->steps.before : none) + text +
                           shown_calls("behind it", file_system_ ? file_system_->steps.after : none));
  }

  void write(const std::vector<std::string>& stores) {
    Transaction change = begin_change(session_, seen_.vg_name());
    for (const std::string& store : stores) require_same_store(seen_.vg(), change.current(), store);
    const VolumeGroup current = change.current();
    const VolumeGroup base =
        base_of(session_, Purpose::change, current, change.devices(), needs_native(current));
    const VolumeGroup next = resized(base, change.devices());
    if (!may_be_open()) session_.activator().require_unused(current, lv());
    if (file_system_ && is_smaller()) require_fits(file_system_->is, file_system_->size);
    note_used_ivs(base, next, change.devices());
    change.prepare(next, fmt::format("{} {}", is_smaller() ? "reduced" : "extended", lv()));
    if (session_.activator().is_active(current, lv()))
      commit_live(current, change);
    else
      change.commit();
    log::notice("Size of logical volume {}/{} changed from {} to {}.", base.name, lv(), shown_size(base),
                shown_size(change.current()));
  }

  void commit_live(const VolumeGroup& current, Transaction& change) {
    auto keys = session_.unlocker(change.devices())
                    .open(change.prepared(), activate::stores_of(change.prepared(), lv()));
    session_.secrets().forget();
    auto devices = session_.activator().stage(current, change.prepared(), {lv()},
                                              tree_inputs(change.devices(), std::move(keys)));
    if (is_smaller()) {
      // Nobody may get the extents while a device still leads to them.
      devices.go();
      during("the device is smaller, but the volume is not; cvchange -ay gives it its size back",
             [&] { change.commit(); });
    } else {
      // Every sector that is there stays where it is, so nothing needs to stand still during the commit
      // (docs/decisions/0015-no-commit-while-suspended.md).
      change.commit();
      during("the volume is larger, but its device is not; cvchange -ay tries again", [&] { devices.go(); });
    }
  }

  Session& session_;
  const Arguments& arguments_;
  Resizing resizing_;
  SeenVolume seen_;
  struct Decision {
    Extents from;
    Extents to;
  };
  struct FollowingFileSystem {
    FileSystem is;
    FileSystemResize steps;
    Bytes size;  ///< of the volume when it is done
  };
  std::optional<FollowingFileSystem> file_system_;  ///< with --resizefs
  /// What the person was shown holds, or is refused, when it is written.
  std::optional<Decision> decided_;
};

}  // namespace

void resize_volume(Session& session, const Arguments& arguments, Resizing resizing) {
  VolumeResize(session, arguments, resizing).run();
}

}  // namespace cv::tools
