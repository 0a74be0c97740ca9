// A group with what is asked for each of its volumes while devices are planned, found in constant time.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/base/id.h"
#include "metadata/group_index.h"
#include "metadata/volume_group.h"

namespace cv::activate {

/// Holds pointers into the group, which must neither move nor change meanwhile. It takes one pass over the
/// group to make: whoever asks for more than a few volumes makes one and hands it to each question, for a
/// single one the group itself will do.
class GroupView {
 public:
  GroupView(const metadata::VolumeGroup& vg);  // NOLINT(google-explicit-constructor): see above

  const metadata::VolumeGroup& vg() const { return *vg_; }
  const metadata::GroupIndex& index() const { return index_; }

  /// Null where there is none.
  const metadata::LogicalVolume* find_lv(std::string_view name) const { return index_.find_lv(name); }
  /// Throws Errc::not_found "there is no volume NAME in VG".
  const metadata::LogicalVolume& lv_at(std::string_view name) const;
  const metadata::PhysicalVolume* find_pv(const PvId& id) const;
  /// A volume of a type that only LVM2 manages and that names `lv`: a snapshot of it, a pool it is part of.
  const metadata::LogicalVolume* foreign_user_of(std::string_view lv) const;

 private:
  const metadata::VolumeGroup* vg_;
  metadata::GroupIndex index_;
  std::map<PvId, const metadata::PhysicalVolume*> pvs_;
  std::unordered_map<std::string, const metadata::LogicalVolume*> foreign_users_;
};

/// Whether a segment is of a type that only LVM2 manages.
bool is_foreign(const metadata::LogicalVolume& lv);

}  // namespace cv::activate
