#include "metadata/inspect.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "metadata/check.h"
#include "metadata/store_bytes.h"
#include "metadata/usage.h"

namespace cv::metadata {
namespace {

constexpr std::uint64_t kNearlyFullPercent = 80;

class Inspector {
 public:
  Inspector(const Scan& scan, const FoundGroup& group) : scan_(scan), group_(group), vg_(group.vg) {}

  std::vector<Damage> run() && {
    damage_ = check(vg_);
    for (const Damage& finding : group_.findings) damage_.push_back(finding);
    for (Damage& finding : inspect_volumes(vg_)) damage_.push_back(std::move(finding));
    look_at_state();
    look_at_pvs();
    for (const LogicalVolume& lv : vg_.lvs) {
      if (const Keystore* store = keystore_of(lv)) look_at_store(lv, *store);
      look_at_alignment(lv);
    }
    std::ranges::stable_sort(damage_, std::ranges::greater(), &Damage::severity);
    return std::move(damage_);
  }

 private:
  template <class... Args>
  void report(DamageId id, fmt::format_string<Args...> format, Args&&... args) {
    damage_.push_back(make_damage(id, fmt::format(format, std::forward<Args>(args)...)));
  }

  /// What keeps everybody from changing the group, without being damage. What is, the scan has reported.
  void look_at_state() {
    for (const Obstacle& obstacle : group_.obstacles) {
      switch (obstacle.kind) {
        case Hindrance::exported: report("VG-EXPORTED", "{}", obstacle.sentence); break;
        case Hindrance::foreign: report("VG-FOREIGN", "{}", obstacle.sentence); break;
        case Hindrance::lock_type: report("VG-LOCK-TYPE", "{}", obstacle.sentence); break;
        case Hindrance::clustered: report("VG-CLUSTERED", "{}", obstacle.sentence); break;
        case Hindrance::read_only: report("VG-READ-ONLY", "{}", obstacle.sentence); break;
        case Hindrance::missing_pvs:
        case Hindrance::duplicate_pvs:
        case Hindrance::unfinished:
        case Hindrance::conflict: break;
      }
    }
  }

  const FoundPv* pv_on(const device::BlockDevice* device) const {
    const auto found = std::ranges::find_if(
        scan_.pvs, [&](const FoundPv& pv) { return device != nullptr && pv.disk.device == device; });
    return found == scan_.pvs.end() ? nullptr : &*found;
  }

  void look_at_pvs() {
    const Usage usage = usage_of(vg_);
    std::size_t in_use = 0;
    for (std::size_t i = 0; i < vg_.pvs.size(); ++i) {
      const FoundPv* pv = pv_on(group_.devices.at(vg_.pvs[i].id));
      if (pv == nullptr) continue;
      look_at_label(vg_.pvs[i], pv->disk, usage.pvs[i]);
      for (const AreaOnDisk& area : pv->disk.areas)
        in_use += look_at_area(vg_.pvs[i], pv->disk, area) ? 1 : 0;
    }
    if (in_use == 1 && vg_.pvs.size() > 1)
      report("METADATA-ONE-COPY", "the metadata of {} is in one place only", vg_.name);
  }

  void look_at_label(const PhysicalVolume& member, const PvOnDisk& pv, const PvUsage& used) {
    const auto& path = pv.device->path();
    if (pv.label.metadata_areas.empty())
      report("PV-NO-AREA", "{} in {} keeps no copy of the metadata", path, vg_.name);
    if (!is_countable(member, vg_.extent_size)) return;  // PV-EXTENTS
    if (!pv.label.data_areas.empty() && pv.label.data_areas.front().offset != to_bytes(member.pe_start))
      report("PV-LABEL-START", "the data of {} in {} begins at {} by its label, at {} by the metadata", path,
             vg_.name, pv.label.data_areas.front().offset.n, to_bytes(member.pe_start).n);
    Extents last;
    for (const Taken& taken : used.taken) last = std::max(last, taken.extents.end);
    last = std::min(last, member.pe_count);  // LV-PE-RANGE says what is behind
    const Bytes end = to_bytes(member.pe_start + to_sectors(last, vg_.extent_size));
    if (last.n > 0 && end > pv.device->size())
      report("PV-TRUNCATED-DATA", "volumes of {} reach up to {} on {}, which has {} bytes", vg_.name, end.n,
             path, pv.device->size().n);
    const Bytes block = pv.device->block_size();
    if (last.n > 0 &&
        ((to_bytes(member.pe_start) % block).n != 0 || (to_bytes(vg_.extent_size) % block).n != 0))
      report("PV-ALIGNMENT", "extents of {} begin inside blocks of {} bytes on {}", vg_.name, block.n, path);
  }

  /// Whether it is a copy that counts.
  bool look_at_area(const PhysicalVolume& member, const PvOnDisk& pv, const AreaOnDisk& area) {
    const auto where = fmt::format("the metadata area on {} at {}", pv.device->path(), area.place.offset.n);
    if (reaches_into_data(area.place, member, vg_.extent_size))
      report("METADATA-IN-DATA", "{} lies inside the extents of {}", where, vg_.name);
    if (!area.header) return false;
    if (area.header->ignored()) {
      report("METADATA-IGNORED", "{} is ignored", where);
      return false;
    }
    if (has_announced(*area.header))
      report("METADATA-ANNOUNCED", "{} announces a text that is not valid", where);
    const Bytes room = disk::largest_text(area.header->size);
    if (group_.text.size.n * 100 >= room.n * kNearlyFullPercent)
      report("METADATA-FULL", "{} has room for {} bytes, the metadata of {} takes {}", where, room.n,
             vg_.name, group_.text.size.n);
    return area.text && area.text->group == vg_.id && area.text->seqno == vg_.seqno;
  }

  /// Payloads that begin inside a block of the disk below: LUKS1 knows odd offsets.
  void look_at_alignment(const LogicalVolume& lv) {
    const Sectors sectors = payload_offset_of(lv);
    if (sectors.n == 0 || sectors > to_sectors(size_of(lv), vg_.extent_size)) return;
    const Bytes offset = to_bytes(sectors);
    for (const auto& [id, device] : group_.devices) {
      if (device == nullptr || (offset % device->block_size()).n == 0) continue;
      report("PV-ALIGNMENT", "the payload of {}/{} begins at {}, inside a block of {} bytes on {}", vg_.name,
             lv.name, offset.n, device->block_size().n, device->path());
      return;
    }
  }

  void look_at_store(const LogicalVolume& lv, const Keystore& store) {
    // What is being erased may be half overwritten.
    if (store.copies.empty() || store.erasing) return;
    const std::uint64_t generation = store.generation.value_or(0);
    std::uint64_t newest = 0;
    Sectors iv_next;
    bool any_good = false;
    for (const StoreCopy& copy : read_copies(vg_, group_.devices, lv)) {
      const auto what = fmt::format("copy {} of the keystore {}/{}", copy.number, vg_.name, lv.name);
      if (copy.bytes.empty()) {
        report("STORE-COPY-MISSING", "{} can't be read: {}", what, copy.flaw);
        continue;
      }
      if (copy.trailer && copy.trailer->store != lv.id) {
        report("STORE-COPY-FOREIGN", "{} belongs to the keystore with the id {}", what,
               copy.trailer->store.text());
        continue;
      }
      if (!copy.flaw.empty()) {
        report("STORE-COPY-DAMAGED", "{} is damaged: {}", what, copy.flaw);
      } else {
        any_good = true;
      }
      if (!copy.trailer) continue;
      newest = std::max(newest, copy.trailer->generation);
      iv_next = std::max(iv_next, copy.trailer->iv_next);
      if (copy.trailer->generation < generation)
        report("STORE-COPY-STALE", "{} is old: generation {} instead of {}", what, copy.trailer->generation,
               generation);
    }
    if (!any_good)
      report("STORE-NO-COPY", "no copy of the keystore {}/{} is as it should be", vg_.name, lv.name);
    if (newest > generation)
      report("STORE-OLD-TEXT", "the keystore {}/{} was changed {} times, the metadata says {}", vg_.name,
             lv.name, newest, generation);
    if (store.iv_next && iv_next > *store.iv_next)
      report("STORE-IV-NEXT", "the keystore {}/{} has used IVs up to {}, the metadata says {}", vg_.name,
             lv.name, iv_next.n, store.iv_next->n);
  }

  const Scan& scan_;
  const FoundGroup& group_;
  const VolumeGroup& vg_;
  std::vector<Damage> damage_;
};

}  // namespace

std::vector<Damage> inspect(const Scan& scan, const FoundGroup& group) {
  return Inspector(scan, group).run();
}

std::vector<Damage> inspect_rest(const Scan& scan) {
  std::vector<Damage> damage = scan.findings;
  std::map<std::string_view, const FoundPv*> lost;
  for (const FoundPv& pv : scan.pvs) {
    const bool has_group =
        std::ranges::any_of(scan.groups, [&](const FoundGroup& group) { return group.vg.name == pv.group; });
    if (pv.state == PvState::unreadable && !has_group) lost.emplace(pv.group, &pv);
  }
  for (const auto& [name, pv] : lost)
    damage.push_back(make_damage(
        "VG-UNREADABLE", fmt::format("no copy of the metadata of {} can be read; one is on {}",
                                     name.empty() ? "a volume group" : name, pv->disk.device->path())));
  std::ranges::stable_sort(damage, std::ranges::greater(), &Damage::severity);
  return damage;
}

bool has_announced(const disk::AreaHeader& header) {
  return !header.precommitted.empty() && header.precommitted.size.n != 0 &&
         header.precommitted.offset != header.committed.offset;
}

bool is_countable(const PhysicalVolume& pv, Sectors extent_size) {
  constexpr std::uint64_t kFar = std::uint64_t{1} << 52;
  return pv.pe_start.n < kFar && to_sectors(pv.pe_count, extent_size).n < kFar;
}

bool reaches_into_data(const disk::DiskArea& area, const PhysicalVolume& pv, Sectors extent_size) {
  if (!is_countable(pv, extent_size) || area.size.n > UINT64_MAX - area.offset.n) return true;
  const Bytes begin = to_bytes(pv.pe_start);
  const Bytes end = begin + to_bytes(to_sectors(pv.pe_count, extent_size));
  return area.offset < end && begin < area.offset + area.size;
}

}  // namespace cv::metadata
