// Steps of a plan: what of each is done before the commit, and what behind it.
#include "activate/change_state.h"

#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/match.h"

namespace cv::activate {

namespace {

/// Enough for the few requests that bring devices back; a request takes some 20 KiB.
constexpr std::size_t kReserve = std::size_t{256} << 10;

std::string cause_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  }
}

Device number_of(Mapper& mapper, const DeviceBelow& below) {
  if (const auto info = mapper.find_uuid(below.uuid)) return info->number;
  throw Error(Errc::not_found, "the device {} has gone", below.name);
}

/// With the number of every device below; by now they are all there.
Table numbered(Table table, Mapper& mapper) {
  for_each_device(table, [&](Device& device) {
    if (const auto* below = std::get_if<DeviceBelow>(&device)) device = number_of(mapper, *below);
  });
  return table;
}

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
        // What another command left in the inactive slot nobody misses, whether this one commits or not.
        [&](const ClearStep& clear) { mapper_.run(ClearInactive{clear.uuid}); },
        [&](const ResumeStep& resume) {
          pending_.push_back({.way = way_back(resume.device, {}, resume.device.read_only),
                              .suspend = SuspendDevice{resume.device.uuid}});
        },
        [&](const RemoveStep& remove) {
          if (remove.at_once)
            mapper_.run(RemoveDevice{remove.uuid, remove.publication});
          else
            removals_.push_back(remove);
        },
        [&](const RenameStep& rename) {
          require_free_name(rename);
          if (rename.at_once)
            mapper_.run(RenameDevice{rename.uuid, rename.name, rename.former, rename.publication});
          else
            renamings_.push_back(rename);
        },
        [&](const HideStep& hide) {
          mapper_.run(HideDevice{hide.name, hide.publication});
        });
  }

 private:
  void create(const PlannedDevice& device) {
    mapper_.run(CreateDevice{device.name, device.uuid, device.minor});
    undo_.emplace_back([&mapper = mapper_, remove = RemoveDevice{device.uuid, device.publication}] {
      try_or_warn([&] { mapper.run(remove); });
    });
    created_.push_back({device.uuid, device.publication});
    load(device);
    // What stands on a hidden device can only be loaded when it has its size.
    auto way = way_back(device, {}, device.read_only);
    if (device.publication.hidden)
      mapper_.run(way.resume);
    else
      pending_.push_back({.way = std::move(way), .suspend = SuspendDevice{device.uuid}, .is_created = true});
  }

  void reload(const ReloadStep& step) {
    const auto& device = step.device;
    const auto info = mapper_.find_uuid(device.uuid);
    const bool is_live = !step.former.empty() || (info && info->has_live_table);
    auto way = way_back(device, step.former, info && info->read_only);
    load(device);
    // Whatever is to stand on a hidden device needs its size.
    if (device.publication.hidden && (step.grows || (info && info->open_count == 0))) {
      change_now(way);
      return;
    }
    undo_.emplace_back([&mapper = mapper_, clear = way.clear] { try_or_warn([&] { mapper.run(clear); }); });
    pending_.push_back({.way = std::move(way), .suspend = SuspendDevice{device.uuid}, .is_live = is_live});
  }

  /// A hidden device may be longer than what stands on it, so it grows before the commit.
  void change_now(const WayBack& way) {
    const BlockedSignals signals;
    resume_or_bring_back(mapper_, way, Waiting::drop);
    if (!way.load_former) return;
    undo_.emplace_back([&mapper = mapper_, way] {
      const BlockedSignals meanwhile;
      try_or_warn([&] {
        mapper.run(*way.load_former);
        resume_or_bring_back(mapper, way, Waiting::drop);
      });
    });
  }

  void load(const PlannedDevice& device) {
    auto table = numbered(device.table, mapper_);
    for (const auto& line : table) log::verbose("  {}", masked_text(line));
    mapper_.run(LoadTable{device.uuid, std::move(table), device.read_only});
  }

  void require_free_name(const RenameStep& step) {
    const auto other = mapper_.find_name(step.name);
    if (!other || other->uuid == step.uuid) return;
    throw Error(Errc::exists, "{} can't be renamed: the device name {} is taken by a device that is not ours",
                step.lv, step.name)
        .advise("look at it with `dmsetup info {}`, then remove or rename it", step.name);
  }

  Mapper& mapper_;
  std::vector<Undo>& undo_;
  std::vector<Pending>& pending_;
  std::vector<RemoveDevice>& created_;
  std::vector<RemoveStep>& removals_;
  std::vector<RenameStep>& renamings_;
};

}  // namespace

void Change::State::stage(const Step& step) {
  Stager stager(mapper, undo, pending, created, removals, renamings);
  stager(step);
}

Change::Change(std::unique_ptr<State> state) : state_(std::move(state)) {}
Change::Change(Change&&) noexcept = default;
Change& Change::operator=(Change&&) noexcept = default;
Change::~Change() = default;

bool Change::empty() const {
  return state_->pending.empty() && state_->removals.empty() && state_->renamings.empty() &&
         state_->undo.empty();
}

void Change::State::resume(Pending& device, Waiting waiting) {
  try {
    const auto info = waiting == Waiting::drop ? mapper.find_uuid(device.way.uuid) : std::nullopt;
    // What could not be taken back must not come in now.
    if (info && info->has_inactive_table)
      mapper.run(device.way.load_former ? *device.way.load_former : device.way.clear);
    mapper.run(device.way.resume);
  } catch (const std::exception&) {
    device.failure = std::current_exception();
    // What is new is taken away as a whole.
    device.comeback = device.is_created ? Comeback::as_before : bring_back(mapper, device.way, waiting);
  }
  device.suspended = false;
}

void Change::State::tell_comebacks(const Pending* thrown) const noexcept {
  for (const auto& device : pending) {
    if (device.comeback == Comeback::as_wanted || &device == thrown) continue;
    try_or_warn([&] {
      const auto cause = cause_of(device.failure);
      if (device.comeback == Comeback::as_before) {
        if (thrown != nullptr) log::warning("{}: {}", device.way.name, cause);
        return;
      }
      const auto error = comeback_error(device.way, device.comeback, cause);
      log::warning("{}", error.what());
      log::warning("{}", error.advice());
    });
  }
}

const Pending* Change::State::worst() const {
  const auto found = std::ranges::max_element(pending, {}, &Pending::comeback);
  return found == pending.end() || found->comeback == Comeback::as_wanted ? nullptr : &*found;
}

void Change::suspend() {
  auto& state = *state_;
  for (auto device = state.pending.rbegin(); device != state.pending.rend(); ++device) {
    if (!device->is_live || device->suspended) continue;
    if (!state.signals) state.signals.emplace();
    if (!state.reserve) state.reserve = std::make_unique<std::byte[]>(kReserve);
    // Noted first: a suspend that fails half way is resumed as well.
    device->suspended = true;
    state.mapper.run(device->suspend);
  }
}

void Change::go() {
  const Undo settle([&mapper = state_->mapper] { try_or_warn([&] { mapper.settle(); }); });
  carry_out();
}

void Change::carry_out() {
  auto& state = *state_;
  for (auto& undo : state.undo) undo.keep();
  try {
    suspend();
  } catch (const std::exception&) {
    // A resume suspends by itself where there is a new table; what it says counts.
  }
  state.reserve.reset();
  for (auto& device : state.pending) state.resume(device, Waiting::take);
  state.signals.reset();
  const auto* worst = state.worst();
  if (std::ranges::any_of(state.pending, [](const Pending& device) {
        return device.is_created && device.comeback != Comeback::as_wanted;
      }))
    state.remove_created();
  state.tell_comebacks(worst);
  std::optional<Error> failure;
  for (const auto& device : state.renamings) {
    try {
      state.mapper.run(RenameDevice{device.uuid, device.name, device.former, device.publication});
    } catch (const Error& error) {
      if (!failure) failure = error;
    }
  }
  for (const auto& device : state.removals) {
    try {
      state.mapper.run(RemoveDevice{device.uuid, device.publication});
    } catch (const Error& error) {
      log::warning("{} is left behind: {}", device.name, error.what());
    }
  }
  std::exception_ptr thrown;
  if (worst != nullptr) {
    thrown = worst->failure;
    if (worst->comeback >= Comeback::with_errors)
      thrown = std::make_exception_ptr(comeback_error(worst->way, worst->comeback, cause_of(worst->failure)));
  }
  state.undo.clear();
  state.pending.clear();
  state.removals.clear();
  state.renamings.clear();
  if (thrown) std::rethrow_exception(thrown);
  if (failure) throw *failure;
  if (state.cache == nullptr) return;
  for (const auto& store : state.stores) state.cache->hold(store);
}

}  // namespace cv::activate
