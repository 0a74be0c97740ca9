// The fields of volume groups; names, headings and values as LVM2's.
#include <algorithm>
#include <array>

#include "tools/report/field.h"

namespace cv::tools::report {

namespace {

using metadata::Allocation;
using metadata::has_flag;
using metadata::LogicalVolume;
using metadata::VolumeGroup;

/// A field of the group; absent for a PV that is in none.
template <auto value>
Cell of_group(const Row& row) {
  if (row.group == nullptr) return Cell();
  return Cell(value(*row.group));
}

Bytes as_bytes(const GroupFacts& group, Extents extents) {
  return to_bytes(to_sectors(extents, group.vg().extent_size));
}

Extents all_extents(const GroupFacts& group) {
  Extents sum;
  for (const auto& pv : group.vg().pvs) sum += pv.pe_count;
  return sum;
}

std::uint64_t missing_pvs(const GroupFacts& group) {
  return static_cast<std::uint64_t>(std::ranges::count_if(group.vg().pvs, [&](const auto& pv) {
    return !group.pvs.contains(pv.id) || has_flag(pv.flags, "MISSING");
  }));
}

std::string name(const GroupFacts& group) {
  return group.vg().name;
}
std::string uuid(const GroupFacts& group) {
  return group.vg().id.text();
}
std::string format(const GroupFacts&) {
  return "lvm2";
}

std::string policy(const GroupFacts& group) {
  switch (group.vg().allocation) {
    case Allocation::normal: return "normal";
    case Allocation::contiguous: return "contiguous";
    case Allocation::cling: return "cling";
    case Allocation::cling_by_tags: return "cling_by_tags";
    case Allocation::anywhere: return "anywhere";
    case Allocation::inherit: return "inherit";
  }
  return {};
}

char policy_letter(const GroupFacts& group) {
  switch (group.vg().allocation) {
    case Allocation::normal: return 'n';
    case Allocation::contiguous: return 'c';
    case Allocation::cling:
    case Allocation::cling_by_tags: return 'l';
    case Allocation::anywhere: return 'a';
    case Allocation::inherit: return 'i';
  }
  return '-';
}

bool is_shared(const VolumeGroup& vg) {
  return !vg.lock_type.empty() && vg.lock_type != "none";
}

std::string attr(const GroupFacts& group) {
  const auto& flags = group.vg().flags;
  std::string attr;
  attr += has_flag(flags, "WRITE") ? 'w' : 'r';
  attr += has_flag(flags, "RESIZEABLE") ? 'z' : '-';
  attr += has_flag(flags, "EXPORTED") ? 'x' : '-';
  attr += missing_pvs(group) > 0 ? 'p' : '-';
  attr += policy_letter(group);
  attr += has_flag(flags, "CLUSTERED") ? 'c' : is_shared(group.vg()) ? 's' : '-';
  return attr;
}

std::string permissions(const GroupFacts& group) {
  return has_flag(group.vg().flags, "WRITE") ? "writeable" : "read-only";
}
std::string exported(const GroupFacts& group) {
  return has_flag(group.vg().flags, "EXPORTED") ? "exported" : "";
}
std::string extendable(const GroupFacts& group) {
  return has_flag(group.vg().flags, "RESIZEABLE") ? "extendable" : "";
}
std::string partial(const GroupFacts& group) {
  return missing_pvs(group) > 0 ? "partial" : "";
}
std::string system_id(const GroupFacts& group) {
  return group.vg().system_id;
}
std::string lock_type(const GroupFacts& group) {
  return group.vg().lock_type;
}

Bytes size_in_all(const GroupFacts& group) {
  return as_bytes(group, all_extents(group));
}
Bytes free_space(const GroupFacts& group) {
  return as_bytes(group, group.free);
}
Bytes extent_size(const GroupFacts& group) {
  return to_bytes(group.vg().extent_size);
}
std::uint64_t extent_count(const GroupFacts& group) {
  return all_extents(group).n;
}
std::uint64_t free_count(const GroupFacts& group) {
  return group.free.n;
}
std::uint64_t seqno(const GroupFacts& group) {
  return group.vg().seqno;
}
std::uint64_t max_lv(const GroupFacts& group) {
  return group.vg().max_lv;
}
std::uint64_t max_pv(const GroupFacts& group) {
  return group.vg().max_pv;
}
std::uint64_t pv_count(const GroupFacts& group) {
  return group.vg().pvs.size();
}

bool is_snapshot(const LogicalVolume& lv) {
  const auto* segment = lv.segments.empty() ? nullptr : std::get_if<metadata::Opaque>(&lv.segments[0].kind);
  return segment != nullptr && segment->type == "snapshot";
}

std::uint64_t lv_count(const GroupFacts& group) {
  // LVM2 counts what holds a snapshot's changes, not the volume that it writes as snapshot0: one for one.
  return static_cast<std::uint64_t>(std::ranges::count_if(group.vg().lvs, metadata::is_visible));
}
std::uint64_t snap_count(const GroupFacts& group) {
  return static_cast<std::uint64_t>(std::ranges::count_if(group.vg().lvs, is_snapshot));
}
std::uint64_t store_count(const GroupFacts& group) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      group.vg().lvs, [](const auto& lv) { return metadata::keystore_of(lv) != nullptr; }));
}

std::vector<std::string> tags(const GroupFacts& group) {
  return sorted(group.vg().tags);
}

template <class Counted>
std::uint64_t count_areas(const GroupFacts& group, Counted&& counted) {
  std::uint64_t sum = 0;
  for (const auto& [id, pv] : group.pvs) {
    sum += static_cast<std::uint64_t>(std::ranges::count_if(pv->disk.areas, counted));
  }
  return sum;
}
std::uint64_t mda_count(const GroupFacts& group) {
  return count_areas(group, [](const auto&) { return true; });
}
std::uint64_t mda_used_count(const GroupFacts& group) {
  return count_areas(group, [](const auto& area) { return area.header && !area.header->ignored(); });
}
/// LVM2's word for areas that are used or ignored one by one.
std::string mda_copies(const GroupFacts& group) {
  const auto copies = group.vg().metadata_copies;
  return copies == 0 ? "unmanaged" : fmt::format("{}", copies);
}

using enum Type;
constexpr About kAbout = About::vg;
constexpr std::array kFields{
    Field{"vg_name", "VG", kAbout, text, "name", of_group<name>},
    Field{"vg_uuid", "VG UUID", kAbout, text, "unique identifier", of_group<uuid>},
    Field{"vg_fmt", "Fmt", kAbout, text, "format of the metadata", of_group<format>},
    Field{"vg_attr", "Attr", kAbout, text,
          "attributes: writeable, resizeable, exported, partial, allocation policy, clustered or shared",
          of_group<attr>},
    Field{"vg_size", "VSize", kAbout, size, "size in all", of_group<size_in_all>},
    Field{"vg_free", "VFree", kAbout, size, "unallocated space", of_group<free_space>},
    Field{"vg_extent_size", "Ext", kAbout, size, "size of an extent", of_group<extent_size>},
    Field{"vg_extent_count", "#Ext", kAbout, number, "number of extents", of_group<extent_count>},
    Field{"vg_free_count", "Free", kAbout, number, "number of unallocated extents", of_group<free_count>},
    Field{"vg_seqno", "Seq", kAbout, number, "number of the last change", of_group<seqno>},
    Field{"pv_count", "#PV", kAbout, number, "number of physical volumes", of_group<pv_count>},
    Field{"vg_missing_pv_count", "#PV Missing", kAbout, number, "number of those that are missing",
          of_group<missing_pvs>},
    Field{"lv_count", "#LV", kAbout, number, "number of visible volumes", of_group<lv_count>},
    Field{"snap_count", "#SN", kAbout, number, "number of snapshots", of_group<snap_count>},
    Field{"store_count", "#KS", kAbout, number, "number of keystores", of_group<store_count>},
    Field{"max_lv", "MaxLV", kAbout, number, "most volumes it may have, 0 if any number", of_group<max_lv>},
    Field{"max_pv", "MaxPV", kAbout, number, "most physical volumes it may have, 0 if any number",
          of_group<max_pv>},
    Field{"vg_tags", "VG Tags", kAbout, list, "tags", of_group<tags>},
    Field{"vg_allocation_policy", "AllocPol", kAbout, text, "how extents are chosen", of_group<policy>},
    Field{"vg_permissions", "VPerms", kAbout, text, "writeable or read-only", of_group<permissions>},
    Field{"vg_extendable", "Extendable", kAbout, text, "set if it may get more physical volumes",
          of_group<extendable>},
    Field{"vg_exported", "Exported", kAbout, text, "set if it is exported", of_group<exported>},
    Field{"vg_partial", "Partial", kAbout, text, "set if physical volumes are missing", of_group<partial>},
    Field{"vg_systemid", "SYS ID", kAbout, text, "the host it belongs to", of_group<system_id>},
    Field{"vg_lock_type", "LockType", kAbout, text, "the lock manager it needs", of_group<lock_type>},
    Field{"vg_mda_count", "#VMda", kAbout, number, "number of metadata areas", of_group<mda_count>},
    Field{"vg_mda_used_count", "#VMdaUse", kAbout, number, "number of metadata areas in use",
          of_group<mda_used_count>},
    Field{"vg_mda_copies", "#VMdaCps", kAbout, text, "metadata areas to be kept in use, or unmanaged",
          of_group<mda_copies>},
};

}  // namespace

std::span<const Field> vg_fields() {
  return kFields;
}

}  // namespace cv::tools::report
