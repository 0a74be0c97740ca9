// What the edits share among themselves; nobody else includes this.
#pragma once

#include "metadata/edit.h"
#include "metadata/names.h"

namespace cv::metadata {

/// Volumes that are being made, one after the other: judges their names and their number.
class Newcomers {
 public:
  /// `vg` outlives it and stays as it is; `count` volumes will come.
  Newcomers(const VolumeGroup& vg, std::size_t count, bool encrypted);
  /// A visible LV without segments yet. Throws where it may not be.
  LogicalVolume make(const std::string& name, const NewVolumes& wanted, Extents size, const NewId& new_id);

 private:
  const VolumeGroup& vg_;
  NewNames names_;
  bool encrypted_;
  std::size_t visible_;  ///< volumes that there are by now
};

/// A hidden, locked LV without segments yet: the data of an encrypted volume or of a keystore.
LogicalVolume make_data_lv(std::string name, const NewId& new_id);
/// One of its kind.
NewVolumes alone(const NewVolume& wanted);

Extents round_to_stripes(Extents size, std::uint32_t stripes);
/// Stripes and policy of the last segment, unless asked for otherwise.
Placement like_the_last_segment(const LogicalVolume& lv, Placement placement);
/// Appends `by` extents of the room to a linear or striped LV (which need not be in the group yet).
void extend_data(Room& room, LogicalVolume& lv, Extents by);
/// A striped segment, merged with the last one where it goes on there.
void append_merged(LogicalVolume& lv, Segment&& segment);

VolumeGroup extend_crypt(VolumeGroup vg, const std::string& name, Extents by, const Placement& placement);
/// Writes into the stores of `lv` that its IVs were used, before it goes.
void raise_iv_next(VolumeGroup& vg, const LogicalVolume& lv);

}  // namespace cv::metadata
