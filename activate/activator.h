// Carries plans out through a mapper, each step with its way back.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "activate/key_cache.h"
#include "activate/mapper.h"
#include "activate/plan.h"
#include "lib/base/error.h"
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

/// How long deactivate() waits for a volume that somebody has open.
struct Patience {
  std::chrono::milliseconds for_udev{1000};  ///< which opens devices for a moment; for each volume
  std::chrono::milliseconds for_holders{0};  ///< those whom we can name; for all volumes together
};

/// Told of what one volume runs into; the others go on.
using OnFailure = std::function<void(const std::string& lv, const Error& error)>;

class Activator {
 public:
  /// `cache` may be null: then nobody is told about keys that are needed or no longer needed.
  Activator(Mapper& mapper, KeyCache* cache);

  /// What activate() would do. With Unlocker::described() as keys it needs no secret.
  Plan plan_activation(const GroupView& view, const std::vector<std::string>& lvs, const TreeInputs& inputs);
  Plan plan_deactivation(const GroupView& view, const std::vector<std::string>& lvs);
  /// What clean() would do.
  Plan plan_cleaning(const GroupView& view);
  /// What stage() and go() would do.
  Plan plan_change(const metadata::VolumeGroup& current, const metadata::VolumeGroup& next,
                   const std::vector<std::string>& lvs, const TreeInputs& inputs);

  /// Brings volumes up, one after the other; one that fails is taken back, those before it stay up. It ends
  /// the call where nobody wants to be told. A volume that is up already gets the table it should have.
  /// Before the last one goes live the keys in `inputs` and in the cache's memory are wiped.
  void activate(const GroupView& view, const std::vector<std::string>& lvs, TreeInputs inputs,
                const OnFailure& on_failure = nullptr);

  /// Takes volumes down, one after the other. One that is not up is fine. One that is still open when the
  /// patience is over is Errc::in_use, with who holds it; it ends the call where nobody wants to be told.
  void deactivate(const GroupView& view, const std::vector<std::string>& lvs, const Patience& patience = {},
                  const OnFailure& on_failure = nullptr);

  /// Carries out a plan that loads the tables of no store: plan_activation() made it with keys that were only
  /// described.
  void carry_out(const GroupView& view, const Plan& plan);

  /// Resumes what is suspended of a volume with the table that it has: for one whose own table can't be made
  /// now, so that nobody waits for it. What goes wrong is warned of. activate() does so for volumes that
  /// fail.
  void resume_as_is(const GroupView& view, const std::string& lv);

  /// Removes the devices of the group that belong to none of its volumes and that nobody has open.
  void clean(const GroupView& view);

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
  using Deadline = std::chrono::steady_clock::time_point;

  Plan plan_one(const GroupView& current, const GroupView& next, const std::string& lv,
                const TreeInputs& inputs);
  Plan plan_closing(const GroupView& view, const std::string& lv);
  void look_at(LiveDevices& live, const std::string& uuid);
  void look_at(LiveDevices& live, const GroupView& view, const PlannedDevice& device);
  void look_at_holders(LiveDevices& live, const GroupView& view, std::string name);
  Change stage_plan(const GroupView& next, const Plan& plan);
  void close(const GroupView& view, const std::string& lv, const Patience& patience, Deadline deadline);
  void resume_to_close(PlannedDevice device);
  void remove(const RemoveStep& step, std::chrono::milliseconds patience, Deadline deadline);
  void hold_stores(const GroupView& view, const std::string& lv, std::set<StoreId>& held);
  void forget_closed_stores(const GroupView& view, const std::vector<std::string>& lvs);

  Mapper& mapper_;
  KeyCache* cache_;
};

}  // namespace cv::activate
