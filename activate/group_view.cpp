#include "activate/group_view.h"

#include <algorithm>

#include "metadata/references.h"

namespace cv::activate {

using metadata::LogicalVolume;
using metadata::VolumeGroup;

GroupView::GroupView(const VolumeGroup& vg) : vg_(&vg), index_(vg) {
  for (const auto& pv : vg.pvs) pvs_.emplace(pv.id, &pv);
  for (const auto& lv : vg.lvs) {
    if (!is_foreign(lv)) continue;
    for (const auto& segment : lv.segments)
      metadata::for_each_reference(segment,
                                   [&](const std::string& name) { foreign_users_.emplace(name, &lv); });
  }
}

const LogicalVolume& GroupView::lv_at(std::string_view name) const {
  if (const auto* lv = find_lv(name)) return *lv;
  return metadata::lv_at(*vg_, name);  // says that there is none
}

const metadata::PhysicalVolume* GroupView::find_pv(const PvId& id) const {
  const auto found = pvs_.find(id);
  return found == pvs_.end() ? nullptr : found->second;
}

const LogicalVolume* GroupView::foreign_user_of(std::string_view lv) const {
  if (foreign_users_.empty()) return nullptr;
  const auto found = foreign_users_.find(std::string(lv));
  return found == foreign_users_.end() ? nullptr : found->second;
}

bool is_foreign(const LogicalVolume& lv) {
  return std::ranges::any_of(lv.segments, [](const metadata::Segment& segment) {
    return std::holds_alternative<metadata::Opaque>(segment.kind);
  });
}

}  // namespace cv::activate
