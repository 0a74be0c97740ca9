#include "activate/activator.h"

#include <algorithm>
#include <set>
#include <thread>
#include <unordered_set>
#include <utility>

#include "activate/change_state.h"
#include "activate/device_name.h"
#include "activate/holders.h"
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

LiveDevices Activator::live_devices(const VolumeGroup& vg, const std::vector<std::string>& lvs) {
  LiveDevices live;
  for (const auto& lv : lvs) {
    if (metadata::find_lv(vg, lv) == nullptr) continue;
    for (const auto& uuid : uuids_of(vg, lv)) {
      const auto info = mapper_.find_uuid(uuid);
      if (!info) continue;
      LiveDevice device{*info, std::nullopt};
      if (info->has_live_table) device.table = mapper_.live_table(uuid);
      live.insert_or_assign(uuid, std::move(device));
    }
  }
  return live;
}

Plan Activator::plan_change(const VolumeGroup& current, const VolumeGroup& next,
                            const std::vector<std::string>& lvs, const TreeInputs& inputs) {
  Plan all;
  for (const auto& lv : lvs) {
    auto live = live_devices(current, {lv});
    live.merge(live_devices(next, {lv}));
    auto plan = activate::plan_activation(current, next, lv, inputs, live);
    std::ranges::move(plan, std::back_inserter(all));
  }
  return all;
}

Plan Activator::plan_activation(const VolumeGroup& vg, const std::vector<std::string>& lvs,
                                const TreeInputs& inputs) {
  return plan_change(vg, vg, lvs, inputs);
}

Plan Activator::plan_deactivation(const VolumeGroup& vg, const std::vector<std::string>& lvs) {
  Plan all;
  for (const auto& lv : lvs) {
    auto plan = activate::plan_deactivation(vg, lv, live_devices(vg, {lv}));
    std::ranges::move(plan, std::back_inserter(all));
  }
  return all;
}

Change Activator::stage_plan(const VolumeGroup& next, const Plan& plan) {
  auto state = std::make_unique<Change::State>(mapper_, cache_);
  for (const auto& store : stores_of(plan)) state->stores.insert({next.id, metadata::lv_at(next, store).id});
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
  Plan all;
  for (const auto& lv : lvs) {
    LiveDevices live;
    if (auto info = device_of(next, lv)) live.emplace(info->uuid, LiveDevice{*info, std::nullopt});
    if (auto step = activate::plan_renaming(current, next, lv, live)) all.emplace_back(std::move(*step));
  }
  return all;
}

Change Activator::stage_renaming(const VolumeGroup& current, const VolumeGroup& next,
                                 const std::vector<std::string>& lvs) {
  return stage_plan(next, plan_renaming(current, next, lvs));
}

void Activator::activate(const VolumeGroup& vg, const std::vector<std::string>& lvs, TreeInputs inputs) {
  const Undo settle([&] { try_or_warn([&] { mapper_.settle(); }); });
  for (const auto& lv : lvs) {
    during(fmt::format("activating {}/{}", vg.name, lv), [&] {
      auto change = stage(vg, vg, {lv}, inputs);
      if (&lv == &lvs.back()) inputs.keys.clear();
      change.carry_out();
    });
  }
}

void Activator::deactivate(const VolumeGroup& vg, const std::vector<std::string>& lvs,
                           std::chrono::milliseconds patience) {
  constexpr std::size_t kFew = 8;
  std::optional<metadata::GroupIndex> index;  // takes as long as looking up many without
  if (lvs.size() > kFew) index.emplace(vg);
  const auto has_stores = [&](const std::string& lv) {
    return metadata::find_lv(vg, lv) != nullptr && !stores_of(vg, lv).empty();
  };
  const Undo settle([&] { try_or_warn([&] { mapper_.settle(); }); });
  const Undo forget([&] {
    try_or_warn([&] {
      if (!index && std::ranges::any_of(lvs, has_stores)) index.emplace(vg);
      if (index) forget_closed_stores(vg, *index, lvs);
    });
  });
  for (const auto& lv : lvs) {
    if (index && !has_devices(vg, *index, lv)) continue;
    for (const auto& step : plan_deactivation(vg, {lv})) {
      log::verbose("{}", describe(step));
      if (const auto* removal = std::get_if<RemoveStep>(&step)) remove(*removal, patience);
    }
  }
}

/// Of its own, or of the volumes that it stands on.
bool Activator::has_devices(const VolumeGroup& vg, const metadata::GroupIndex& index, const std::string& lv) {
  const auto* volume = index.find_lv(lv);
  if (volume == nullptr) volume = &metadata::lv_at(vg, lv);  // says that there is none
  return device_of(vg, *volume) || std::ranges::any_of(volumes_below(index, *volume), [&](const auto* below) {
           return device_of(vg, *below).has_value();
         });
}

void Activator::remove(const RemoveStep& step, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause(20);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    // Those whom we can name will not go by themselves.
    const auto info = mapper_.find_uuid(step.uuid);
    if (!info) return;
    if (info->open_count > 0 && !holders_of(info->number).empty()) throw_in_use(step.lv, info->number);
    try {
      mapper_.run(RemoveDevice{step.uuid, step.publication});
      return;
    } catch (const Error& error) {
      if (error.code() != Errc::in_use) throw;
    }
    if (std::chrono::steady_clock::now() >= deadline) throw_in_use(step.lv, step.number);
    std::this_thread::sleep_for(kPause);
  }
}

void Activator::forget_closed_stores(const VolumeGroup& vg, const metadata::GroupIndex& index,
                                     const std::vector<std::string>& lvs) {
  if (cache_ == nullptr) return;
  std::set<std::string> stores;
  for (const auto& lv : lvs) {
    const auto* volume = index.find_lv(lv);
    if (volume == nullptr) continue;
    for (const auto& segment : volume->segments)
      if (const auto* crypt = std::get_if<metadata::Crypt>(&segment.kind)) stores.insert(crypt->store);
  }
  for (const auto& store : stores) {
    const auto* lv = index.find_lv(store);
    if (lv == nullptr) continue;
    const bool is_live =
        std::ranges::any_of(index.users_of(store), [&](const auto* user) { return is_active(vg, *user); });
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
