#include "metadata/group_index.h"

#include "lib/base/match.h"

namespace cv::metadata {

GroupIndex::GroupIndex(const VolumeGroup& vg) {
  lvs_.reserve(vg.lvs.size());
  for (const LogicalVolume& lv : vg.lvs) {
    lvs_.emplace(lv.name, &lv);
    const auto own = [&](const Area& area) {
      if (const auto* logical = std::get_if<LogicalArea>(&area)) owners_.emplace(logical->lv, &lv);
    };
    for (const Segment& segment : lv.segments) {
      match(
          segment.kind, [](const Striped&) {},
          [&](const Crypt& crypt) {
            own(crypt.area);
            auto& users = users_[crypt.store];
            if (users.empty() || users.back() != &lv) users.push_back(&lv);
          },
          [&](const Keystore& store) {
            for (const Area& copy : store.copies) own(copy);
          },
          [](const Opaque&) {});
    }
  }
}

const LogicalVolume* GroupIndex::find_lv(std::string_view name) const {
  const auto found = lvs_.find(name);
  return found == lvs_.end() ? nullptr : found->second;
}

const LogicalVolume* GroupIndex::owner_of(std::string_view data_lv) const {
  const auto found = owners_.find(data_lv);
  return found == owners_.end() ? nullptr : found->second;
}

const std::vector<const LogicalVolume*>& GroupIndex::users_of(std::string_view store) const {
  static const std::vector<const LogicalVolume*> kNone;
  const auto found = users_.find(store);
  return found == users_.end() ? kNone : found->second;
}

}  // namespace cv::metadata
