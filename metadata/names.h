// What volume groups and logical volumes may be called (LVM2's rules and our own reserved names).
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "metadata/volume_group.h"

namespace cv::metadata {

/// 1 to 127 of A-Za-z0-9_.+-, no leading hyphen, neither "." nor "..".
bool is_legal_vg_name(std::string_view name);
/// As for groups; together with the group's name short enough for device-mapper (127 with two hyphens). Names
/// that LVM2 uses itself (pvmove0, x_rimage_0) are legal: they stand in real metadata.
bool is_legal_lv_name(std::string_view vg, std::string_view name);

/// One of the names that LVM2 uses itself: pvmove0, x_rimage_0.
bool is_reserved_lv_name(std::string_view name);

bool is_store_name(std::string_view name);    ///< cryptostore<number>
bool is_data_lv_name(std::string_view name);  ///< ends in _crdata or _crdata<number>

/// A name that a person chose for a new group. Throws Errc::bad_name with the reason.
void require_new_vg_name(std::string_view name);
/// A name that a person chose for a new volume of `vg`: legal, not reserved by LVM2 or by us, with room for
/// the data LV's suffix where `encrypted`. Throws Errc::bad_name with the reason, Errc::exists where it is
/// taken.
void require_new_lv_name(const VolumeGroup& vg, std::string_view name, bool encrypted);
/// The same for several new volumes in a row: a name that was claimed is taken for the next one. For more
/// than one it looks at the volumes of the group once.
class NewNames {
 public:
  /// `vg` outlives it and stays as it is; so many names will be claimed.
  NewNames(const VolumeGroup& vg, std::size_t count);
  void claim(std::string_view name, bool encrypted);

 private:
  void take(std::string_view name);

  const VolumeGroup& vg_;
  bool is_one_;
  std::unordered_set<std::string> taken_;  ///< unless there is only one name to judge
};
/// A name for a new keystore: cryptostore<number>. Throws Errc::bad_name.
void require_store_name(std::string_view name);

/// lvol0, lvol1, ...: the first whose number is past all others, as LVM2 does.
std::string next_lv_name(const VolumeGroup& vg);
/// cryptostore1, ...: the lowest free number.
std::string next_store_name(const VolumeGroup& vg);

}  // namespace cv::metadata
