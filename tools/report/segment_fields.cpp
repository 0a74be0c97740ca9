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

std::uint64_t stripes(const Segment& segment, const GroupFacts&) {
  return areas_of(segment).size();
}

Bytes stripe_size(const Segment& segment, const GroupFacts&) {
  return match(
      segment.kind, [](const Striped& kind) { return to_bytes(kind.stripe_size); },
      [](const Crypt&) { return Bytes(0); }, [](const Keystore&) { return Bytes(0); },
      [](const Opaque&) { return Bytes(0); });
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
    Field{"seg_pe_ranges", "PE Ranges", kAbout, text, "the extents below", of_segment<segment_ranges>},
    Field{"devices", "Devices", kAbout, list, "what is below, with the first extent", of_segment<devices_of>},
    Field{"seg_keystore", "SegKeystore", kAbout, text, "the store of its key", segment_store},
    Field{"iv_offset", "IVOffset", kAbout, number, "its first IV, in sectors", iv_offset},
};

}  // namespace

std::span<const Field> segment_fields() {
  return kFields;
}

}  // namespace cv::tools::report
