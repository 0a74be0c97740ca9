// Carries plans out through a mapper, each step with its way back.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activate/key_cache.h"
#include "activate/mapper.h"
#include "activate/plan.h"
#include "metadata/volume_group.h"

namespace cv::activate {

/// Devices that are ready to change and have not changed yet: new ones have a table and are not resumed,
/// live ones have the new table in their inactive slot. Dropped before go() everything is as it was, and no
/// device is left suspended.
///
///     auto change = activator.stage(current, next, {"tst"}, inputs);   // tables loaded
///     change.suspend();    // optional: where the commit must not overtake what is still being written
///     tx.commit();
///     change.go();
class [[nodiscard]] Change {
 public:
  Change(Change&&) noexcept;
  Change& operator=(Change&&) noexcept;
  ~Change();

  /// Suspends what is live, top down. From here to go() nothing may be asked, logged or allocated at length.
  void suspend();
  /// Makes the new tables live, bottom up, and removes what is no longer needed. There is no way back: it
  /// goes on after a failure, and throws the first one at the end.
  void go();
  /// Whether there is anything to do.
  bool empty() const;

 private:
  friend class Activator;
  struct State;
  explicit Change(std::unique_ptr<State> state);
  void carry_out();

  std::unique_ptr<State> state_;
};

class Activator {
 public:
  /// `cache` may be null: then nobody is told about keys that are needed or no longer needed.
  Activator(Mapper& mapper, KeyCache* cache);

  /// What activate() would do. With Unlocker::described() as keys it needs no secret.
  Plan plan_activation(const metadata::VolumeGroup& vg, const std::vector<std::string>& lvs,
                       const TreeInputs& inputs);
  Plan plan_deactivation(const metadata::VolumeGroup& vg, const std::vector<std::string>& lvs);
  /// What stage() and go() would do.
  Plan plan_change(const metadata::VolumeGroup& current, const metadata::VolumeGroup& next,
                   const std::vector<std::string>& lvs, const TreeInputs& inputs);

  /// Brings volumes up, one after the other; one that fails is taken back and ends the call, those before it
  /// stay up. A volume that is up already gets the table it should have. Before the last one goes live the
  /// keys in `inputs` and in the cache's memory are wiped.
  void activate(const metadata::VolumeGroup& vg, const std::vector<std::string>& lvs, TreeInputs inputs);

  /// Takes volumes down, one after the other. One that is not up is fine. Throws Errc::in_use, with who holds
  /// it, after waiting for `patience`: udev opens devices for a moment.
  void deactivate(const metadata::VolumeGroup& vg, const std::vector<std::string>& lvs,
                  std::chrono::milliseconds patience = std::chrono::milliseconds(1000));

  /// Gets a change of volumes ready that takes place with go(), behind the commit of `next`: a volume that is
  /// new, has other extents, or is not up yet. The keys in the cache's memory are wiped, so that with
  /// `inputs` the last copy in this process goes.
  Change stage(const metadata::VolumeGroup& current, const metadata::VolumeGroup& next,
               const std::vector<std::string>& lvs, const TreeInputs& inputs);

  /// Gets new names for the devices of `lvs` of `next` (of these alone, so hidden ones are listed) ready,
  /// which take effect with go(), behind the commit. Throws Errc::exists where somebody else's device has the
  /// name.
  Change stage_renaming(const metadata::VolumeGroup& current, const metadata::VolumeGroup& next,
                        const std::vector<std::string>& lvs);
  Plan plan_renaming(const metadata::VolumeGroup& current, const metadata::VolumeGroup& next,
                     const std::vector<std::string>& lvs);

  bool is_active(const metadata::VolumeGroup& vg, std::string_view lv);
  bool is_active(const metadata::VolumeGroup& vg, const metadata::LogicalVolume& lv);
  /// 0 where it is not active.
  std::uint32_t open_count(const metadata::VolumeGroup& vg, std::string_view lv);
  /// The volume's own device, whatever its state.
  std::optional<DeviceInfo> device_of(const metadata::VolumeGroup& vg, std::string_view lv);
  std::optional<DeviceInfo> device_of(const metadata::VolumeGroup& vg, const metadata::LogicalVolume& lv);
  /// A device of any of the volumes, one of the layers that only LVM2 makes ("-real", "-tpool") included;
  /// nothing where there is none.
  std::optional<DeviceInfo> any_device_of(const metadata::VolumeGroup& vg,
                                          const std::vector<std::string>& lvs);
  /// Throws Errc::in_use, with who holds it, where somebody has the volume open.
  void require_unused(const metadata::VolumeGroup& vg, std::string_view lv);
  void require_unused(const metadata::VolumeGroup& vg, const metadata::LogicalVolume& lv);

 private:
  LiveDevices live_devices(const metadata::VolumeGroup& vg, const std::vector<std::string>& lvs);
  Change stage_plan(const metadata::VolumeGroup& next, const Plan& plan);
  void remove(const RemoveStep& step, std::chrono::milliseconds patience);
  bool has_devices(const metadata::VolumeGroup& vg, const metadata::GroupIndex& index, const std::string& lv);
  void forget_closed_stores(const metadata::VolumeGroup& vg, const metadata::GroupIndex& index,
                            const std::vector<std::string>& lvs);

  Mapper& mapper_;
  KeyCache* cache_;
};

}  // namespace cv::activate
