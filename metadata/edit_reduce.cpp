#include "metadata/edit_reduce.h"

#include <algorithm>

#include "lib/base/error.h"
#include "metadata/edit_parts.h"
#include "metadata/iv_space.h"
#include "metadata/references.h"

namespace cv::metadata {

namespace {

/// The data LV of an encrypted volume, the volume itself of a plain one.
const LogicalVolume& data_of(const VolumeGroup& vg, const LogicalVolume& lv) {
  const Crypt* crypt = crypt_of(lv);
  if (crypt == nullptr) return lv;
  const auto* area = std::get_if<LogicalArea>(&crypt->area);
  CV_ASSERT(area != nullptr);  // to_native() comes first
  return lv_at(vg, area->lv);
}

/// The least multiple of 512 bytes in which all stores of the volume are encrypted.
Sectors alignment_of(const VolumeGroup& vg, const LogicalVolume& lv) {
  Sectors alignment(1);
  for (const Segment& segment : lv.segments) {
    const auto* crypt = std::get_if<Crypt>(&segment.kind);
    const LogicalVolume* store = crypt == nullptr ? nullptr : find_lv(vg, crypt->store);
    const Keystore* keystore = store == nullptr ? nullptr : keystore_of(*store);
    if (keystore == nullptr) continue;
    alignment = std::max(alignment, Sectors(keystore->sector_bytes.value_or(512) / kSectorBytes));
  }
  return alignment;
}

bool ends_a_row(const LogicalVolume& data, Extents to) {
  for (const Segment& segment : data.segments) {
    if (to <= segment.start || to >= segment.start + segment.count) continue;
    return (to - segment.start).n % std::get<Striped>(segment.kind).stripes.size() == 0;
  }
  return true;
}

/// Whether `later` goes on in the window of IVs in which `last` is.
bool is_same_window(const VolumeGroup& vg, const LogicalVolume& lv, const Segment& last,
                    const Segment& later) {
  if (std::get<Crypt>(last.kind).store != std::get<Crypt>(later.kind).store) return false;
  const SectorRange here = iv_range(vg, lv, last);
  const SectorRange there = iv_range(vg, lv, later);
  return round_down(here.begin, kIvWindow) == round_down(there.begin, kIvWindow) && here.end <= there.begin;
}

/// The first IV of the window of segment `index` that was never used, before what follows it goes.
Sectors used_up_to(const VolumeGroup& vg, const LogicalVolume& lv, std::size_t index) {
  const Segment& last = lv.segments[index];
  const SectorRange own = iv_range(vg, lv, last);
  Sectors high = std::get<Crypt>(last.kind).iv_high.value_or(own.end);
  for (std::size_t later = index + 1; later < lv.segments.size(); ++later) {
    const Segment& segment = lv.segments[later];
    // Why the volume left its window is forgotten by now: it counts as used up.
    if (!is_same_window(vg, lv, last, segment))
      return std::max(high, round_up(std::max(own.end, Sectors(1)), kIvWindow));
    high = std::max(
        {high, iv_range(vg, lv, segment).end, std::get<Crypt>(segment.kind).iv_high.value_or(Sectors())});
  }
  return high;
}

void cut(std::vector<Segment>& segments, Extents to) {
  std::erase_if(segments, [&](const Segment& segment) { return segment.start >= to; });
  Segment& last = segments.back();
  last.count = std::min(last.count, to - last.start);
}

void cut_crypt(const VolumeGroup& vg, LogicalVolume& lv, Extents to) {
  const auto behind = std::ranges::find_if(lv.segments, [&](const Segment& s) { return s.start >= to; });
  const auto index = static_cast<std::size_t>(behind - lv.segments.begin()) - 1;
  const Sectors high = used_up_to(vg, lv, index);
  cut(lv.segments, to);
  std::get<Crypt>(lv.segments.back().kind).iv_high = high;
}

}  // namespace

void require_resizable(const VolumeGroup& vg, const LogicalVolume& lv) {
  if (keystore_of(lv) != nullptr || owner_of(vg, lv.name) != nullptr)
    throw Error(Errc::refused, "{}/{} belongs to an encrypted volume and has no size of its own", vg.name,
                lv.name)
        .advise("change the size of the encrypted volume");
  if (!is_visible(lv))
    throw Error(Errc::refused, "{}/{} is a hidden part of another volume", vg.name, lv.name)
        .advise("change the size of the volume that it belongs to");
  const auto is_opaque = [](const Segment& s) { return std::holds_alternative<Opaque>(s.kind); };
  if (std::ranges::any_of(lv.segments, is_opaque))
    throw Error(Errc::unsupported, "{}/{} is of type {}, whose size cvm does not change", vg.name, lv.name,
                type_of(lv))
        .advise("use lvresize");
  for (const LogicalVolume& other : vg.lvs)
    if (&other != &lv && names_volume(other, lv.name))
      throw Error(Errc::refused, "{}/{} is part of {}/{}, which would have to change with it", vg.name,
                  lv.name, vg.name, other.name)
          .advise("use lvresize");
  if (has_flag(lv.flags, "LOCKED"))
    throw Error(Errc::refused, "{}/{} is locked", vg.name, lv.name)
        .advise("let the program that locked it finish");
  for (const Segment& segment : data_of(vg, lv).segments) {
    const auto* striped = std::get_if<Striped>(&segment.kind);
    const bool on_pvs = striped != nullptr && std::ranges::all_of(striped->stripes, [](const Area& area) {
                          return std::holds_alternative<PhysicalArea>(area);
                        });
    if (!on_pvs)
      throw Error(Errc::unsupported, "{}/{} lies on other volumes, so cvm does not change its size", vg.name,
                  lv.name)
          .advise("use lvresize");
  }
}

Extents reduced_size(const VolumeGroup& vg, const std::string& name, Extents to) {
  require_no_conversion(vg);
  const LogicalVolume& lv = lv_at(vg, name);
  require_resizable(vg, lv);
  const LogicalVolume& data = data_of(vg, lv);
  if (size_of(data) != size_of(lv))
    throw Error(Errc::unsupported, "the data of {}/{} does not lie in the order of the volume", vg.name,
                name);
  if (to.n == 0)
    throw Error(Errc::bad_size, "{}/{} can't be reduced below one extent", vg.name, name)
        .advise("cvremove removes it");
  const Sectors alignment = alignment_of(vg, lv);
  const Extents now = size_of(lv);
  const auto is_possible = [&](Extents size) {
    return ends_a_row(data, size) && (to_sectors(size, vg.extent_size) % alignment).n == 0;
  };
  while (to < now && !is_possible(to)) to += Extents(1);
  if (to_sectors(to, vg.extent_size) <= payload_offset_of(lv))
    throw Error(Errc::bad_size, "{}/{} begins with {} sectors that are no payload: nothing would be left",
                vg.name, name, payload_offset_of(lv).n)
        .advise("cvremove removes it");
  return to;
}

VolumeGroup reduce(VolumeGroup vg, const std::string& name, Extents to) {
  to = reduced_size(vg, name, to);
  LogicalVolume lv = lv_at(vg, name);
  if (to >= size_of(lv))
    throw Error(Errc::bad_size, "{}/{} has {} extents, which is no more than {}", vg.name, name,
                size_of(lv).n, to.n);
  if (crypt_of(lv) == nullptr) {
    cut(find_lv(vg, name)->segments, to);
    return vg;
  }
  for (const Segment& segment : lv.segments) {
    const auto* area = std::get_if<LogicalArea>(&std::get<Crypt>(segment.kind).area);
    if (area == nullptr || area->first != segment.start)
      throw Error(Errc::unsupported, "the data of {}/{} does not lie in the order of the volume", vg.name,
                  name);
  }
  raise_iv_next(vg, lv);
  const std::string data = data_of(vg, lv).name;
  cut_crypt(vg, lv, to);
  cut(find_lv(vg, data)->segments, to);
  *find_lv(vg, name) = std::move(lv);
  return vg;
}

}  // namespace cv::metadata
