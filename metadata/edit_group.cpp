#include "metadata/edit_group.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "lib/base/error.h"
#include "lib/base/match.h"
#include "metadata/edit_pvs.h"
#include "metadata/iv_space.h"
#include "metadata/names.h"
#include "metadata/tags.h"

namespace cv::metadata {

namespace {

/// Numbers of extents when the size of an extent changes.
class Recount {
 public:
  Recount(const VolumeGroup& vg, Sectors to) : vg_(vg), to_(to) {}

  Extents operator()(Extents count, const std::string& what) const {
    const Sectors size = to_sectors(count, vg_.extent_size);
    if ((size % to_).n != 0)
      throw Error(Errc::bad_size, "the {} of {}/{} can't be divided into extents of {} sectors", what,
                  vg_.name, what_of_, to_.n)
          .advise("choose a size that divides {} sectors", size.n);
    return Extents(size / to_);
  }
  void at(const std::string& name) { what_of_ = name; }

 private:
  const VolumeGroup& vg_;
  Sectors to_;
  std::string what_of_;
};

void recount(Area& area, const Recount& to) {
  match(
      area, [&](PhysicalArea& physical) { physical.first = to(physical.first, "place on a disk"); },
      [&](LogicalArea& logical) { logical.first = to(logical.first, "place in a volume"); });
}

void recount(const VolumeGroup& vg, Segment& segment, const LogicalVolume& lv, const Recount& to) {
  const auto* store = std::get_if<Keystore>(&segment.kind);
  if (store != nullptr && store->copies.empty()) return;  // its one extent is none
  // An IV that is not written down follows from the segment's place, which stays.
  segment.start = to(segment.start, "place of a segment");
  segment.count = to(segment.count, "size of a segment");
  match(
      segment.kind,
      [&](Striped& striped) {
        if (!striped.stripes.empty() && segment.count.n % striped.stripes.size() != 0)
          throw Error(Errc::bad_size, "the stripes of {}/{} can't be divided into such extents", vg.name,
                      lv.name);
        for (Area& area : striped.stripes) recount(area, to);
      },
      [&](Crypt& crypt) { recount(crypt.area, to); },
      [&](Keystore& keystore) {
        for (Area& area : keystore.copies) recount(area, to);
      },
      [&](Opaque& opaque) {
        if (opaque.type == "error" || opaque.type == "zero") return;
        throw Error(Errc::unsupported, "{}/{} is of type {}, whose extents cvm can't count anew", vg.name,
                    lv.name, opaque.type)
            .advise("use LVM2's vgchange");
      });
}

VolumeGroup change_extent_size(VolumeGroup vg, Sectors size) {
  if (size == vg.extent_size) return vg;
  require_no_conversion(vg);
  const VolumeGroup before = vg;
  Recount to(before, size);
  for (PhysicalVolume& pv : vg.pvs) {
    to.at(name_of(pv));
    pv.pe_count = to(pv.pe_count, "size");
  }
  for (LogicalVolume& lv : vg.lvs) {
    to.at(lv.name);
    for (Segment& segment : lv.segments) recount(before, segment, lv, to);
  }
  vg.extent_size = size;
  return vg;
}

void change_limits(VolumeGroup& vg, const GroupSettings& wanted) {
  const auto visible = static_cast<std::size_t>(std::ranges::count_if(vg.lvs, is_visible));
  if (wanted.max_lv && *wanted.max_lv != 0 && *wanted.max_lv < visible)
    throw Error(Errc::refused, "{} has {} volumes already, {} can't be the most", vg.name, visible,
                *wanted.max_lv);
  if (wanted.max_pv && *wanted.max_pv != 0 && *wanted.max_pv < vg.pvs.size())
    throw Error(Errc::refused, "{} has {} physical volumes already, {} can't be the most", vg.name,
                vg.pvs.size(), *wanted.max_pv);
  // As in LVM2: a group whose PVs are fixed has fixed limits too.
  if ((wanted.max_lv || wanted.max_pv) && !has_flag(vg.flags, "RESIZEABLE"))
    throw Error(Errc::refused, "volume group {} is not resizeable", vg.name)
        .advise("'cvm vgchange --resizeable y {}' comes first", vg.name);
  vg.max_lv = wanted.max_lv.value_or(vg.max_lv);
  vg.max_pv = wanted.max_pv.value_or(vg.max_pv);
}

void switch_flag(Flags& flags, std::string_view name, std::optional<bool> on) {
  if (on == true) set_flag(flags, name);
  if (on == false) clear_flag(flags, name);
}

}  // namespace

VolumeGroup rename_group(VolumeGroup vg, const std::string& name) {
  require_new_vg_name(name);
  for (const LogicalVolume& lv : vg.lvs)
    if (!is_legal_lv_name(name, lv.name))
      throw Error(Errc::bad_name, "under the name {} its volume {} would have a device name that is too long",
                  name, lv.name)
          .advise("choose a shorter name");
  vg.name = name;
  return vg;
}

VolumeGroup export_group(VolumeGroup vg) {
  require_no_conversion(vg);
  set_flag(vg.flags, "EXPORTED");
  for (PhysicalVolume& pv : vg.pvs) set_flag(pv.flags, "EXPORTED");
  vg.system_id.clear();
  return vg;
}

VolumeGroup import_group(VolumeGroup vg, const std::string& system_id) {
  if (!has_flag(vg.flags, "EXPORTED")) throw Error(Errc::refused, "volume group {} is not exported", vg.name);
  clear_flag(vg.flags, "EXPORTED");
  for (PhysicalVolume& pv : vg.pvs) clear_flag(pv.flags, "EXPORTED");
  vg.system_id = system_id;
  vg.split_from.reset();
  return vg;
}

VolumeGroup change_group(VolumeGroup vg, const GroupSettings& wanted) {
  change_tags(vg.tags, wanted.add_tags, wanted.delete_tags);
  switch_flag(vg.flags, "RESIZEABLE", wanted.resizeable);
  change_limits(vg, wanted);
  if (wanted.autoactivation) switch_flag(vg.flags, "NOAUTOACTIVATE", !*wanted.autoactivation);
  vg.metadata_copies = wanted.metadata_copies.value_or(vg.metadata_copies);
  vg.allocation = wanted.allocation.value_or(vg.allocation);
  vg.system_id = wanted.system_id.value_or(vg.system_id);
  if (wanted.extent_size) vg = change_extent_size(std::move(vg), *wanted.extent_size);
  return vg;
}

VolumeGroup change_id(VolumeGroup vg, const VgId& id) {
  vg.supersedes.push_back(vg.id);
  vg.id = id;
  return vg;
}

VolumeGroup forget_former_ids(VolumeGroup vg) {
  vg.supersedes.clear();
  return vg;
}

VolumeGroup remove_all_volumes(VolumeGroup vg) {
  require_no_conversion(vg);
  std::unordered_set<std::string> kept;
  const IvEnds ends = iv_ends(vg);
  for (LogicalVolume& lv : vg.lvs) {
    if (keystore_of(lv) == nullptr) continue;
    auto& store = std::get<Keystore>(lv.segments.front().kind);
    const auto end = ends.find(lv.name);
    store.iv_next = std::max(store.iv_next.value_or(Sectors()), end == ends.end() ? Sectors() : end->second);
    store.erasing = true;
    kept.insert(lv.name);
    for (const Area& area : store.copies)
      if (const auto* logical = std::get_if<LogicalArea>(&area)) kept.insert(logical->lv);
  }
  std::erase_if(vg.lvs, [&](const LogicalVolume& lv) { return !kept.contains(lv.name); });
  return vg;
}

bool holds_no_volumes(const VolumeGroup& vg) {
  std::unordered_set<std::string_view> going;
  for (const LogicalVolume& lv : vg.lvs) {
    const Keystore* store = keystore_of(lv);
    if (store == nullptr || !store->erasing) continue;
    going.insert(lv.name);
    for (const Area& area : store->copies)
      if (const auto* logical = std::get_if<LogicalArea>(&area)) going.insert(logical->lv);
  }
  return std::ranges::all_of(vg.lvs, [&](const LogicalVolume& lv) { return going.contains(lv.name); });
}

}  // namespace cv::metadata
