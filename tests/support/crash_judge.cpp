// The half of crash_case.h that reads disks and judges them.
#include <algorithm>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "metadata/check.h"
#include "metadata/group_moves.h"
#include "metadata/group_text.h"
#include "metadata/store.h"
#include "metadata/store_bytes.h"
#include "metadata/usage.h"
#include "tests/support/crash_case.h"
#include "tests/support/silence.h"

namespace cv::test {

using namespace metadata;

namespace {

/// One image in so many is changed and its keystores are read; of a command with very many images, fewer.
constexpr unsigned kThorough = 8;
constexpr unsigned kThoroughLater = 64;
constexpr unsigned kMany = 1024;

std::set<std::string> errors_in(const std::vector<Damage>& damage) {
  std::set<std::string> found;
  for (const Damage& one : damage)
    if (one.severity == Severity::error) found.insert(one.id + ": " + one.sentence);
  return found;
}

DiskState state_in(const Scan& scan) {
  DiskState state;
  state.flaws = errors_in(scan.findings);
  for (const FoundGroup& group : scan.groups) {
    state.groups.push_back(group.vg);
    auto& kinds = state.obstacles.emplace_back();
    for (const Obstacle& obstacle : group.obstacles) kinds.push_back(static_cast<int>(obstacle.kind));
    state.flaws.merge(errors_in(group.findings));
  }
  for (const FoundPv& pv : scan.pvs) {
    state.labels.emplace_back(pv.disk.device->path(), pv.disk.label.id);
    if (pv.state == PvState::unreadable) state.flaws.insert(pv.disk.device->path() + " is unreadable");
  }
  return state;
}

/// What crash_case.h calls `overwrites`, of one group.
std::vector<std::string> overwritten_volumes(const FoundGroup& group, const CrashCase& one,
                                             const CrashImages::Disks& disks, const CrashLog& log) {
  std::vector<std::string> names;
  const Usage usage = usage_of(group.vg);
  for (std::size_t i = 0; i < group.vg.pvs.size(); ++i) {
    const PhysicalVolume& pv = group.vg.pvs[i];
    const auto* device = group.devices.at(pv.id);
    if (device == nullptr) continue;
    for (const auto& event : log.events) {
      if (event.is_flush() || disks[event.device]->path() != device->path()) continue;
      for (const Taken& taken : usage.pvs[i].taken) {
        const Bytes data = to_bytes(pv.pe_start);
        const Range<Bytes> there{data + to_bytes(to_sectors(taken.extents.begin, group.vg.extent_size)),
                                 data + to_bytes(to_sectors(taken.extents.end, group.vg.extent_size))};
        if (!there.overlaps({event.at, event.at + Bytes(event.bytes.size())})) continue;
        const LogicalVolume* owner = owner_of(group.vg, taken.by->name);
        const bool only_trailer = owner != nullptr && keystore_of(*owner) != nullptr &&
                                  event.at + Bytes(kStoreTrailerBytes) >= there.end;
        const bool is_expected = !one.overwrites.empty() && taken.by->name.starts_with(one.overwrites);
        if (!only_trailer && !is_expected) names.push_back(taken.by->name);
      }
    }
  }
  return names;
}

}  // namespace

DiskState state_of(const CrashImages::Disks& disks) {
  const Silence silence;
  auto store = store_on(disks);
  return state_in(store.scan());
}

std::string summary_of(const DiskState& state) {
  std::string text;
  for (const VolumeGroup& vg : state.groups) {
    text += fmt::format("{} seqno {}:", vg.name, vg.seqno);
    for (const LogicalVolume& lv : vg.lvs) text += fmt::format(" {}={}", lv.name, size_of(lv).n);
    text += fmt::format(", {} PVs; ", vg.pvs.size());
  }
  text += fmt::format("{} labels", state.labels.size());
  for (const std::string& flaw : state.flaws) text += "; " + flaw;
  return text;
}

std::vector<DiskState> states_along(const CrashImages::Disks& before, const CrashLog& log) {
  const auto disks = copy_of(before);
  std::vector<DiskState> states{state_of(disks)};
  const auto look = [&] {
    auto state = state_of(disks);
    if (!(state == states.back())) states.push_back(std::move(state));
  };
  for (const auto& event : log.events) {
    if (event.is_flush()) {
      look();
    } else {
      disks[event.device]->write(event.at, event.bytes);
    }
  }
  look();
  return states;
}

CrashJudge::CrashJudge(const CrashCase& one, const CrashRecording& recording)
    : case_(one), recording_(recording) {
  known_flaws_ = recording.states.front().flaws;
  known_flaws_.insert(recording.states.back().flaws.begin(), recording.states.back().flaws.end());
}

std::vector<std::string> CrashJudge::flaws_of_recording() const {
  std::vector<std::string> flaws;
  const auto& log = recording_.log;
  if (log.events.empty()) return {"it writes nothing"};
  if (!log.events.back().is_flush()) flaws.emplace_back("its last write is not flushed");
  if (recording_.states.size() != case_.steps + 1) {
    flaws.push_back(
        fmt::format("it goes through {} states, not {}:", recording_.states.size(), case_.steps + 1));
    for (const DiskState& state : recording_.states) flaws.push_back("  " + summary_of(state));
  }
  const auto& first = recording_.states.front();
  for (const DiskState& state : recording_.states) {
    for (const VolumeGroup& vg : state.groups) {
      for (const std::string& error : errors_in(check(vg))) {
        const bool is_old = std::ranges::any_of(
            first.groups, [&](const VolumeGroup& old) { return errors_in(check(old)).contains(error); });
        if (!is_old) flaws.push_back(error);
      }
    }
  }
  auto store = store_on(recording_.before);
  for (const FoundGroup& group : store.scan().groups)
    for (const auto& name : overwritten_volumes(group, case_, recording_.before, log))
      flaws.push_back(fmt::format("it writes into {}/{}", group.vg.name, name));
  return flaws;
}

std::string CrashJudge::flaw_of(CrashImages::Disks& disks) {
  const DiskState state = state_of(disks);
  for (const std::string& flaw : state.flaws)
    if (!known_flaws_.contains(flaw)) return flaw;
  if (std::ranges::find(recording_.states, state) == recording_.states.end()) {
    std::string text = "a state of its own: " + summary_of(state);
    for (const DiskState& known : recording_.states) text += "\n  not: " + summary_of(known);
    return text;
  }
  const unsigned number = seen_++;
  if (number % (number < kMany ? kThorough : kThoroughLater) != 0) return {};
  const Silence silence;
  try {
    std::string flaw = flaw_of_stores(state, disks);
    return flaw.empty() ? flaw_of_next_change(state, disks) : flaw;
  } catch (const Error& error) {
    return fmt::format("{}: {}", summary_of(state), error.what());
  }
}

/// A store that is not given up has an intact copy, if it ever had trailers.
std::string CrashJudge::flaw_of_stores(const DiskState& state, const CrashImages::Disks& disks) const {
  auto store = store_on(disks);
  const Scan scan = store.scan();
  for (const VolumeGroup& vg : state.groups) {
    for (const LogicalVolume& lv : vg.lvs) {
      const Keystore* keystore = keystore_of(lv);
      if (keystore == nullptr || keystore->copies.empty() || keystore->erasing) continue;
      if (keystore->generation.value_or(0) == 0) continue;  // taken over in place
      const auto copies = read_copies(vg, group_at(scan, vg.name).devices, lv);
      if (copies.empty() || !copies.front().intact)
        return fmt::format("the keystore {} has no copy that is intact", lv.name);
    }
  }
  return {};
}

/// A split that was cut off can be gone on with, and ends where it would have.
std::string CrashJudge::flaw_of_split(CrashImages::Disks& disks) const {
  {
    auto store = store_on(disks);
    const Scan scan = store.scan();
    for (const FoundGroup& group : scan.groups) {
      const auto split = unfinished_split(scan, group.vg.id);
      if (split.to == nullptr) continue;
      finish_split(store, split);
      break;
    }
  }
  const DiskState end = state_of(disks);
  const auto is_end = [&](const DiskState& wanted) {
    if (end.groups.size() != wanted.groups.size()) return false;
    for (std::size_t i = 0; i < wanted.groups.size(); ++i) {
      VolumeGroup reached = end.groups[i];
      reached.seqno = wanted.groups[i].seqno;
      if (reached != wanted.groups[i] || !end.obstacles[i].empty()) return false;
    }
    return true;
  };
  // The last state, or, where a merge follows, one on the way to it.
  if (std::any_of(recording_.states.begin() + 1, recording_.states.end(), is_end)) return {};
  std::string text = "the split ended otherwise: " + summary_of(end);
  for (const VolumeGroup& vg : end.groups) text += "\n" + print_group(vg, {});
  return text;
}

/// Whatever is there, the next command can go on from it.
std::string CrashJudge::flaw_of_next_change(const DiskState& state, CrashImages::Disks& disks) const {
  const int unfinished = static_cast<int>(Hindrance::unfinished);
  for (const auto& obstacles : state.obstacles)
    if (std::ranges::find(obstacles, unfinished) != obstacles.end()) return flaw_of_split(disks);
  for (std::size_t i = 0; i < state.groups.size(); ++i) {
    if (!state.obstacles[i].empty()) continue;
    const std::string& name = state.groups[i].name;
    VolumeGroup changed;
    {
      auto store = store_on(disks);
      auto change = store.begin(name);
      auto next = change.current();
      next.tags.emplace_back("after_the_crash");
      change.prepare(std::move(next), "after the crash");
      change.commit();
      changed = change.current();
    }
    auto store = store_on(disks);
    const Scan scan = store.scan(ScanDepth::every_copy);
    if (group_at(scan, name).vg != changed) return "the next change is not what is read after it";
    for (const std::string& error : errors_in(group_at(scan, name).findings))
      if (!known_flaws_.contains(error)) return "after the next change: " + error;
  }
  return {};
}

}  // namespace cv::test
