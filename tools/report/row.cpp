#include "tools/report/row.h"

#include <map>

namespace cv::tools::report {

GroupFacts::GroupFacts(const metadata::Scan& scan, const metadata::FoundGroup& group)
    : found(&group), usage(metadata::usage_of(group.vg)), free(metadata::free_extents(usage)) {
  std::map<const device::BlockDevice*, const metadata::FoundPv*> by_device;
  for (const auto& pv : scan.pvs) by_device.emplace(pv.disk.device, &pv);
  for (const auto& [id, device] : group.devices) {
    const auto place = by_device.find(device);
    if (device != nullptr && place != by_device.end()) pvs.emplace(id, place->second);
  }
}

const metadata::GroupIndex& GroupFacts::index() const {
  if (!index_of_all) index_of_all.emplace(vg());
  return *index_of_all;
}

std::string GroupFacts::pv_name(const PvId& id) const {
  const auto place = pvs.find(id);
  return place == pvs.end() ? "[unknown]" : place->second->disk.device->path();
}

const metadata::PvUsage& GroupFacts::usage_of(const metadata::PhysicalVolume& pv) const {
  return usage.pvs[static_cast<std::size_t>(&pv - vg().pvs.data())];
}

}  // namespace cv::tools::report
