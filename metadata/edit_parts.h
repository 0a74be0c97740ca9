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

/// Copies of `size` extents, each on a PV that has none of this store and is not one to avoid, until there
/// are `count`. Throws Errc::no_space; those that there was room for are there then, all the same.
void place_copies(VolumeGroup& vg, const std::string& name, Keystore& store, Extents size, unsigned count,
                  const std::vector<PvId>& avoid, const NewId& new_id);
/// The store that this edit may change. Throws Errc::refused where it is none, or one being erased.
Segment& store_segment(VolumeGroup& vg, const std::string& name);
/// Where in the group the data LVs of a store's copies are. Throws Errc::damaged where one is not there.
std::vector<std::size_t> data_of_copies(const VolumeGroup& vg, const std::string& store);
/// These become the copies of the store, and are called so.
void set_copies(VolumeGroup& vg, const std::string& store, const std::vector<std::size_t>& data);

VolumeGroup extend_crypt(VolumeGroup vg, const std::string& name, Extents by, const Placement& placement);
/// Writes into the stores of `lv` that its IVs were used, before it goes.
void raise_iv_next(VolumeGroup& vg, const LogicalVolume& lv);

}  // namespace cv::metadata
