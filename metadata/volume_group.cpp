#include "metadata/volume_group.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/match.h"
#include "metadata/flags.h"

namespace cv::metadata {

namespace {

template <class Volumes>
auto find_named(Volumes& volumes, std::string_view name) -> decltype(volumes.data()) {
  const auto found = std::ranges::find(volumes, name, &LogicalVolume::name);
  return found == volumes.end() ? nullptr : &*found;
}

bool names(const Area& area, std::string_view lv) {
  const auto* logical = std::get_if<LogicalArea>(&area);
  return logical != nullptr && logical->lv == lv;
}

}  // namespace

const PhysicalVolume* find_pv(const VolumeGroup& vg, const PvId& id) {
  const auto found = std::ranges::find(vg.pvs, id, &PhysicalVolume::id);
  return found == vg.pvs.end() ? nullptr : &*found;
}

const LogicalVolume* find_lv(const VolumeGroup& vg, std::string_view name) {
  return find_named(vg.lvs, name);
}

LogicalVolume* find_lv(VolumeGroup& vg, std::string_view name) {
  return find_named(vg.lvs, name);
}

const LogicalVolume& lv_at(const VolumeGroup& vg, std::string_view name) {
  if (const LogicalVolume* lv = find_lv(vg, name)) return *lv;
  throw Error(Errc::not_found, "there is no volume {} in {}", name, vg.name)
      .advise("`cvs -a {}` lists what there is", vg.name);
}

bool is_visible(const LogicalVolume& lv) {
  return (lv.flags.status & status_bit("VISIBLE")) != 0;
}

Extents size_of(const LogicalVolume& lv) {
  Extents size;
  for (const Segment& segment : lv.segments) size += segment.count;
  return size;
}

Sectors payload_offset_of(const LogicalVolume& lv) {
  const Crypt* crypt = crypt_of(lv);
  return crypt == nullptr ? Sectors() : crypt->payload_offset.value_or(Sectors());
}

Sectors payload_size(const VolumeGroup& vg, const LogicalVolume& lv) {
  return to_sectors(size_of(lv), vg.extent_size) - payload_offset_of(lv);
}

const Crypt* crypt_of(const LogicalVolume& lv) {
  return lv.segments.empty() ? nullptr : std::get_if<Crypt>(&lv.segments.front().kind);
}

const Keystore* keystore_of(const LogicalVolume& lv) {
  return lv.segments.empty() ? nullptr : std::get_if<Keystore>(&lv.segments.front().kind);
}

std::string data_lv_name(std::string_view owner, unsigned copy) {
  std::string name = std::string(owner) + "_crdata";
  if (copy > 1) name += std::to_string(copy);
  return name;
}

bool uses_area_of(const Segment& segment, std::string_view lv) {
  return match(
      segment.kind, [](const Striped&) { return false; },
      [&](const Crypt& crypt) { return names(crypt.area, lv); },
      [&](const Keystore& store) {
        return std::ranges::any_of(store.copies, [&](const Area& area) { return names(area, lv); });
      },
      [](const Opaque&) { return false; });
}

const LogicalVolume* owner_of(const VolumeGroup& vg, std::string_view data_lv) {
  const auto owns = [&](const LogicalVolume& lv) {
    return std::ranges::any_of(lv.segments, [&](const Segment& s) { return uses_area_of(s, data_lv); });
  };
  const auto found = std::ranges::find_if(vg.lvs, owns);
  return found == vg.lvs.end() ? nullptr : &*found;
}

std::vector<const LogicalVolume*> users_of(const VolumeGroup& vg, std::string_view store) {
  std::vector<const LogicalVolume*> users;
  for (const LogicalVolume& lv : vg.lvs) {
    const bool uses = std::ranges::any_of(lv.segments, [&](const Segment& segment) {
      const auto* crypt = std::get_if<Crypt>(&segment.kind);
      return crypt != nullptr && crypt->store == store;
    });
    if (uses) users.push_back(&lv);
  }
  return users;
}

}  // namespace cv::metadata
