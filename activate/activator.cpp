#include "activate/activator.h"

#include <algorithm>
#include <set>
#include <thread>
#include <unordered_set>
#include <utility>

#include "activate/device_name.h"
#include "activate/holders.h"
#include "lib/base/blocked_signals.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/match.h"
#include "lib/base/undo.h"

namespace cv::activate {

using metadata::VolumeGroup;

namespace {

/// For what undoes a step: a failure there is told, not thrown.
template <class Work>
void try_or_warn(Work&& work) noexcept {
  try {
    work();
  } catch (const std::exception& error) {
    log::warning("while undoing: {}", error.what());
  }
}

Device number_of(Mapper& mapper, const DeviceBelow& below) {
  if (const auto info = mapper.find_uuid(below.uuid)) return info->number;
  throw Error(Errc::not_found, "the device {} has gone", below.name);
}

/// With the number of every device below; by now they are all there.
Table numbered(Table table, Mapper& mapper) {
  const auto resolve = [&](Device& device) {
    if (const auto* below = std::get_if<DeviceBelow>(&device)) device = number_of(mapper, *below);
  };
  for (auto& line : table) {
    match(
        line.target, [&](LinearTarget& linear) { resolve(linear.device); },
        [&](StripedTarget& striped) {
          for (auto& stripe : striped.stripes) resolve(stripe.device);
        },
        [&](CryptTarget& crypt) { resolve(crypt.device); }, [](ErrorTarget&) {}, [](ZeroTarget&) {});
  }
  return table;
}

[[noreturn]] void throw_in_use(const std::string& lv, DeviceNumber number) {
  const auto holders = holders_of(number);
  if (holders.empty())
    throw Error(Errc::in_use, "{} is open", lv).advise("find out who uses it with `fuser -v /dev/{}`", lv);
  throw Error(Errc::in_use, "{} is {}", lv, holders).advise("unmount or close it first");
}

}  // namespace

/// A device that go() resumes.
struct Pending {
  ResumeDevice resume;
  SuspendDevice suspend;
  bool is_live = false;     ///< has a table now, so that it can be suspended
  bool is_created = false;  ///< was not there before
  bool suspended = false;
};

struct Change::State {
  State(Mapper& used_mapper, KeyCache* used_cache) : mapper(used_mapper), cache(used_cache) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ~State() {
    if (undo.empty() && pending.empty()) return;
    // Top down; a suspended device that gets its old table back needs the devices below it.
    while (!undo.empty()) undo.pop_back();
    resume_suspended();
    try_or_warn([&] { mapper.settle(); });
  }

  /// Nothing stands on what was made for a volume that can't come up.
  void remove_created() noexcept {
    while (!created.empty()) {
      try_or_warn([&] { mapper.run(created.back()); });
      created.pop_back();
    }
  }

  /// The inactive tables are gone by now, so that this brings the old ones back.
  void resume_suspended() noexcept {
    for (auto& device : pending) {
      if (!device.suspended) continue;
      device.suspended = false;
      try_or_warn([&] { mapper.run(device.resume); });
    }
  }

  Mapper& mapper;
  KeyCache* cache;
  std::vector<Undo> undo;        ///< in the order of the steps
  std::vector<Pending> pending;  ///< bottom up
  std::vector<RemoveDevice> created;
  std::vector<RemoveStep> removals;
  std::vector<RenameStep> renamings;
  std::set<StoreId> stores;  ///< whose keys the new tables hold
  /// While a device stands still: a command that ended now would leave it so.
  std::optional<BlockedSignals> signals;
};

namespace {

/// Carries out what can be done before the commit.
class Stager {
 public:
  Stager(Mapper& mapper, std::vector<Undo>& undo, std::vector<Pending>& pending,
         std::vector<RemoveDevice>& created, std::vector<RemoveStep>& removals,
         std::vector<RenameStep>& renamings)
      : mapper_(mapper),
        undo_(undo),
        pending_(pending),
        created_(created),
        removals_(removals),
        renamings_(renamings) {}

  void operator()(const Step& step) {
    log::verbose("{}", describe(step));
    match(
        step, [&](const CreateStep& create) { this->create(create.device); },
        [&](const ReloadStep& reload) { this->reload(reload); },
        [&](const ResumeStep& resume) {
          pending_.push_back({resume_of(resume.device), {resume.device.uuid}});
        },
        [&](const RemoveStep& remove) { removals_.push_back(remove); },
        [&](const RenameStep& rename) {
          require_free_name(rename.lv, rename.name, rename.uuid, "renamed");
          renamings_.push_back(rename);
        });
  }

 private:
  static ResumeDevice resume_of(const PlannedDevice& device) { return {device.uuid, device.publication}; }

  void create(const PlannedDevice& device) {
    require_free_name(device.lv, device.name, device.uuid, "activated");
    mapper_.run(CreateDevice{device.name, device.uuid});
    undo_.emplace_back([&mapper = mapper_, remove = RemoveDevice{device.uuid, device.publication}] {
      try_or_warn([&] { mapper.run(remove); });
    });
    created_.push_back({device.uuid, device.publication});
    load(device);
    // What stands on a hidden device can only be loaded when it has its size.
    if (device.publication.hidden)
      mapper_.run(resume_of(device));
    else
      pending_.push_back({.resume = resume_of(device), .suspend = {device.uuid}, .is_created = true});
  }

  void reload(const ReloadStep& step) {
    const auto& device = step.device;
    const bool is_live = !step.former.empty() || has_live_table(device.uuid);
    load(device);
    if (step.grows && device.publication.hidden) {
      grow_now(step);
      return;
    }
    undo_.emplace_back(
        [&mapper = mapper_, clear = ClearInactive{device.uuid}] { try_or_warn([&] { mapper.run(clear); }); });
    pending_.push_back({.resume = resume_of(device), .suspend = {device.uuid}, .is_live = is_live});
  }

  /// A hidden device may be longer than what stands on it, so it grows before the commit.
  void grow_now(const ReloadStep& step) {
    const auto resume = resume_of(step.device);
    try {
      mapper_.run(resume);
    } catch (const Error&) {
      try_or_warn([&] { mapper_.run(ClearInactive{resume.uuid}); });
      try_or_warn([&] { mapper_.run(resume); });
      throw;
    }
    undo_.emplace_back(
        [&mapper = mapper_, resume, load = LoadTable{step.device.uuid, step.former, step.device.read_only}] {
          try_or_warn([&] {
            mapper.run(load);
            mapper.run(resume);
          });
        });
  }

  void load(const PlannedDevice& device) {
    auto table = numbered(device.table, mapper_);
    for (const auto& line : table) log::verbose("  {}", masked_text(line));
    mapper_.run(LoadTable{device.uuid, std::move(table), device.read_only});
  }

  bool has_live_table(const std::string& uuid) {
    const auto info = mapper_.find_uuid(uuid);
    return info && info->has_live_table;
  }

  void require_free_name(const std::string& lv, const std::string& name, const std::string& uuid,
                         std::string_view deed) {
    const auto other = mapper_.find_name(name);
    if (!other || other->uuid == uuid) return;
    throw Error(Errc::exists, "{} can't be {}: the device name {} is taken by a device that is not ours", lv,
                deed, name)
        .advise("look at it with `dmsetup info {}`, then remove or rename it", name);
  }

  Mapper& mapper_;
  std::vector<Undo>& undo_;
  std::vector<Pending>& pending_;
  std::vector<RemoveDevice>& created_;
  std::vector<RemoveStep>& removals_;
  std::vector<RenameStep>& renamings_;
};

}  // namespace

Change::Change(std::unique_ptr<State> state) : state_(std::move(state)) {}
Change::Change(Change&&) noexcept = default;
Change& Change::operator=(Change&&) noexcept = default;
Change::~Change() = default;

bool Change::empty() const {
  return state_->pending.empty() && state_->removals.empty() && state_->renamings.empty() &&
         state_->undo.empty();
}

void Change::suspend() {
  auto& pending = state_->pending;
  for (auto device = pending.rbegin(); device != pending.rend(); ++device) {
    if (!device->is_live || device->suspended) continue;
    if (!state_->signals) state_->signals.emplace();
    // Noted first: a suspend that fails half way is resumed as well.
    device->suspended = true;
    state_->mapper.run(device->suspend);
  }
}

void Change::go() {
  const Undo settle([&mapper = state_->mapper] { try_or_warn([&] { mapper.settle(); }); });
  carry_out();
}

void Change::carry_out() {
  auto& state = *state_;
  std::optional<Error> failure;
  const auto note = [&](const Error& error) {
    if (!failure) failure = error;
  };
  for (auto& undo : state.undo) undo.keep();
  try {
    suspend();
  } catch (const Error& error) {
    note(error);
  }
  for (auto& device : state.pending) {
    try {
      device.suspended = false;
      state.mapper.run(device.resume);
    } catch (const Error& error) {
      note(error);
      // The kernel has thrown the new table away: this brings the old one back rather than nothing.
      if (device.is_created)
        state.remove_created();
      else
        try_or_warn([&] { state.mapper.run(device.resume); });
    }
  }
  state.signals.reset();
  for (const auto& device : state.renamings) {
    try {
      state.mapper.run(RenameDevice{device.uuid, device.name, device.former, device.publication});
    } catch (const Error& error) {
      note(error);
    }
  }
  for (const auto& device : state.removals) {
    try {
      state.mapper.run(RemoveDevice{device.uuid, device.publication});
    } catch (const Error& error) {
      log::warning("{} is left behind: {}", device.name, error.what());
    }
  }
  state.undo.clear();
  state.pending.clear();
  state.removals.clear();
  state.renamings.clear();
  if (failure) throw *failure;
  if (state.cache == nullptr) return;
  for (const auto& store : state.stores) state.cache->hold(store);
}

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
  Stager stager(mapper_, state->undo, state->pending, state->created, state->removals, state->renamings);
  for (const auto& step : plan) stager(step);
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

void Activator::activate(const VolumeGroup& vg, const std::vector<std::string>& lvs,
                         const TreeInputs& inputs) {
  const Undo settle([&] { try_or_warn([&] { mapper_.settle(); }); });
  for (const auto& lv : lvs)
    during(fmt::format("activating {}/{}", vg.name, lv), [&] { stage(vg, vg, {lv}, inputs).carry_out(); });
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
