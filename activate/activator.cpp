#include "activate/activator.h"

#include <algorithm>
#include <set>
#include <thread>
#include <unordered_set>
#include <utility>

#include "activate/change_state.h"
#include "activate/device_name.h"
#include "activate/holders.h"
#include "activate/plan_names.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

namespace cv::activate {

using metadata::VolumeGroup;

namespace {

[[noreturn]] void throw_in_use(const std::string& lv, DeviceNumber number) {
  const auto holders = holders_of(number);
  if (holders.empty())
    throw Error(Errc::in_use, "{} is open", lv).advise("find out who uses it with `fuser -v /dev/{}`", lv);
  throw Error(Errc::in_use, "{} is {}", lv, holders).advise("unmount or close it first");
}

}  // namespace

Activator::Activator(Mapper& mapper, KeyCache* cache) : mapper_(mapper), cache_(cache) {}

void Activator::look_at(LiveDevices& live, const std::string& uuid) {
  if (live.contains(uuid)) return;
  const auto info = mapper_.find_uuid(uuid);
  if (!info) return;
  LiveDevice device;
  device.info = *info;
  if (info->has_live_table) device.table = mapper_.live_table(uuid);
  live.emplace(uuid, std::move(device));
}

/// Whoever has a name may have missed its own, which yet another has.
void Activator::look_at_holders(LiveDevices& live, const GroupView& view, std::string name) {
  for (;;) {
    auto other = mapper_.find_name(name);
    if (!other || live.contains(other->uuid)) return;
    const auto* owner = volume_of(view.vg(), other->uuid);
    if (owner == nullptr) {
      live[other->uuid].info = std::move(*other);
      return;
    }
    look_at(live, other->uuid);
    name = dm_name(view.vg().name, owner->name);
  }
}

void Activator::look_at(LiveDevices& live, const GroupView& view, const PlannedDevice& device) {
  look_at(live, device.uuid);
  const auto there = live.find(device.uuid);
  if (there == live.end() || there->second.info.name != device.name)
    return look_at_holders(live, view, device.name);
  const auto& info = there->second.info;
  if (info.has_live_table)
    there->second.is_shown = mapper_.is_shown(info.name, info.number, device.publication);
  if (device.read_ahead) there->second.read_ahead = mapper_.read_ahead(info.number);
}

Plan Activator::plan_one(const GroupView& current, const GroupView& next, const std::string& lv,
                         const TreeInputs& inputs) {
  LiveDevices live;
  for (const auto& device : devices_of(next, lv, inputs)) look_at(live, next, device);
  for (const auto* below : volumes_below(next, lv)) look_at(live, dm_uuid(next.vg().id, below->id));
  if (&current != &next && current.find_lv(lv) != nullptr)
    for (const auto* below : volumes_below(current, lv)) look_at(live, dm_uuid(current.vg().id, below->id));
  return activate::plan_activation(current, next, lv, inputs, std::move(live));
}

Plan Activator::plan_change(const VolumeGroup& current, const VolumeGroup& next,
                            const std::vector<std::string>& lvs, const TreeInputs& inputs) {
  const GroupView after(next);
  std::optional<GroupView> before;
  if (&current != &next) before.emplace(current);
  Plan all;
  for (const auto& lv : lvs)
    std::ranges::move(plan_one(before ? *before : after, after, lv, inputs), std::back_inserter(all));
  return all;
}

Plan Activator::plan_activation(const GroupView& view, const std::vector<std::string>& lvs,
                                const TreeInputs& inputs) {
  Plan all;
  for (const auto& lv : lvs) std::ranges::move(plan_one(view, view, lv, inputs), std::back_inserter(all));
  return all;
}

Plan Activator::plan_closing(const GroupView& view, const std::string& lv) {
  const auto& vg = view.vg();
  auto tree = volumes_below(view, lv);
  tree.insert(tree.begin(), &view.lv_at(lv));
  LiveDevices live;
  // Whatever their tables are, they go.
  for (const auto* part : tree)
    if (auto info = device_of(vg, *part)) live[info->uuid].info = std::move(*info);
  auto plan = activate::plan_deactivation(view, lv, live);
  for (const auto* part : tree) {
    const auto there = live.find(dm_uuid(vg.id, part->id));
    auto name = dm_name(vg.name, part->name);
    if (there != live.end() && there->second.info.name == name) continue;
    const auto publication = publication_of(vg, *part);
    if (!mapper_.is_shown(name, std::nullopt, publication))
      plan.emplace_back(HideStep{std::move(name), publication});
  }
  return plan;
}

Plan Activator::plan_deactivation(const GroupView& view, const std::vector<std::string>& lvs) {
  Plan all;
  for (const auto& lv : lvs) std::ranges::move(plan_closing(view, lv), std::back_inserter(all));
  return all;
}

Change Activator::stage_plan(const GroupView& next, const Plan& plan) {
  auto state = std::make_unique<Change::State>(mapper_, cache_);
  for (const auto& store : stores_of(plan)) state->stores.insert({next.vg().id, next.lv_at(store).id});
  for (const auto& step : plan) state->stage(step);
  if (cache_ != nullptr) cache_->wipe();
  return Change(std::move(state));
}

Change Activator::stage(const VolumeGroup& current, const VolumeGroup& next,
                        const std::vector<std::string>& lvs, const TreeInputs& inputs) {
  return stage_plan(next, plan_change(current, next, lvs, inputs));
}

Plan Activator::plan_renaming(const VolumeGroup& current, const VolumeGroup& next,
                              const std::vector<std::string>& lvs) {
  const GroupView before(current);
  const GroupView after(next);
  Plan all;
  for (const auto& lv : lvs) {
    LiveDevices live;
    if (auto info = device_of(next, after.lv_at(lv))) {
      live[info->uuid].info = *info;
      look_at_holders(live, before, dm_name(next.name, lv));
    }
    std::ranges::move(activate::plan_renaming(before, after, lv, std::move(live)), std::back_inserter(all));
  }
  return all;
}

Change Activator::stage_renaming(const VolumeGroup& current, const VolumeGroup& next,
                                 const std::vector<std::string>& lvs) {
  return stage_plan(next, plan_renaming(current, next, lvs));
}

void Activator::activate(const GroupView& view, const std::vector<std::string>& lvs, TreeInputs inputs,
                         const OnFailure& on_failure) {
  std::set<StoreId> held;
  const Undo settle([&] { try_or_warn([&] { mapper_.settle(); }); });
  for (const auto& lv : lvs) {
    try {
      during(fmt::format("activating {}/{}", view.vg().name, lv), [&] {
        auto change = stage_plan(view, plan_one(view, view, lv, inputs));
        if (&lv == &lvs.back()) inputs.keys.clear();
        change.carry_out();
      });
      hold_stores(view, lv, held);
    } catch (const Error& error) {
      resume_as_is(view, lv);
      if (!on_failure) throw;
      on_failure(lv, error);
    }
  }
}

void Activator::carry_out(const GroupView& view, const Plan& plan) {
  CV_ASSERT(activate::stores_of(plan).empty());
  stage_plan(view, plan).go();
}

/// Whoever brought the volume up may not have come so far.
void Activator::hold_stores(const GroupView& view, const std::string& lv, std::set<StoreId>& held) {
  if (cache_ == nullptr) return;
  for (const auto& store : stores_of(view.lv_at(lv))) {
    const StoreId id{view.vg().id, view.lv_at(store).id};
    if (held.insert(id).second) cache_->hold(id);
  }
}

void Activator::deactivate(const GroupView& view, const std::vector<std::string>& lvs,
                           const Patience& patience, const OnFailure& on_failure) {
  const auto deadline = std::chrono::steady_clock::now() + patience.for_holders;
  const Undo settle([&] { try_or_warn([&] { mapper_.settle(); }); });
  const Undo forget([&] { try_or_warn([&] { forget_closed_stores(view, lvs); }); });
  for (const auto& lv : lvs) {
    try {
      close(view, lv, patience, deadline);
    } catch (const Error& error) {
      if (!on_failure) throw;
      on_failure(lv, error);
    }
  }
}

void Activator::close(const GroupView& view, const std::string& lv, const Patience& patience,
                      Deadline deadline) {
  for (const auto& step : plan_closing(view, lv)) {
    log::verbose("{}", describe(step));
    if (const auto* removal = std::get_if<RemoveStep>(&step))
      remove(*removal, patience.for_udev, deadline);
    else if (const auto* clear = std::get_if<ClearStep>(&step))
      mapper_.run(ClearInactive{clear->uuid});
    else if (const auto* resume = std::get_if<ResumeStep>(&step))
      resume_to_close(resume->device);
    else if (const auto* hide = std::get_if<HideStep>(&step))
      mapper_.run(HideDevice{hide->name, hide->publication});
  }
}

void Activator::resume_as_is(const GroupView& view, const std::string& lv) {
  if (view.find_lv(lv) == nullptr || !is_manageable(view, lv)) return;
  try_or_warn([&] {
    for (const auto& step : plan_closing(view, lv)) {
      if (const auto* clear = std::get_if<ClearStep>(&step)) mapper_.run(ClearInactive{clear->uuid});
      const auto* resume = std::get_if<ResumeStep>(&step);
      if (resume == nullptr) continue;
      log::warning("{} was suspended and goes on with the table that it has", resume->device.name);
      resume_to_close(resume->device);
    }
  });
}

/// Whoever waits for it could not close it; what answers with errors can be closed as well.
void Activator::resume_to_close(PlannedDevice device) {
  device.table = mapper_.live_table(device.uuid).value_or(Table());
  const auto way = way_back(device, {}, device.read_only);
  const BlockedSignals signals;
  try {
    resume_or_bring_back(mapper_, way, Waiting::drop);
  } catch (const Error& error) {
    const auto info = mapper_.find_uuid(device.uuid);
    if (info && info->suspended) throw;
    log::warning("{}", error.what());
  }
}

void Activator::remove(const RemoveStep& step, std::chrono::milliseconds patience, Deadline deadline) {
  constexpr std::chrono::milliseconds kPause(20);
  const auto end = std::max(deadline, std::chrono::steady_clock::now() + patience);
  for (;;) {
    try {
      mapper_.run(RemoveDevice{step.uuid, step.publication});
      return;
    } catch (const Error& error) {
      if (error.code() == Errc::not_found) return;
      if (error.code() != Errc::in_use) throw;
    }
    // Those whom we can name will hardly go by themselves.
    if (std::chrono::steady_clock::now() >= deadline && !holders_of(step.number).empty())
      throw_in_use(step.lv, step.number);
    if (std::chrono::steady_clock::now() >= end) throw_in_use(step.lv, step.number);
    std::this_thread::sleep_for(kPause);
  }
}

Plan Activator::plan_cleaning(const GroupView& view) {
  return activate::plan_cleaning(view, mapper_.list());
}

void Activator::clean(const GroupView& view) {
  const Undo settle([&] { try_or_warn([&] { mapper_.settle(); }); });
  std::set<std::string> tried;
  // What stood on the ones that went is what kept others open.
  for (bool again = true; again;) {
    again = false;
    for (const auto& step : plan_cleaning(view)) {
      const auto& removal = std::get<RemoveStep>(step);
      if (!tried.insert(removal.uuid).second) continue;
      log::notice("Removing {}, a device that belongs to no volume of {}", removal.name, view.vg().name);
      try {
        mapper_.run(RemoveDevice{removal.uuid, removal.publication});
        again = true;
      } catch (const Error& error) {
        log::warning("{} is left behind: {}", removal.name, error.what());
      }
    }
  }
}

void Activator::forget_closed_stores(const GroupView& view, const std::vector<std::string>& lvs) {
  if (cache_ == nullptr) return;
  const auto& vg = view.vg();
  std::set<std::string> stores;
  for (const auto& lv : lvs)
    if (const auto* volume = view.find_lv(lv))
      std::ranges::copy(stores_of(*volume), std::inserter(stores, stores.end()));
  for (const auto& store : stores) {
    const auto* lv = view.find_lv(store);
    if (lv == nullptr) continue;
    const bool is_live = std::ranges::any_of(view.index().users_of(store),
                                             [&](const auto* user) { return is_active(vg, *user); });
    if (!is_live) cache_->forget({vg.id, lv->id});
  }
}

std::optional<DeviceInfo> Activator::device_of(const VolumeGroup& vg, std::string_view lv) {
  return device_of(vg, metadata::lv_at(vg, lv));
}

std::optional<DeviceInfo> Activator::device_of(const VolumeGroup& vg, const metadata::LogicalVolume& lv) {
  return mapper_.find_uuid(dm_uuid(vg.id, lv.id));
}

std::optional<DeviceInfo> Activator::any_device_of(const VolumeGroup& vg,
                                                   const std::vector<std::string>& lvs) {
  const metadata::GroupIndex index(vg);
  std::unordered_set<std::string> uuids;
  for (const auto& lv : lvs)
    if (const auto* volume = index.find_lv(lv)) uuids.insert(dm_uuid(vg.id, volume->id));
  const std::size_t length = uuids.empty() ? 0 : uuids.begin()->size();
  for (auto& device : mapper_.list())
    if (uuids.contains(device.uuid.substr(0, length))) return std::move(device);
  return std::nullopt;
}

bool Activator::is_active(const VolumeGroup& vg, std::string_view lv) {
  return is_active(vg, metadata::lv_at(vg, lv));
}

bool Activator::is_active(const VolumeGroup& vg, const metadata::LogicalVolume& lv) {
  const auto info = device_of(vg, lv);
  return info && info->has_live_table;
}

std::uint32_t Activator::open_count(const VolumeGroup& vg, std::string_view lv) {
  const auto info = device_of(vg, lv);
  return info ? info->open_count : 0;
}

void Activator::require_unused(const VolumeGroup& vg, std::string_view lv) {
  require_unused(vg, metadata::lv_at(vg, lv));
}

void Activator::require_unused(const VolumeGroup& vg, const metadata::LogicalVolume& lv) {
  const auto info = device_of(vg, lv);
  if (info && info->open_count > 0) throw_in_use(fmt::format("{}/{}", vg.name, lv.name), info->number);
}

}  // namespace cv::activate
