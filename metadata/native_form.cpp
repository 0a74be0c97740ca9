// From the form of the 2009 RFC to the native form, and the order of volumes in the text.
#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_set>

#include "metadata/edit_parts.h"
#include "metadata/iv_space.h"
#include "metadata/names.h"

namespace cv::metadata {

namespace {

bool is_physical(const Area& area) {
  return std::holds_alternative<PhysicalArea>(area);
}

bool is_native(const LogicalVolume& lv) {
  if (crypt_of(lv) == nullptr && keystore_of(lv) == nullptr) return true;
  if (!has_flag(lv.flags, "ACTIVATION_SKIP")) return false;
  return std::ranges::all_of(lv.segments, [](const Segment& segment) {
    if (const auto* crypt = std::get_if<Crypt>(&segment.kind))
      return crypt->iv_offset.has_value() && !is_physical(crypt->area);
    if (const auto* store = std::get_if<Keystore>(&segment.kind))
      return segment.count.n > 0 && store->iv_next.has_value() &&
             std::ranges::none_of(store->copies, is_physical);
    return true;
  });
}

void append(LogicalVolume& data, const Area& area, Extents count) {
  Segment segment;
  segment.start = size_of(data);
  segment.count = count;
  segment.kind = Striped{Sectors(), {area}};
  data.segments.push_back(std::move(segment));
}

void convert_crypt(VolumeGroup& vg, LogicalVolume& lv, const NewId& new_id,
                   std::vector<LogicalVolume>& made) {
  LogicalVolume data = make_data_lv(data_lv_name(lv.name), new_id);
  for (Segment& segment : lv.segments) {
    auto* crypt = std::get_if<Crypt>(&segment.kind);
    if (crypt == nullptr) continue;
    if (!crypt->iv_offset) crypt->iv_offset = to_sectors(segment.start, vg.extent_size);
    if (!is_physical(crypt->area)) continue;
    const Area area = crypt->area;
    crypt->area = LogicalArea{data.name, size_of(data)};
    append(data, area, segment.count);
  }
  if (!data.segments.empty()) made.push_back(std::move(data));
}

void convert_store(LogicalVolume& lv, const NewId& new_id, std::vector<LogicalVolume>& made) {
  for (Segment& segment : lv.segments) {
    auto* store = std::get_if<Keystore>(&segment.kind);
    if (store == nullptr) continue;
    if (segment.count.n == 0) segment.count = Extents(1);
    for (unsigned copy = 1; copy <= store->copies.size(); ++copy) {
      Area& area = store->copies[copy - 1];
      if (!is_physical(area)) continue;
      LogicalVolume data = make_data_lv(data_lv_name(lv.name, copy), new_id);
      append(data, area, segment.count);
      area = LogicalArea{data.name, Extents(0)};
      made.push_back(std::move(data));
    }
  }
}

/// Volumes of one store that the RFC let share IVs: none may go on in a window that is not its own.
void close_shared_windows(VolumeGroup& vg) {
  for (const IvOverlap& overlap : iv_overlaps(vg)) {
    for (const LogicalVolume* found : {overlap.first, overlap.second}) {
      LogicalVolume* lv = find_lv(vg, found->name);
      auto* last = std::get_if<Crypt>(&lv->segments.back().kind);
      if (last == nullptr) continue;
      last->iv_high = round_up(iv_range(vg, *lv, lv->segments.back()).end, kIvWindow);
    }
  }
}

std::unordered_set<std::string_view> names_of_data_lvs(const VolumeGroup& vg) {
  std::unordered_set<std::string_view> names;
  const auto add = [&](const Area& area) {
    if (const auto* logical = std::get_if<LogicalArea>(&area)) names.insert(logical->lv);
  };
  for (const LogicalVolume& lv : vg.lvs) {
    for (const Segment& segment : lv.segments) {
      if (const auto* crypt = std::get_if<Crypt>(&segment.kind)) add(crypt->area);
      if (const auto* store = std::get_if<Keystore>(&segment.kind))
        for (const Area& area : store->copies) add(area);
    }
  }
  return names;
}

}  // namespace

bool is_native(const VolumeGroup& vg) {
  return std::ranges::all_of(vg.lvs, [](const LogicalVolume& lv) { return is_native(lv); });
}

VolumeGroup to_native(VolumeGroup vg, const NewId& new_id) {
  if (is_native(vg)) return vg;
  close_shared_windows(vg);
  std::vector<LogicalVolume> made;
  for (LogicalVolume& lv : vg.lvs) {
    if (is_native(lv)) continue;
    set_flag(lv.flags, "ACTIVATION_SKIP");
    convert_crypt(vg, lv, new_id, made);
    convert_store(lv, new_id, made);
  }
  std::ranges::move(made, std::back_inserter(vg.lvs));
  for (LogicalVolume& lv : vg.lvs) {
    if (keystore_of(lv) == nullptr) continue;
    const Sectors next = iv_next_of(vg, lv);
    std::get<Keystore>(lv.segments.front().kind).iv_next = next;
  }
  order_volumes(vg);
  return vg;
}

void order_volumes(VolumeGroup& vg) {
  const auto data_lvs = names_of_data_lvs(vg);
  const auto rank = [&](const LogicalVolume& lv) {
    if (crypt_of(lv) != nullptr) return 3;
    if (keystore_of(lv) != nullptr) return 2;
    return data_lvs.contains(lv.name) ? 1 : 0;
  };
  std::vector<std::pair<int, std::size_t>> order;
  order.reserve(vg.lvs.size());
  for (std::size_t i = 0; i < vg.lvs.size(); ++i) order.emplace_back(rank(vg.lvs[i]), i);
  if (std::ranges::is_sorted(order)) return;
  std::ranges::sort(order);
  std::vector<LogicalVolume> sorted;
  sorted.reserve(vg.lvs.size());
  for (const auto& [place, index] : order) sorted.push_back(std::move(vg.lvs[index]));
  vg.lvs = std::move(sorted);
}

}  // namespace cv::metadata
