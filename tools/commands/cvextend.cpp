// cvextend: makes volumes larger, also while they are in use.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/sizes.h"
#include "tools/volume_arguments.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

class Extension {
 public:
  Extension(Session& session, const Arguments& arguments)
      : session_(session),
        arguments_(arguments),
        name_(parse_full_volume_name(arguments.operand(0))),
        scan_(session.store().scan()),
        found_(group_at(scan_, name_.vg)) {}

  void run() {
    require_changeable(found_);
    const VolumeGroup base = base_of(session_, Purpose::rehearsal, found_.vg, found_.devices, needs_native());
    const VolumeGroup rehearsed = extended(base, found_.devices);
    const bool live = session_.activator().is_active(found_.vg, lv());
    if (session_.is_test()) return show_plan(base, rehearsed, live);
    // A live table needs the key again. It is fetched before anything is written or locked.
    const auto stores = activate::stores_of(found_.vg, lv());
    if (live) session_.unlocker(found_.devices).open(found_.vg, stores);
    write(stores);
  }

 private:
  const std::string& lv() const { return name_.lv; }

  bool needs_native() const { return crypt_of(lv_at(found_.vg, lv())) != nullptr; }

  VolumeGroup extended(const VolumeGroup& base, const PvDevices& devices) {
    const LogicalVolume& volume = lv_at(base, lv());
    const Placement placement = placement_from(arguments_, base, devices, 1);
    Sectors alignment(1);
    if (const Crypt* crypt = crypt_of(volume)) {
      const LogicalVolume* store = find_lv(base, crypt->store);
      const Keystore* keystore = store == nullptr ? nullptr : keystore_of(*store);
      if (keystore != nullptr) alignment = Sectors(keystore->sector_bytes.value_or(512) / kSectorBytes);
    }
    const Extents from = size_of(volume);
    if (!growth_) growth_ = {from, growth_of(arguments_, base, volume, placement, alignment)};
    if (growth_->from != from)
      throw Error(Errc::refused, "the size of {}/{} was changed meanwhile", base.name, lv())
          .advise("run the command again");
    return extend(base, lv(), growth_->by, placement);
  }

  void show_plan(const VolumeGroup& base, const VolumeGroup& next, bool live) {
    std::string text = fmt::format("  would extend {}/{} from {} to {}\n", next.name, lv(),
                                   format_size(to_bytes(payload_size(base, lv_at(base, lv())))),
                                   format_size(to_bytes(payload_size(next, lv_at(next, lv())))));
    if (live) {
      const auto keys = session_.unlocker(found_.devices).described(next, activate::stores_of(next, lv()));
      text +=
          shown(session_.activator().plan_change(found_.vg, next, {lv()}, tree_inputs(found_.devices, keys)));
    }
    session_.output().text(text);
  }

  void write(const std::vector<std::string>& stores) {
    Transaction change = begin_change(session_, name_.vg);
    for (const std::string& store : stores) require_same_store(found_.vg, change.current(), store);
    const VolumeGroup current = change.current();
    const VolumeGroup base = base_of(session_, Purpose::change, current, change.devices(), needs_native());
    const VolumeGroup next = extended(base, change.devices());
    note_used_ivs(base, next, change.devices());
    change.prepare(next, fmt::format("extended {}", lv()));
    if (session_.activator().is_active(current, lv())) {
      const auto keys = session_.unlocker(change.devices())
                            .open(change.prepared(), activate::stores_of(change.prepared(), lv()));
      auto devices =
          session_.activator().stage(current, change.prepared(), {lv()}, tree_inputs(change.devices(), keys));
      // Every sector that is there stays where it is, so nothing needs to stand still during the commit
      // (docs/decisions/0015-no-commit-while-suspended.md).
      change.commit();
      during("the volume is larger, but its device is not; cvchange -ay tries again", [&] { devices.go(); });
    } else {
      change.commit();
    }
    const VolumeGroup& now = change.current();
    log::notice("Size of logical volume {}/{} changed from {} to {}.", now.name, lv(),
                format_size(to_bytes(payload_size(base, lv_at(base, lv())))),
                format_size(to_bytes(payload_size(now, lv_at(now, lv())))));
  }

  Session& session_;
  const Arguments& arguments_;
  FullVolumeName name_;
  Scan scan_;
  const FoundGroup& found_;
  struct Growth {
    Extents from;
    Extents by;
  };
  std::optional<Growth> growth_;
};

void run(Session& session, const Arguments& arguments) {
  Extension(session, arguments).run();
}

}  // namespace

Command cvextend() {
  return {
      .name = "cvextend",
      .summary = "make a logical volume larger",
      .synopsis = {"-L [+]SIZE|-l [+]EXTENTS VG/LV [PV[:FIRST-LAST]...]"},
      .description =
          "Gives a volume more extents, whether it is open or not. An open encrypted volume needs its key "
          "again: the one "
          "that is at hand in the kernel is taken, so that nobody is asked. The file system in it is not "
          "touched; let it "
          "grow with its own tool afterwards.",
      .options = {{"Options",
                   {meaning(kSize, "the new size, or with a plus sign how much to add"),
                    meaning(kExtents, "the same in extents or as a part of what there is"), kStripes,
                    kStripeSize, kAlloc}},
                  secret_options()},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "a volume",
      .examples = {{"A gibibyte more", "cvextend -L +1G vg0/home"},
                   {"All that is free", "cvextend -l +100%FREE vg0/home"}},
      .see_also = {"cvcreate", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
