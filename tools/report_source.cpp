#include "tools/report_source.h"

#include <algorithm>
#include <map>
#include <set>

#include "activate/device_name.h"
#include "lib/base/log.h"

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
  const auto lost = std::ranges::find_if(scan_.pvs, [&](const FoundPv& pv) {
    return pv.state == PvState::unreadable &&
           std::ranges::none_of(scan_.groups, [&](const auto& group) { return group.vg.name == pv.group; });
  });
  if (lost != scan_.pvs.end()) {
    miss(Error(Errc::damaged, "{} holds a volume group whose metadata can't be read",
               lost->disk.device->path()));
  }
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

void ReportSource::look_at_devices(Session& session, bool keys) {
  auto& mapper = session.mapper();
  // Without the driver nobody knows: another kernel that shares the disks may have them active.
  const bool driver = mapper.target_version("linear").has_value();
  std::map<std::string, activate::DeviceInfo> devices;
  for (auto& device : mapper.list()) devices.emplace(device.uuid, std::move(device));

  for (auto& facts : groups_) {
    const auto& vg = facts.vg();
    std::map<std::string, bool> loaded;
    for (const auto& lv : vg.lvs) {
      const auto device = devices.find(activate::dm_uuid(vg.id, lv.id));
      LvSeen seen;
      if (device != devices.end()) {
        seen = seen_as(device->second);
      } else if (driver) {
        seen.live = Live::inactive;
      }
      facts.seen.emplace(lv.name, seen);
      if (keys && driver && metadata::keystore_of(lv) != nullptr) {
        const bool live = activate::store_is_live(mapper, vg, lv.name);
        loaded[lv.name] = session.keys().in_keyring({vg.id, lv.id}, live);
        facts.seen.at(lv.name).key_loaded = loaded[lv.name];
      }
    }
    for (const auto& [store, is_loaded] : loaded) {
      for (const auto* user : metadata::users_of(vg, store)) {
        auto& known = facts.seen.at(user->name).key_loaded;
        known = known.value_or(true) && is_loaded;
      }
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
