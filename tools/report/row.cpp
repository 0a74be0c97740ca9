#include "tools/report/row.h"

#include <algorithm>

#include "lib/base/match.h"

namespace cv::tools::report {

namespace {

void note_data_lvs(const metadata::Segment& segment, std::set<std::string, std::less<>>& names) {
  const auto note = [&](const metadata::Area& area) {
    if (const auto* logical = std::get_if<metadata::LogicalArea>(&area)) names.insert(logical->lv);
  };
  match(
      segment.kind, [](const metadata::Striped&) {}, [&](const metadata::Crypt& kind) { note(kind.area); },
      [&](const metadata::Keystore& kind) { std::ranges::for_each(kind.copies, note); },
      [](const metadata::Opaque&) {});
}

}  // namespace

GroupFacts::GroupFacts(const metadata::Scan& scan, const metadata::FoundGroup& group)
    : found(&group), usage(metadata::usage_of(group.vg)), free(metadata::free_extents(usage)) {
  std::map<const device::BlockDevice*, const metadata::FoundPv*> by_device;
  for (const auto& pv : scan.pvs) by_device.emplace(pv.disk.device, &pv);
  for (const auto& [id, device] : group.devices) {
    const auto place = by_device.find(device);
    if (device != nullptr && place != by_device.end()) pvs.emplace(id, place->second);
  }
  for (const auto& lv : vg().lvs) {
    by_name.emplace(lv.name, &lv);
    for (const auto& segment : lv.segments) note_data_lvs(segment, data_lvs);
  }
}

std::string GroupFacts::pv_name(const PvId& id) const {
  const auto place = pvs.find(id);
  return place == pvs.end() ? "[unknown]" : place->second->disk.device->path();
}

const metadata::LogicalVolume* GroupFacts::find_lv(std::string_view name) const {
  const auto place = by_name.find(name);
  return place == by_name.end() ? nullptr : place->second;
}

const metadata::PvUsage& GroupFacts::usage_of(const metadata::PhysicalVolume& pv) const {
  return usage.pvs[static_cast<std::size_t>(&pv - vg().pvs.data())];
}

}  // namespace cv::tools::report
