// A LUKS volume that stands in an LV becomes a crypt volume; not one byte of its payload moves.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/match.h"
#include "metadata/edit_parts.h"
#include "metadata/iv_space.h"
#include "metadata/names.h"

namespace cv::metadata {

namespace {

void require_importable(const VolumeGroup& vg, const LogicalVolume& lv) {
  if (!is_visible(lv) || owner_of(vg, lv.name) != nullptr)
    throw Error(Errc::refused, "{}/{} is a hidden part of another volume", vg.name, lv.name)
        .advise("name the volume that it belongs to");
  for (const Segment& segment : lv.segments) {
    match(
        segment.kind,
        [&](const Striped& striped) {
          const bool on_pvs = std::ranges::all_of(
              striped.stripes, [](const Area& area) { return std::holds_alternative<PhysicalArea>(area); });
          if (!on_pvs)
            throw Error(Errc::unsupported,
                        "{}/{} lies on other volumes; only linear and striped volumes can be imported",
                        vg.name, lv.name);
        },
        [&](const Crypt&) {
          throw Error(Errc::refused, "{}/{} is an encrypted volume of cvm already", vg.name, lv.name);
        },
        [&](const Keystore&) { throw Error(Errc::refused, "{}/{} is a keystore", vg.name, lv.name); },
        [&](const Opaque& opaque) {
          throw Error(Errc::unsupported,
                      "{}/{} is of type {}; only linear and striped volumes can be imported", vg.name,
                      lv.name, opaque.type)
              .advise("convert it to linear with lvconvert first, or copy the data");
        });
  }
}

/// The first `count` extents of `lv` as segments of their own, and the rest, which starts at 0 again. `count`
/// ends with a row of stripes.
struct Split {
  std::vector<Segment> head;
  std::vector<Segment> tail;
};

bool splits_at(const LogicalVolume& lv, Extents count) {
  for (const Segment& segment : lv.segments) {
    if (count <= segment.start || count >= segment.start + segment.count) continue;
    return (count - segment.start).n % std::get<Striped>(segment.kind).stripes.size() == 0;
  }
  return true;
}

Split split_at(const LogicalVolume& lv, Extents count) {
  Split split;
  for (const Segment& segment : lv.segments) {
    const Extents end = segment.start + segment.count;
    if (end <= count) {
      split.head.push_back(segment);
      continue;
    }
    Segment rest = segment;
    if (segment.start < count) {
      const Extents taken = count - segment.start;
      Segment part = segment;
      part.count = taken;
      split.head.push_back(std::move(part));
      auto& striped = std::get<Striped>(rest.kind);
      for (Area& area : striped.stripes)
        std::get<PhysicalArea>(area).first += Extents(taken.n / striped.stripes.size());
      rest.start = count;
      rest.count = end - count;
    }
    rest.start -= count;
    split.tail.push_back(std::move(rest));
  }
  return split;
}

NewKeystore store_for(const Import& import, Bytes region) {
  NewKeystore wanted;
  wanted.name = import.store;
  wanted.handler = import.header.handler;
  wanted.cipher = import.header.cipher;
  wanted.key_bits = import.header.key_bits;
  wanted.key_hash = import.header.key_hash;
  wanted.sector_bytes = import.header.sector_bytes;
  wanted.region = region;
  wanted.copies = import.copies;
  wanted.origin = import.origin;
  return wanted;
}

/// A store over extents that hold the header already: nothing is written, so there is no trailer (generation
/// 0).
void adopt_store(VolumeGroup& vg, const Import& import, std::vector<Segment> head, const NewId& new_id) {
  LogicalVolume data = make_data_lv(data_lv_name(import.store), new_id);
  data.segments = std::move(head);
  NewKeystore wanted = store_for(import, Bytes(0));
  vg = create_store(std::move(vg), wanted, new_id);
  Segment& segment = find_lv(vg, import.store)->segments.front();
  segment.count = size_of(data);
  auto& store = std::get<Keystore>(segment.kind);
  store.generation = 0;
  store.copies = {LogicalArea{data.name, Extents(0)}};
  vg.lvs.push_back(std::move(data));
}

}  // namespace

bool imports_in_place(const VolumeGroup& vg, const Import& import) {
  const LogicalVolume& lv = lv_at(vg, import.lv);
  const Sectors offset = import.header.payload_offset;
  // Several copies need a trailer each, and the header may fill its extents.
  if (import.detached || import.copies > 1 || offset.n == 0 || (offset % vg.extent_size).n != 0) return false;
  return splits_at(lv, Extents(offset / vg.extent_size));
}

VolumeGroup import_luks(VolumeGroup vg, const Import& import, const NewId& new_id) {
  require_no_conversion(vg);
  require_importable(vg, lv_at(vg, import.lv));
  const LogicalVolume old = lv_at(vg, import.lv);
  const Sectors size = to_sectors(size_of(old), vg.extent_size);
  const ImportedHeader& header = import.header;
  if (header.payload_offset >= size)
    throw Error(Errc::damaged,
                "the LUKS header says that the payload begins at sector {} of {}/{}, which has {}",
                header.payload_offset.n, vg.name, old.name, size.n)
        .advise("the volume is smaller than it was when it was formatted");
  const Sectors unit(header.sector_bytes / kSectorBytes);
  if ((header.payload_offset % unit).n != 0 || ((size - header.payload_offset) % unit).n != 0)
    throw Error(Errc::unsupported, "the payload of {}/{} does not fit encryption sectors of {} bytes",
                vg.name, old.name, header.sector_bytes);

  const bool in_place = imports_in_place(vg, import);
  LogicalVolume data = make_data_lv(data_lv_name(old.name), new_id);
  Crypt crypt;
  crypt.store = import.store;
  crypt.area = LogicalArea{data.name, Extents(0)};
  crypt.iv_offset = header.iv_first;
  crypt.discards = header.discards;
  crypt.inline_workqueues = header.inline_workqueues;
  if (in_place) {
    Split split = split_at(old, Extents(header.payload_offset / vg.extent_size));
    data.segments = std::move(split.tail);
    find_lv(vg, old.name)->segments.clear();
    adopt_store(vg, import, std::move(split.head), new_id);
  } else {
    constexpr Bytes kTrailer(4096);
    vg = create_store(std::move(vg), store_for(import, header.header_size + kTrailer), new_id);
    data.segments = old.segments;
    if (header.payload_offset.n > 0) {
      crypt.payload_offset = header.payload_offset;
      crypt.old_header = !import.detached;
    }
  }
  if (is_data_lv_name(old.name) || find_lv(vg, data.name) != nullptr || !is_legal_lv_name(vg.name, data.name))
    throw Error(Errc::bad_name, "{}/{} can't get a data volume {}", vg.name, old.name, data.name)
        .advise("rename {}/{} first", vg.name, old.name);

  LogicalVolume* lv = find_lv(vg, old.name);
  set_flag(lv->flags, "ACTIVATION_SKIP");
  Segment segment;
  segment.count = size_of(data);
  segment.kind = std::move(crypt);
  lv->segments = {std::move(segment)};
  const Sectors end = iv_range(vg, *lv, lv->segments.front()).end;
  LogicalVolume* store = find_lv(vg, import.store);
  std::get<Keystore>(store->segments.front().kind).iv_next = behind_window(*store, end);
  vg.lvs.push_back(std::move(data));
  order_volumes(vg);
  return vg;
}

VolumeGroup forget_old_header(VolumeGroup vg, const std::string& lv) {
  static_cast<void>(lv_at(vg, lv));
  for (Segment& segment : find_lv(vg, lv)->segments)
    if (auto* crypt = std::get_if<Crypt>(&segment.kind)) crypt->old_header = false;
  return vg;
}

}  // namespace cv::metadata
