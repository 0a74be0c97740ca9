// What a text alone shows: rules whose breach is no obstacle to a change.
#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "metadata/edit.h"
#include "metadata/inspect.h"
#include "metadata/names.h"
#include "metadata/usage.h"

namespace cv::metadata {
namespace {

bool is_legal_tag(std::string_view tag) {
  return !tag.empty() && std::ranges::all_of(tag, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("_+.-/=!:&#").find(c) != std::string_view::npos;
  });
}

/// "pv0": what PVs are called in the text.
bool is_like_pv_name(std::string_view name) {
  return name.size() > 2 && name.starts_with("pv") &&
         std::ranges::all_of(name.substr(2), [](char c) { return c >= '0' && c <= '9'; });
}

class Inspector {
 public:
  explicit Inspector(const VolumeGroup& vg) : vg_(vg) {
    for (const LogicalVolume& lv : vg.lvs) lvs_.emplace(lv.name, &lv);
  }

  std::vector<Damage> run() && {
    look_at_group();
    for (const PhysicalVolume& pv : vg_.pvs) look_at_pv(pv);
    for (const LogicalVolume& lv : vg_.lvs) look_at_lv(lv);
    look_at_order();
    return std::move(damage_);
  }

 private:
  template <class... Args>
  void report(DamageId id, fmt::format_string<Args...> format, Args&&... args) {
    damage_.push_back(make_damage(id, fmt::format(format, std::forward<Args>(args)...)));
  }

  void look_at_tags(const std::vector<std::string>& tags, std::string_view owner) {
    for (const std::string& tag : tags)
      if (!is_legal_tag(tag))
        report("VG-TAG", "{} has the tag \"{}\", which LVM2 does not allow", owner, tag);
  }

  void look_at_group() {
    look_at_tags(vg_.tags, vg_.name);
    const Usage usage = usage_of(vg_);
    if (usage.unclear != nullptr)
      report("LV-EXTENTS-UNCLEAR", "it can't be told which extents {}/{} uses", vg_.name,
             usage.unclear->name);
  }

  void look_at_pv(const PhysicalVolume& pv) {
    look_at_tags(pv.tags, fmt::format("the physical volume {} of {}", pv.id.text(), vg_.name));
    if (!is_countable(pv, vg_.extent_size)) {
      report("PV-EXTENTS", "the extents of PV {} of {} lie past what a disk can have", pv.id.text(),
             vg_.name);
      return;
    }
    const Sectors end = pv.pe_start + to_sectors(pv.pe_count, vg_.extent_size);
    if (pv.dev_size && end > *pv.dev_size)
      report("PV-EXTENTS", "the extents of PV {} of {} end at sector {}, its size is {}", pv.id.text(),
             vg_.name, end.n, pv.dev_size->n);
  }

  void look_at_lv(const LogicalVolume& lv) {
    look_at_tags(lv.tags, fmt::format("{}/{}", vg_.name, lv.name));
    for (const Segment& segment : lv.segments)
      look_at_tags(segment.tags, fmt::format("a segment of {}/{}", vg_.name, lv.name));
    if (is_like_pv_name(lv.name))
      report("LV-NAME-LIKE-PV", "{}/{} is called like a physical volume in the text", vg_.name, lv.name);
    if (const Crypt* crypt = crypt_of(lv)) {
      if (crypt->old_header)
        report("CRYPT-OLD-HEADER", "{}/{} may still have its old LUKS header in front of its data", vg_.name,
               lv.name);
      std::set<std::string_view> seen;
      for (const Segment& segment : lv.segments)
        if (const auto* part = std::get_if<Crypt>(&segment.kind))
          if (const auto* area = std::get_if<LogicalArea>(&part->area))
            if (seen.insert(area->lv).second) look_at_data(lv, area->lv, data_lv_name(lv.name));
    }
    if (const Keystore* store = keystore_of(lv)) look_at_store(lv, *store);
  }

  void look_at_data(const LogicalVolume& owner, std::string_view name, const std::string& usual) {
    const auto found = lvs_.find(name);
    if (found == lvs_.end()) return;
    const LogicalVolume& data = *found->second;
    if (name != usual)
      report("DATA-NAME", "the data of {}/{} is called {}, not {}", vg_.name, owner.name, name, usual);
    if (is_visible(data))
      report("DATA-VISIBLE", "{}/{}, the data of {}, is visible", vg_.name, name, owner.name);
    if (!has_flag(data.flags, "LOCKED"))
      report("DATA-UNLOCKED", "{}/{}, the data of {}, is not locked", vg_.name, name, owner.name);
  }

  std::set<PvId> pvs_under(const Area& area, Extents count) const {
    std::set<PvId> pvs;
    if (const auto* physical = std::get_if<PhysicalArea>(&area)) pvs.insert(physical->pv);
    const auto* logical = std::get_if<LogicalArea>(&area);
    const auto found = logical == nullptr ? lvs_.end() : lvs_.find(logical->lv);
    if (found == lvs_.end() || count.n == 0) return pvs;
    for (const Segment& segment : found->second->segments)
      if (const auto* striped = std::get_if<Striped>(&segment.kind))
        for (const Area& stripe : striped->stripes)
          if (const auto* physical = std::get_if<PhysicalArea>(&stripe)) pvs.insert(physical->pv);
    return pvs;
  }

  void look_at_store(const LogicalVolume& lv, const Keystore& store) {
    const Extents count = lv.segments.front().count;
    std::unordered_map<PvId, unsigned> copies_on;
    for (unsigned number = 1; number <= store.copies.size(); ++number) {
      const Area& area = store.copies[number - 1];
      if (const auto* logical = std::get_if<LogicalArea>(&area))
        look_at_data(lv, logical->lv, data_lv_name(lv.name, number));
      for (const PvId& pv : pvs_under(area, count)) ++copies_on[pv];
    }
    const auto wanted = store.copies_wanted.value_or(0);
    if (!store.erasing && store.copies.size() < wanted)
      report("STORE-FEW-COPIES", "the keystore {}/{} has {} of {} copies", vg_.name, lv.name,
             store.copies.size(), wanted);
    if (store.copies.size() > vg_.pvs.size()) return;  // there is no disk for each
    for (const auto& [pv, copies] : copies_on)
      if (copies > 1)
        report("STORE-ONE-DISK", "{} copies of the keystore {}/{} lie on PV {}", copies, vg_.name, lv.name,
               pv.text());
  }

  void look_at_order() {
    if (!is_native(vg_)) {
      report("VG-SEED-FORM", "encrypted volumes of {} are in an old form", vg_.name);
      return;
    }
    VolumeGroup ordered = vg_;
    order_volumes(ordered);
    for (std::size_t i = 0; i < vg_.lvs.size(); ++i) {
      if (vg_.lvs[i].name == ordered.lvs[i].name) continue;
      report("LV-ORDER", "{}/{} stands before volumes that should come first in the text", vg_.name,
             vg_.lvs[i].name);
      return;
    }
  }

  const VolumeGroup& vg_;
  std::unordered_map<std::string_view, const LogicalVolume*> lvs_;
  std::vector<Damage> damage_;
};

}  // namespace

std::vector<Damage> inspect_volumes(const VolumeGroup& vg) {
  return Inspector(vg).run();
}

}  // namespace cv::metadata
