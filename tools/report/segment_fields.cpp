// The fields of segments, one row for each; LVM2's names, headings and values where LVM2 has the field.
#include <array>

#include "lib/base/match.h"
#include "tools/report/field.h"
#include "tools/report/volume_words.h"

namespace cv::tools::report {

namespace {

using metadata::Area;
using metadata::Crypt;
using metadata::Keystore;
using metadata::Opaque;
using metadata::Segment;
using metadata::Striped;

template <auto value>
Cell of_segment(const Row& row) {
  if (row.segment == nullptr) return Cell();
  return Cell(value(*row.segment, *row.group));
}

std::vector<Area> areas_of(const Segment& segment) {
  return match(
      segment.kind, [](const Striped& kind) { return kind.stripes; },
      [](const Crypt& kind) { return std::vector<Area>{kind.area}; },
      [](const Keystore& kind) { return kind.copies; }, [](const Opaque&) { return std::vector<Area>(); });
}

std::uint64_t stripes(const Segment& segment, const GroupFacts&) {
  return areas_of(segment).size();
}

Bytes stripe_size(const Segment& segment, const GroupFacts&) {
  return match(
      segment.kind, [](const Striped& kind) { return to_bytes(kind.stripe_size); },
      [](const Crypt&) { return Bytes(0); }, [](const Keystore&) { return Bytes(0); },
      [](const Opaque&) { return Bytes(0); });
}

/// How many extents lie in each of its areas.
Extents part_length(const Segment& segment) {
  const auto* striped = std::get_if<Striped>(&segment.kind);
  if (striped == nullptr || striped->stripes.empty()) return segment.count;
  return Extents(segment.count.n / striped->stripes.size());
}

struct Place {
  std::string device;
  Extents first;
};
Place place_of(const Area& area, const GroupFacts& group) {
  return match(
      area,
      [&](const metadata::PhysicalArea& a) {
        return Place{group.pv_name(a.pv), a.first};
      },
      [](const metadata::LogicalArea& a) {
        return Place{a.lv, a.first};
      });
}

std::vector<std::string> devices(const Segment& segment, const GroupFacts& group) {
  std::vector<std::string> all;
  for (const auto& area : areas_of(segment)) {
    const auto place = place_of(area, group);
    all.push_back(fmt::format("{}({})", place.device, place.first.n));
  }
  return all;
}

std::string ranges(const Segment& segment, const GroupFacts& group) {
  std::string all;
  const Extents length = part_length(segment);
  for (const auto& area : areas_of(segment)) {
    const auto place = place_of(area, group);
    const std::uint64_t last = length.n == 0 ? place.first.n : place.first.n + (length.n - 1);
    all += fmt::format("{}{}:{}-{}", all.empty() ? "" : " ", place.device, place.first.n, last);
  }
  return all;
}

std::string type(const Segment& segment, const GroupFacts&) {
  return segment_type(segment);
}
Bytes start(const Segment& segment, const GroupFacts& group) {
  return to_bytes(to_sectors(segment.start, group.vg().extent_size));
}
std::uint64_t start_extents(const Segment& segment, const GroupFacts&) {
  return segment.start.n;
}
Bytes length(const Segment& segment, const GroupFacts& group) {
  return to_bytes(to_sectors(segment.count, group.vg().extent_size));
}
std::uint64_t length_extents(const Segment& segment, const GroupFacts&) {
  return segment.count.n;
}
std::vector<std::string> tags(const Segment& segment, const GroupFacts&) {
  return sorted(segment.tags);
}

Cell iv_offset(const Row& row) {
  const auto* crypt = row.segment == nullptr ? nullptr : std::get_if<Crypt>(&row.segment->kind);
  if (crypt == nullptr) return Cell();
  if (crypt->iv_offset) return crypt->iv_offset->n;
  // The form of the RFC: it counts from the start of the volume.
  return to_sectors(row.segment->start, row.group->vg().extent_size).n;
}

Cell segment_store(const Row& row) {
  const auto* crypt = row.segment == nullptr ? nullptr : std::get_if<Crypt>(&row.segment->kind);
  return crypt == nullptr ? Cell() : Cell(crypt->store);
}

using enum Type;
constexpr About kAbout = About::segment;
constexpr std::array kFields{
    Field{"segtype", "Type", kAbout, text, "type", of_segment<type>},
    Field{"stripes", "#Str", kAbout, number, "number of areas", of_segment<stripes>},
    Field{"stripe_size", "Stripe", kAbout, size, "size of a stripe", of_segment<stripe_size>},
    Field{"seg_start", "Start", kAbout, size, "where it begins in the volume", of_segment<start>},
    Field{"seg_start_pe", "Start", kAbout, number, "the same in extents", of_segment<start_extents>},
    Field{"seg_size", "SSize", kAbout, size, "size", of_segment<length>},
    Field{"seg_size_pe", "SSize", kAbout, number, "the same in extents", of_segment<length_extents>},
    Field{"seg_tags", "Seg Tags", kAbout, list, "tags", of_segment<tags>},
    Field{"seg_pe_ranges", "PE Ranges", kAbout, text, "the extents below", of_segment<ranges>},
    Field{"devices", "Devices", kAbout, list, "what is below, with the first extent", of_segment<devices>},
    Field{"seg_keystore", "SegKeystore", kAbout, text, "the store of its key", segment_store},
    Field{"iv_offset", "IVOffset", kAbout, number, "its first IV, in sectors", iv_offset},
};

}  // namespace

std::span<const Field> segment_fields() {
  return kFields;
}

}  // namespace cv::tools::report
