#include "tools/report_source.h"

#include <algorithm>

#include "activate/device_name.h"
#include "lib/base/log.h"
#include "tools/group_change.h"

namespace cv::tools {

namespace {

using metadata::FoundPv;
using metadata::PvState;
using report::GroupFacts;
using report::Live;
using report::LvSeen;

void warn_of(const std::vector<metadata::Damage>& findings) {
  for (const auto& finding : findings) log::warning("{}", finding.sentence);
}

LvSeen seen_as(const activate::DeviceInfo& device) {
  LvSeen seen;
  seen.live = device.suspended ? Live::suspended : device.has_live_table ? Live::active : Live::inactive;
  seen.open = device.open_count > 0;
  seen.read_only = device.read_only;
  seen.number = device.number;
  return seen;
}

}  // namespace

ReportSource::ReportSource(Session& session) : scan_(session.store().report()) {
  warn_of(scan_.findings);
  groups_.reserve(scan_.groups.size());
  for (const auto& found : scan_.groups) {
    warn_of(found.findings);
    groups_.emplace_back(scan_, found);
  }
}

void ReportSource::miss_unreadable(const std::set<std::string>& paths) {
  const auto lost = std::ranges::find_if(scan_.pvs, [&](const FoundPv& pv) {
    return pv.state == PvState::unreadable && (paths.empty() || paths.contains(pv.disk.device->path())) &&
           std::ranges::none_of(scan_.groups, [&](const auto& group) { return group.vg.name == pv.group; });
  });
  if (lost == scan_.pvs.end()) return;
  miss(Error(Errc::damaged, "{} holds a volume group whose metadata can't be read",
             lost->disk.device->path()));
}

const GroupFacts* ReportSource::group(std::string_view name) {
  try {
    const auto& found = metadata::group_at(scan_, name);
    const auto facts = std::ranges::find(groups_, &found, &GroupFacts::found);
    return facts == groups_.end() ? nullptr : &*facts;
  } catch (const Error& error) {
    miss(error);
    return nullptr;
  }
}

void ReportSource::look_at_devices(Session& session, const Depth& depth) {
  auto& mapper = session.mapper();
  // Without the driver nobody knows: another kernel that shares the disks may have them active.
  const bool driver = mapper.target_version("linear").has_value();
  std::unordered_map<std::string, activate::DeviceInfo> devices;
  for (auto& device : mapper.list()) devices.emplace(device.uuid, std::move(device));

  for (auto& facts : groups_) {
    if (driver) facts.unseen.live = Live::inactive;
    if (driver) facts.unseen.drift.emplace();
    // Most groups have few volumes that are active, and many a one none.
    if (!devices.empty()) note_devices(facts, devices);
    if (depth.drift && !facts.seen.empty()) note_drift(session, facts);
    if (depth.keys && driver) note_keys(session, facts);
  }
}

void ReportSource::note_devices(GroupFacts& facts,
                                const std::unordered_map<std::string, activate::DeviceInfo>& devices) {
  for (const auto& lv : facts.vg().lvs) {
    const auto device = devices.find(activate::dm_uuid(facts.vg().id, lv.id));
    if (device != devices.end()) facts.seen.emplace(lv.name, seen_as(device->second));
  }
}

void ReportSource::note_drift(Session& session, GroupFacts& facts) {
  const activate::GroupView view(facts.vg());
  auto activator = session.activator();
  auto unlocker = session.unlocker(facts.found->devices);
  auto inputs = tree_inputs(facts.found->devices, {});
  for (auto& [name, seen] : facts.seen) {
    const auto* lv = view.find_lv(name);
    if (lv == nullptr || !metadata::is_visible(*lv)) continue;
    try {
      for (const auto& store : activate::stores_of(*lv))
        if (!inputs.keys.contains(store)) inputs.keys.emplace(store, unlocker.described(facts.vg(), store));
      seen.drift = activate::drift_of(activator.plan_activation(view, {name}, inputs));
    } catch (const Error& error) {
      // A missing disk, a type that only LVM2 manages: nothing to compare with.
      if (error.code() == Errc::in_use)
        seen.drift = {"table"};
      else if (error.code() == Errc::exists)
        seen.drift = {"name"};
      else
        log::debug("{}/{} can't be compared: {}", facts.vg().name, name, error.what());
    }
  }
}

void ReportSource::note_keys(Session& session, GroupFacts& facts) {
  const auto& vg = facts.vg();
  const auto known_of = [&](const std::string& lv) -> std::optional<bool>& {
    return facts.seen.try_emplace(lv, facts.unseen).first->second.key_loaded;
  };
  for (const auto& lv : vg.lvs) {
    if (metadata::keystore_of(lv) == nullptr) continue;
    const auto& users = facts.index().users_of(lv.name);
    const bool live = activate::store_is_live(session.mapper(), vg, lv.name);
    const bool is_loaded = session.keys().in_keyring({vg.id, lv.id}, live);
    known_of(lv.name) = is_loaded;
    for (const auto* user : users) {
      auto& known = known_of(user->name);
      known = known.value_or(true) && is_loaded;
    }
  }
}

void ReportSource::miss(const Error& error) {
  if (missed_) log::error("{}", error.what());
  if (!missed_) missed_ = error;
}

void ReportSource::finish(Session& session, const report::Request& request, std::vector<report::Row> rows) {
  session.output().report(report::table_of(request, request.arranged(std::move(rows))), request.style());
  finish();
}

void ReportSource::finish() const {
  if (missed_) throw *missed_;
}

}  // namespace cv::tools
