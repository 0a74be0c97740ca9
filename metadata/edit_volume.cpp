// Plain volumes: create, extend; what crypt volumes need beyond that is in edit_crypt.cpp.
#include <algorithm>
#include <iterator>

#include "lib/base/error.h"
#include "metadata/edit.h"
#include "metadata/edit_parts.h"
#include "metadata/edit_reduce.h"
#include "metadata/iv_space.h"
#include "metadata/names.h"
#include "metadata/references.h"

namespace cv::metadata {

Newcomers::Newcomers(const VolumeGroup& vg, std::size_t count, bool encrypted)
    : vg_(vg),
      names_(vg, count),
      encrypted_(encrypted),
      visible_(static_cast<std::size_t>(std::ranges::count_if(vg.lvs, is_visible))) {}

LogicalVolume Newcomers::make(const std::string& name, const NewVolumes& wanted, Extents size,
                              const NewId& new_id) {
  names_.claim(name, encrypted_);
  if (vg_.max_lv != 0 && visible_ >= vg_.max_lv)
    throw Error(Errc::refused, "{} holds {} volumes, and no more are allowed", vg_.name, vg_.max_lv)
        .advise("'cvm vgchange --logicalvolume N {}' allows more", vg_.name);
  if (size.n == 0) throw Error(Errc::bad_size, "{}/{} would have no extents", vg_.name, name);
  ++visible_;
  LogicalVolume lv;
  lv.name = name;
  lv.id = new_id();
  for (const auto* flag : {"READ", "WRITE", "VISIBLE"}) set_flag(lv.flags, flag);
  lv.tags = wanted.tags;
  lv.creation_time = wanted.origin.time;
  lv.creation_host = wanted.origin.host;
  lv.allocation = wanted.placement.policy;
  return lv;
}

NewVolumes alone(const NewVolume& wanted) {
  return {.names = {wanted.name},
          .size = [size = wanted.size](const Room&) { return size; },
          .placement = wanted.placement,
          .tags = wanted.tags,
          .origin = wanted.origin};
}

Extents round_to_stripes(Extents size, std::uint32_t stripes) {
  return round_up(size, Extents(stripes));
}

namespace {

/// For each of so many stripes the PVs on which it lies; where the volume has other numbers of stripes, all.
std::vector<std::vector<PvId>> pvs_by_stripe(const LogicalVolume& lv, std::uint32_t stripes) {
  std::vector<std::vector<PvId>> found(stripes);
  const auto add = [](std::vector<PvId>& pvs, const PvId& pv) {
    if (std::ranges::find(pvs, pv) == pvs.end()) pvs.push_back(pv);
  };
  for (const Segment& segment : lv.segments) {
    const auto* striped = std::get_if<Striped>(&segment.kind);
    if (striped == nullptr) continue;
    for (std::size_t i = 0; i < striped->stripes.size(); ++i) {
      const auto* physical = std::get_if<PhysicalArea>(&striped->stripes[i]);
      if (physical == nullptr) continue;
      if (striped->stripes.size() == stripes) {
        add(found[i], physical->pv);
      } else {
        for (std::vector<PvId>& pvs : found) add(pvs, physical->pv);
      }
    }
  }
  return found;
}

}  // namespace

void extend_data(Room& room, LogicalVolume& lv, Extents by) {
  const std::string& group = room.group();
  const std::uint32_t stripes = room.placement().stripes;
  Sectors stripe_size = room.placement().stripe_size;
  Wanted wanted{.count = by, .behind = {}, .cling_to = {}};
  if (!lv.segments.empty()) {
    const auto* last = std::get_if<Striped>(&lv.segments.back().kind);
    if (last == nullptr)
      throw Error(Errc::unsupported, "{}/{} is of type {}, which cvm does not extend", group, lv.name,
                  type_of(lv))
          .advise("use lvextend");
    const Extents each(lv.segments.back().count.n / last->stripes.size());
    for (const Area& area : last->stripes) {
      const auto* physical = std::get_if<PhysicalArea>(&area);
      if (physical == nullptr)
        throw Error(Errc::unsupported, "{}/{} lies on other volumes, which cvm does not extend", group,
                    lv.name)
            .advise("use lvextend");
      wanted.behind.push_back({physical->pv, physical->first + each});
    }
    if (stripes != last->stripes.size()) wanted.behind.clear();
    wanted.cling_to = pvs_by_stripe(lv, stripes);
    if (stripe_size.n == 0) stripe_size = last->stripe_size;
  }
  const auto pieces = room.allocate(wanted);
  for (Segment& segment : segments_from(pieces, size_of(lv), stripe_size))
    append_merged(lv, std::move(segment));
}

void append_merged(LogicalVolume& lv, Segment&& segment) {
  const auto& added = std::get<Striped>(segment.kind);
  Segment* last = lv.segments.empty() ? nullptr : &lv.segments.back();
  auto* before = last == nullptr ? nullptr : std::get_if<Striped>(&last->kind);
  bool continues = before != nullptr && last->tags.empty() && last->carried.empty() &&
                   before->stripe_size == added.stripe_size && before->stripes.size() == added.stripes.size();
  for (std::size_t i = 0; continues && i < added.stripes.size(); ++i) {
    const auto* a = std::get_if<PhysicalArea>(&before->stripes[i]);
    const auto* b = std::get_if<PhysicalArea>(&added.stripes[i]);
    continues = a != nullptr && b != nullptr && a->pv == b->pv &&
                a->first + Extents(last->count.n / added.stripes.size()) == b->first;
  }
  if (continues)
    last->count += segment.count;
  else
    lv.segments.push_back(std::move(segment));
}

Placement like_the_last_segment(const LogicalVolume& lv, Placement placement) {
  const auto* last = lv.segments.empty() ? nullptr : std::get_if<Striped>(&lv.segments.back().kind);
  if (last == nullptr) return placement;
  if (!placement.own_stripes) {
    placement.stripes = static_cast<std::uint32_t>(last->stripes.size());
    placement.stripe_size = last->stripe_size;
  }
  if (placement.policy == Allocation::inherit) placement.policy = lv.allocation;
  return placement;
}

VolumeGroup create_plain(VolumeGroup vg, const NewVolume& wanted, const NewId& new_id) {
  return create_plain_volumes(std::move(vg), alone(wanted), new_id);
}

VolumeGroup create_plain_volumes(VolumeGroup vg, const NewVolumes& wanted, const NewId& new_id) {
  require_no_conversion(vg);
  Newcomers newcomers(vg, wanted.names.size(), false);
  Room room(vg, wanted.placement);
  std::vector<LogicalVolume> made;
  made.reserve(wanted.names.size());
  for (const std::string& name : wanted.names) {
    const Extents size = wanted.size(room);
    LogicalVolume& lv = made.emplace_back(newcomers.make(name, wanted, size, new_id));
    extend_data(room, lv, round_to_stripes(size, wanted.placement.stripes));
  }
  std::ranges::move(made, std::back_inserter(vg.lvs));
  order_volumes(vg);
  return vg;
}

VolumeGroup extend(VolumeGroup vg, const std::string& name, Extents by, const Placement& placement) {
  require_no_conversion(vg);
  const LogicalVolume& lv = lv_at(vg, name);
  require_resizable(vg, lv);
  if (crypt_of(lv) != nullptr) {
    vg = extend_crypt(std::move(vg), name, by, placement);
  } else {
    LogicalVolume copy = lv;
    const Placement where = like_the_last_segment(copy, placement);
    Room room(vg, where);
    extend_data(room, copy, round_to_stripes(by, where.stripes));
    *find_lv(vg, name) = std::move(copy);
  }
  return vg;
}

}  // namespace cv::metadata
