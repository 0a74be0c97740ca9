// What the edits share among themselves; nobody else includes this.
#pragma once

#include "metadata/edit.h"

namespace cv::metadata {

/// A visible LV without segments yet.
LogicalVolume make_volume(const VolumeGroup& vg, const NewVolume& wanted, const NewId& new_id);
/// A hidden, locked LV without segments yet: the data of an encrypted volume or of a keystore.
LogicalVolume make_data_lv(std::string name, const NewId& new_id);

Extents round_to_stripes(Extents size, std::uint32_t stripes);
/// Stripes and policy of the last segment, unless asked for otherwise.
Placement like_the_last_segment(const LogicalVolume& lv, Placement placement);
/// Appends `by` extents that are free in `vg` to a linear or striped LV (which need not be in the group yet).
void extend_data(const VolumeGroup& vg, LogicalVolume& lv, Extents by, const Placement& placement,
                 Sectors alignment, const std::vector<PvId>& avoid);
/// A striped segment, merged with the last one where it goes on there.
void append_merged(LogicalVolume& lv, Segment&& segment);

VolumeGroup extend_crypt(VolumeGroup vg, const std::string& name, Extents by, const Placement& placement);
/// Writes into the stores of `lv` that its IVs were used, before it goes.
void raise_iv_next(VolumeGroup& vg, const LogicalVolume& lv);

}  // namespace cv::metadata
