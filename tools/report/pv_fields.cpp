// The fields of physical volumes; names, headings and values as LVM2's.
#include <algorithm>
#include <array>

#include "tools/report/field.h"

namespace cv::tools::report {

namespace {

using metadata::FoundPv;
using metadata::has_flag;
using metadata::PhysicalVolume;
using metadata::PvState;

Cell of_label(const Row& row, Cell (*value)(const FoundPv&)) {
  return row.found_pv == nullptr ? Cell() : value(*row.found_pv);
}

Cell of_member(const Row& row, Cell (*value)(const PhysicalVolume&, const GroupFacts&)) {
  return row.pv == nullptr ? Cell() : value(*row.pv, *row.group);
}

Extents allocated(const PhysicalVolume& pv, const GroupFacts& group) {
  return pv.pe_count - group.usage_of(pv).free.total();
}

Bytes extents_as_bytes(Extents extents, const GroupFacts& group) {
  return to_bytes(to_sectors(extents, group.vg().extent_size));
}

bool is_missing(const Row& row) {
  return row.pv != nullptr && (row.found_pv == nullptr || has_flag(row.pv->flags, "MISSING"));
}

Cell pv_name(const Row& row) {
  if (row.found_pv != nullptr) return row.found_pv->disk.device->path();
  return std::string("[unknown]");
}

Cell pv_uuid(const Row& row) {
  return row.pv != nullptr ? row.pv->id.text() : row.found_pv->disk.label.id.text();
}

Cell pv_fmt(const Row&) {
  return std::string("lvm2");
}

Cell pv_attr(const Row& row) {
  std::string attr = "---";
  if (row.found_pv != nullptr && row.found_pv->state == PvState::duplicate) {
    attr[0] = 'd';
  } else if (row.pv != nullptr) {
    attr[0] = has_flag(row.pv->flags, "ALLOCATABLE") ? 'a' : 'u';
  } else if (row.found_pv->state != PvState::orphan) {
    attr[0] = 'u';
  }
  if (row.pv != nullptr && has_flag(row.group->vg().flags, "EXPORTED")) attr[1] = 'x';
  if (is_missing(row)) attr[2] = 'm';
  return attr;
}

Cell dev_size(const Row& row) {
  return of_label(row, [](const FoundPv& pv) { return Cell(pv.disk.device->size()); });
}

Cell pv_size(const Row& row) {
  if (row.pv == nullptr) return dev_size(row);
  return extents_as_bytes(row.pv->pe_count, *row.group);
}

Cell pv_free(const Row& row) {
  if (row.pv == nullptr) return dev_size(row);
  return extents_as_bytes(row.group->usage_of(*row.pv).free.total(), *row.group);
}

Cell pv_used(const Row& row) {
  if (row.pv == nullptr) return Bytes(0);
  return extents_as_bytes(allocated(*row.pv, *row.group), *row.group);
}

Cell pe_start(const Row& row) {
  if (row.pv != nullptr) return to_bytes(row.pv->pe_start);
  return of_label(row, [](const FoundPv& pv) {
    const auto& areas = pv.disk.label.data_areas;
    return areas.empty() ? Cell() : Cell(areas.front().offset);
  });
}

Cell pe_count(const Row& row) {
  return row.pv == nullptr ? std::uint64_t{0} : row.pv->pe_count.n;
}

Cell pe_alloc_count(const Row& row) {
  return row.pv == nullptr ? std::uint64_t{0} : allocated(*row.pv, *row.group).n;
}

Cell pv_tags(const Row& row) {
  return of_member(row, [](const PhysicalVolume& pv, const GroupFacts&) { return Cell(sorted(pv.tags)); });
}

Cell mda_count(const Row& row) {
  return of_label(row, [](const FoundPv& pv) { return Cell(std::uint64_t{pv.disk.areas.size()}); });
}

Cell mda_used_count(const Row& row) {
  return of_label(row, [](const FoundPv& pv) {
    const auto used = std::ranges::count_if(
        pv.disk.areas, [](const auto& area) { return area.header && !area.header->ignored(); });
    return Cell(static_cast<std::uint64_t>(used));
  });
}

Cell mda_size(const Row& row) {
  return of_label(row, [](const FoundPv& pv) {
    const auto& areas = pv.disk.label.metadata_areas;
    if (areas.empty()) return Cell(Bytes(0));
    return Cell(std::ranges::min(areas, {}, &metadata::disk::DiskArea::size).size);
  });
}

Cell pv_in_use(const Row& row) {
  const bool used = row.pv != nullptr || row.found_pv->state != PvState::orphan;
  return std::string(used ? "used" : "");
}

Cell pv_missing(const Row& row) {
  return std::string(is_missing(row) ? "missing" : "");
}

Cell pv_exported(const Row& row) {
  return std::string(row.pv != nullptr && has_flag(row.group->vg().flags, "EXPORTED") ? "exported" : "");
}

Cell pv_allocatable(const Row& row) {
  return std::string(row.pv != nullptr && has_flag(row.pv->flags, "ALLOCATABLE") ? "allocatable" : "");
}

using enum Type;
constexpr About kAbout = About::pv;
constexpr std::array kFields{
    Field{"pv_name", "PV", kAbout, text, "device or file", pv_name},
    Field{"pv_uuid", "PV UUID", kAbout, text, "unique identifier", pv_uuid},
    Field{"pv_fmt", "Fmt", kAbout, text, "format of the metadata", pv_fmt},
    Field{"pv_attr", "Attr", kAbout, text, "attributes: allocatable or used, exported, missing", pv_attr},
    Field{"pv_size", "PSize", kAbout, size, "size of the part that holds extents", pv_size},
    Field{"pv_free", "PFree", kAbout, size, "unallocated space", pv_free},
    Field{"pv_used", "Used", kAbout, size, "allocated space", pv_used},
    Field{"dev_size", "DevSize", kAbout, size, "size of the device below", dev_size},
    Field{"pe_start", "1st PE", kAbout, size, "offset of the first extent", pe_start},
    Field{"pv_pe_count", "PE", kAbout, number, "number of extents", pe_count},
    Field{"pv_pe_alloc_count", "Alloc", kAbout, number, "number of allocated extents", pe_alloc_count},
    Field{"pv_tags", "PV Tags", kAbout, list, "tags", pv_tags},
    Field{"pv_mda_count", "#PMda", kAbout, number, "number of metadata areas", mda_count},
    Field{"pv_mda_used_count", "#PMdaUse", kAbout, number, "number of metadata areas in use", mda_used_count},
    Field{"pv_mda_size", "PMdaSize", kAbout, size, "size of the smallest metadata area", mda_size},
    Field{"pv_allocatable", "Allocatable", kAbout, text, "set if extents may be taken", pv_allocatable},
    Field{"pv_exported", "Exported", kAbout, text, "set if its group is exported", pv_exported},
    Field{"pv_missing", "Missing", kAbout, text, "set if it is missing", pv_missing},
    Field{"pv_in_use", "PInUse", kAbout, text, "set if it belongs to a group", pv_in_use},
};

}  // namespace

std::span<const Field> pv_fields() {
  return kFields;
}

}  // namespace cv::tools::report
