// Steps of a plan: what of each is done before the commit, and what behind it.
#include "activate/change_state.h"

#include <utility>

#include "lib/base/error.h"
#include "lib/base/match.h"

namespace cv::activate {

namespace {

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
          pending_.push_back({resume_of(resume.device), {resume.device.uuid}});
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
  static ResumeDevice resume_of(const PlannedDevice& device) {
    return {device.uuid, device.publication, device.read_ahead};
  }

  void create(const PlannedDevice& device) {
    mapper_.run(CreateDevice{device.name, device.uuid, device.minor});
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
    const auto info = mapper_.find_uuid(device.uuid);
    const bool is_live = !step.former.empty() || (info && info->has_live_table);
    load(device);
    // Whatever is to stand on a hidden device needs its size.
    if (device.publication.hidden && (step.grows || (info && info->open_count == 0))) {
      change_now(step);
      return;
    }
    undo_.emplace_back(
        [&mapper = mapper_, clear = ClearInactive{device.uuid}] { try_or_warn([&] { mapper.run(clear); }); });
    pending_.push_back({.resume = resume_of(device), .suspend = {device.uuid}, .is_live = is_live});
  }

  /// A hidden device may be longer than what stands on it, so it grows before the commit.
  void change_now(const ReloadStep& step) {
    const auto resume = resume_of(step.device);
    try {
      mapper_.run(resume);
    } catch (const Error&) {
      try_or_warn([&] { mapper_.run(ClearInactive{resume.uuid}); });
      try_or_warn([&] { mapper_.run(resume); });
      throw;
    }
    if (step.former.empty()) return;
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

}  // namespace cv::activate
