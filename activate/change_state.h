// What a Change holds between being made and taking place. For activator.cpp and change.cpp only.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "activate/activator.h"
#include "activate/bring_back.h"
#include "lib/base/blocked_signals.h"
#include "lib/base/log.h"
#include "lib/base/undo.h"

namespace cv::activate {

/// For what undoes a step: a failure there is told, not thrown. Without memory even for that it is silent.
template <class Work>
void try_or_warn(Work&& work) noexcept {
  try {
    work();
  } catch (const std::exception& error) {
    log::line(log::Level::warning, "something could not be undone:");
    log::line(log::Level::warning, error.what());
  }
}

/// A device that go() resumes.
struct Pending {
  WayBack way;
  Operation suspend;
  bool is_live = false;     ///< has a table now, so that it can be suspended
  bool is_created = false;  ///< was not there before
  bool suspended = false;
  Comeback comeback = Comeback::as_wanted;
  std::exception_ptr failure = nullptr;  ///< of its resume
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
    signals.reset();
    tell_comebacks(nullptr);
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
    reserve.reset();
    for (auto& device : pending)
      if (device.suspended) resume(device, Waiting::drop);
  }

  /// What can't be resumed is brought back, with `waiting` tables or without; what went wrong is noted in the
  /// device.
  void resume(Pending& device, Waiting waiting);

  /// A warning for each device that is not as it should be and whose failure is not `thrown`.
  void tell_comebacks(const Pending* thrown) const noexcept;

  /// The device that came back worst; null where all are as wanted.
  const Pending* worst() const;

  /// Carries out what of a step can be done before the commit, and notes the rest.
  void stage(const Step& step);

  Mapper& mapper;
  KeyCache* cache;
  std::vector<Undo> undo;        ///< in the order of the steps
  std::vector<Pending> pending;  ///< bottom up
  std::vector<RemoveDevice> created;
  std::vector<RemoveStep> removals;
  std::vector<RenameStep> renamings;
  std::set<StoreId> stores;  ///< whose keys the new tables hold
  /// Memory for what brings devices back: it is there before the first is suspended, and let go when they are
  /// resumed.
  std::unique_ptr<std::byte[]> reserve;
  /// While a device stands still: a command that ended now would leave it so.
  std::optional<BlockedSignals> signals;
};

}  // namespace cv::activate
