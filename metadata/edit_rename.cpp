#include "metadata/edit_rename.h"

#include <algorithm>

#include "lib/base/error.h"
#include "metadata/edit.h"
#include "metadata/names.h"
#include "metadata/references.h"
#include "metadata/volume_finder.h"

namespace cv::metadata {

namespace {

/// Pools and caches have names of their own, whoever uses them.
bool keeps_its_name(const LogicalVolume& lv) {
  const std::string type = type_of(lv);
  return type == "thin-pool" || type == "cache-pool" || type == "vdo-pool" || keystore_of(lv) != nullptr ||
         has_flag(lv.flags, "CACHE_VOL");
}

/// LVM2 names a part after its owner, and so do we.
bool is_named_after(const std::string& part, const std::string& owner) {
  return part.size() > owner.size() && part.starts_with(owner) && part[owner.size()] == '_';
}

class Renaming {
 public:
  Renaming(const VolumeGroup& vg, const LogicalVolume& root, const std::string& to)
      : vg_(vg), volumes_(vg), from_(root.name), to_(to) {
    renames_.emplace(from_, to_);
    add_parts(root);
    add_virtual_origin();
    for (const auto& [old_name, new_name] : renames_) {
      if (!is_legal_lv_name(vg.name, new_name))
        throw Error(Errc::bad_name, "{}/{} can't be called {}: its part {} would be called {}", vg.name,
                    from_, to_, old_name, new_name)
            .advise("choose a shorter name");
      if (volumes_.find_lv(new_name) != nullptr)
        throw Error(Errc::exists, "{} has a volume {} already", vg.name, new_name)
            .advise("choose another name");
    }
  }

  const Renames& renames() const { return renames_; }

 private:
  void add_parts(const LogicalVolume& lv) {
    for (const Segment& segment : lv.segments)
      for_each_reference(segment, [&](const std::string& name) { add(lv, name); });
  }

  void add(const LogicalVolume& owner, const std::string& name) {
    const LogicalVolume* part = volumes_.find_lv(name);
    if (part == nullptr || is_visible(*part) || keeps_its_name(*part)) return;
    if (renames_.contains(name)) return;
    if (!is_named_after(name, from_)) {
      // Where the owner is ours nobody draws conclusions from the name.
      if (crypt_of(owner) != nullptr || keystore_of(owner) != nullptr) return;
      throw Error(Errc::unsupported, "{}/{} has a part {}, whose name does not come from its own", vg_.name,
                  from_, name)
          .advise("it can't be renamed");
    }
    renames_.emplace(name, to_ + name.substr(from_.size()));
    add_parts(*part);
  }

  /// A snapshot of nothing has a hidden origin of its own.
  void add_virtual_origin() {
    const std::string origin = from_ + "_vorigin";
    if (const LogicalVolume* lv = volumes_.find_lv(origin); lv != nullptr && !is_visible(*lv))
      renames_.emplace(origin, to_ + "_vorigin");
  }

  const VolumeGroup& vg_;
  VolumeFinder volumes_;
  std::string from_;
  std::string to_;
  Renames renames_;
};

void require_renameable(const VolumeGroup& vg, const LogicalVolume& lv) {
  if (keystore_of(lv) == nullptr && !is_shown(vg, lv))
    throw Error(Errc::refused, "{}/{} is a hidden part of another volume", vg.name, lv.name)
        .advise("rename the volume that it belongs to");
  if (has_flag(lv.flags, "LOCKED"))
    throw Error(Errc::refused, "{}/{} is locked", vg.name, lv.name)
        .advise("let the program that locked it finish");
}

void require_new_store_name(const VolumeGroup& vg, const std::string& name) {
  require_store_name(name);
  if (find_lv(vg, name) != nullptr)
    throw Error(Errc::exists, "{} has a keystore {} already", vg.name, name).advise("choose another name");
}

}  // namespace

VolumeGroup rename_volume(VolumeGroup vg, const std::string& from, const std::string& to) {
  require_no_conversion(vg);
  const LogicalVolume& lv = lv_at(vg, from);
  require_renameable(vg, lv);
  if (keystore_of(lv) != nullptr)
    require_new_store_name(vg, to);
  else
    require_new_lv_name(vg, to, crypt_of(lv) != nullptr);

  const Renames renames = Renaming(vg, lv, to).renames();
  for (LogicalVolume& one : vg.lvs) {
    if (const auto found = renames.find(one.name); found != renames.end()) one.name = found->second;
    for (Segment& segment : one.segments) rename_references(segment, renames);
  }
  rename_in_history(vg, renames);
  return vg;
}

}  // namespace cv::metadata
