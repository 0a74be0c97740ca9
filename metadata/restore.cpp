#include "metadata/restore.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <fmt/ranges.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit.h"
#include "metadata/iv_space.h"
#include "metadata/store_bytes.h"

namespace cv::metadata {
namespace {

constexpr Bytes kPage(4096);

using VolumesById = std::map<LvId, const LogicalVolume*>;

VolumesById by_id(const VolumeGroup& vg) {
  VolumesById all;
  for (const auto& lv : vg.lvs) all.emplace(lv.id, &lv);
  return all;
}

const LogicalVolume* find(const VolumesById& all, const LvId& id) {
  const auto found = all.find(id);
  return found == all.end() ? nullptr : found->second;
}

/// iv_next of every store, as iv_next_of() has it, in one pass.
std::unordered_map<std::string_view, Sectors> iv_nexts(const VolumeGroup& vg) {
  std::unordered_map<std::string_view, Sectors> next;
  const auto raise = [&](std::string_view store, Sectors to) {
    auto& known = next[store];
    known = std::max(known, to);
  };
  for (const auto& lv : vg.lvs) {
    if (const auto* store = keystore_of(lv)) raise(lv.name, store->iv_next.value_or(Sectors()));
    for (const auto& segment : lv.segments) {
      const auto* crypt = std::get_if<Crypt>(&segment.kind);
      if (crypt == nullptr) continue;
      raise(crypt->store, iv_range(vg, lv, segment).end);
      raise(crypt->store, crypt->iv_high.value_or(Sectors()));
    }
  }
  return next;
}

/// The end of the IVs in `window` that the volume has ever used, as far as its segments tell.
Sectors used_end_in(const VolumeGroup& vg, const LogicalVolume& lv, const SectorRange& window) {
  Sectors end = window.begin;
  for (const auto& segment : lv.segments) {
    const auto* crypt = std::get_if<Crypt>(&segment.kind);
    if (crypt == nullptr) continue;
    const auto used = iv_range(vg, lv, segment);
    if (!window.covers({used.begin, used.begin + Sectors(1)})) continue;
    end = std::max(
        {end, std::min(used.end, window.end), std::min(crypt->iv_high.value_or(used.end), window.end)});
  }
  return end;
}

bool is_of_group(const FoundPv& pv, const VolumeGroup& file, const FoundGroup* found) {
  switch (pv.state) {
    case PvState::orphan: return true;
    case PvState::member: return found != nullptr && pv.group == found->vg.name;
    case PvState::used: return true;  // of a group that can't be found, as the one in the file
    case PvState::outdated:
    case PvState::unreadable: return pv.group.empty() || pv.group == file.name;
    case PvState::duplicate: return false;
  }
  return false;
}

const FoundGroup* group_with(const Scan& scan, const VgId& id) {
  const auto found = std::ranges::find_if(scan.groups, [&](const FoundGroup& g) { return g.vg.id == id; });
  return found == scan.groups.end() ? nullptr : &*found;
}

void require_room(const PhysicalVolume& pv, const VolumeGroup& file, const device::BlockDevice& device) {
  const Bytes end = to_bytes(pv.pe_start) + to_bytes(to_sectors(pv.pe_count, file.extent_size));
  if (end <= device.size()) return;
  throw Error(Errc::no_space, "{} has {} bytes, the extents of {} need {}", device.path(), device.size().n,
              file.name, end.n)
      .advise("use a device that is as large as the former one");
}

/// Whether one copy of the store is where `vg` has it. The highest generation of its trailers goes to
/// `generation`.
bool is_there(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store,
              const IsStoreHeader& is_header, std::uint64_t& generation) {
  const Keystore& keystore = *keystore_of(store);
  if (keystore.copies.empty()) return true;
  bool found = false;
  for (const auto& copy : read_copies(vg, devices, store)) {
    if (copy.bytes.empty()) continue;
    if (copy.trailer) {
      if (copy.trailer->store != store.id || !(copy.intact || is_header(keystore, copy.bytes))) continue;
      generation = std::max(generation, copy.trailer->generation);
      found = true;
    } else if (keystore.generation.value_or(0) == 0 && is_header(keystore, copy.bytes)) {
      found = true;
    }
  }
  return found;
}

/// Store and data LVs of `file` become those of `current`, in their places.
bool take_over_store(VolumeGroup& file, const LogicalVolume& store, const VolumeGroup& current,
                     const LogicalVolume& now) {
  if (store.name != now.name) return false;
  const auto data_names = [](const LogicalVolume& lv) {
    std::vector<std::string> names;
    for (const Area& area : keystore_of(lv)->copies)
      if (const auto* data = std::get_if<LogicalArea>(&area)) names.push_back(data->lv);
    return names;
  };
  const auto old_names = data_names(store);
  const auto new_names = data_names(now);
  if (new_names.empty()) return false;
  std::vector<LogicalVolume> lvs;
  for (auto& lv : file.lvs) {
    if (lv.name == now.name)
      lvs.push_back(now);
    else if (std::ranges::find(old_names, lv.name) == old_names.end())
      lvs.push_back(std::move(lv));
  }
  for (const auto& name : new_names) lvs.push_back(lv_at(current, name));
  file.lvs = std::move(lvs);
  order_volumes(file);
  return true;
}

}  // namespace

PvDevices devices_to_restore(const VolumeGroup& file, const Scan& scan) {
  const auto* found = group_with(scan, file.id);
  std::map<PvId, const FoundPv*> there;
  for (const auto& pv : scan.pvs)
    if (pv.state != PvState::duplicate) there.emplace(pv.disk.label.id, &pv);
  PvDevices devices;
  std::vector<std::string> missing;
  for (const auto& pv : file.pvs) {
    const auto at = there.find(pv.id);
    if (at == there.end()) {
      missing.push_back(pv.id.text());
      continue;
    }
    if (!is_of_group(*at->second, file, found))
      throw Error(Errc::in_use, "{} belongs to {} now", at->second->disk.device->path(), at->second->group)
          .advise("take it out of that group first");
    if (has_flag(pv.flags, "MISSING"))
      throw Error(Errc::refused, "{} was missing when that was written, its data may be old",
                  at->second->disk.device->path())
          .advise("use an older file, or bring it back with 'vgextend --restoremissing'");
    require_room(pv, file, *at->second->disk.device);
    devices.emplace(pv.id, at->second->disk.device);
  }
  if (!missing.empty())
    throw Error(Errc::not_found, "{} physical volumes of {} are missing: {}", missing.size(), file.name,
                fmt::join(missing, ", "))
        .advise("attach them, or make each anew with 'cvm pvcreate --uuid ID --restorefile FILE DEVICE'");
  return devices;
}

VolumeGroup keep_used_ivs(VolumeGroup file, const VolumeGroup& current) {
  const auto now = by_id(current);
  auto next = iv_nexts(file);
  const auto next_now = iv_nexts(current);
  std::unordered_map<std::string_view, const LogicalVolume*> stores;
  for (const auto& lv : file.lvs) {
    if (keystore_of(lv) == nullptr) continue;
    stores.emplace(lv.name, &lv);
    const auto* same = find(now, lv.id);
    const auto known = same == nullptr ? next_now.end() : next_now.find(same->name);
    if (known != next_now.end()) next[lv.name] = std::max(next[lv.name], known->second);
  }
  for (auto& lv : file.lvs) {
    if (lv.segments.empty()) continue;
    auto* last = std::get_if<Crypt>(&lv.segments.back().kind);
    const auto store = last == nullptr ? stores.end() : stores.find(last->store);
    if (store == stores.end()) continue;
    const auto used = iv_range(file, lv, lv.segments.back());
    const Sectors high = std::max(last->iv_high.value_or(used.end), used.end);
    // Where IVs are packed nothing grows in place, and the window is used up at once.
    const SectorRange window{used.begin, behind_window(*store->second, high)};
    const auto* same = find(now, lv.id);
    const Sectors known = same == nullptr ? window.end : used_end_in(current, *same, window);
    if (known > high) last->iv_high = known;
    auto& store_next = next[last->store];
    store_next = std::max({store_next, known, high});
  }
  for (auto& lv : file.lvs) {
    if (lv.segments.empty()) continue;
    if (auto* store = std::get_if<Keystore>(&lv.segments.front().kind)) {
      const Sectors highest = next[lv.name];
      if (highest > store->iv_next.value_or(Sectors())) store->iv_next = highest;
    }
  }
  return file;
}

/// More than any volume can have used since a file was written: 128 PiB.
constexpr Sectors kLostIvs(std::uint64_t{1} << 48);

VolumeGroup group_to_restore(VolumeGroup file, const VolumeGroup& current, const PvDevices& devices,
                             const IsStoreHeader& is_header, LostStores lost) {
  const auto now = by_id(current);
  std::vector<std::string> names;
  for (const auto& lv : file.lvs)
    if (keystore_of(lv) != nullptr) names.push_back(lv.name);
  for (const auto& name : names) {
    const LogicalVolume store = lv_at(file, name);
    const auto* same = find(now, store.id);
    if (same != nullptr && keystore_of(*same) == nullptr) same = nullptr;
    if (keystore_of(store)->erasing) continue;  // the next change erases what is there
    std::uint64_t generation = keystore_of(store)->generation.value_or(0);
    Sectors trailers = iv_next_of_trailers(file, devices, store).value_or(Sectors());
    if (same != nullptr)
      trailers = std::max(trailers, iv_next_of_trailers(current, devices, *same).value_or(Sectors()));
    if (!is_there(file, devices, store, is_header, generation)) {
      const bool is_elsewhere = same != nullptr && !keystore_of(*same)->erasing &&
                                is_there(current, devices, *same, is_header, generation);
      if (is_elsewhere && take_over_store(file, store, current, *same)) {
        log::warning("keystore {}/{} has moved since that was written: it stays where it is", file.name,
                     name);
      } else if (lost == LostStores::restore_empty) {
        log::warning(
            "the extents of keystore {}/{} no longer hold it: 'cvkey restore' puts a backup of it there",
            file.name, name);
        trailers = std::max(trailers, keystore_of(store)->iv_next.value_or(Sectors()) + kLostIvs);
      } else {
        throw Error(Errc::refused, "the extents of keystore {}/{} no longer hold it", file.name, name)
            .advise(
                "use a file that was written later; 'cvm vgcfgrestore --list {}' shows what there is. If "
                "there is "
                "a backup of the keystore: --force, and then 'cvkey restore'",
                file.name);
      }
    }
    auto& keystore = std::get<Keystore>(find_lv(file, name)->segments.front().kind);
    if (generation > keystore.generation.value_or(0)) keystore.generation = generation;
    if (trailers > keystore.iv_next.value_or(Sectors())) keystore.iv_next = trailers;
  }
  return keep_used_ivs(std::move(file), current);
}

RestoreLosses losses_of(const VolumeGroup& current, const VolumeGroup& next) {
  const auto kept = by_id(next);
  RestoreLosses losses;
  for (const auto& lv : current.lvs) {
    if (find(kept, lv.id) != nullptr) continue;
    if (keystore_of(lv) != nullptr)
      losses.stores.push_back(lv.name);
    else if (is_visible(lv))
      losses.volumes.push_back(lv.name);
  }
  return losses;
}

Transaction begin_restore(MetadataStore& store, const VolumeGroup& file) {
  const auto& settings = store.options().locks;
  std::vector<device::LockFile> locks;
  locks.emplace_back(settings, device::kGlobalLock, device::LockMode::exclusive);
  locks.emplace_back(settings, device::group_lock(file.name), device::LockMode::exclusive);
  auto now = store.scan();
  FoundGroup found;
  found.vg.name = file.name;
  for (const auto& group : now.groups) {
    if (group.vg.id == file.id) {
      if (group.vg.name != file.name)
        throw Error(Errc::refused, "{} is called {} now", file.name, group.vg.name)
            .advise("rename it first: 'cvm vgrename {} {}'", group.vg.name, file.name);
      found = group;
    } else if (group.vg.name == file.name) {
      throw Error(Errc::exists, "there is another volume group {}", file.name)
          .advise("rename that one first");
    }
  }
  require_changeable(
      found, {Hindrance::missing_pvs, Hindrance::conflict, Hindrance::read_only, Hindrance::exported});
  // What devices_to_restore() lets pass may be written to, whatever is left of the group on it.
  const auto devices = devices_to_restore(file, now);
  for (auto& pv : now.pvs)
    if (pv.state != PvState::member && pv.state != PvState::duplicate && devices.contains(pv.disk.label.id))
      pv.state = PvState::orphan;
  // The next text has to be younger than that of the file as well.
  found.vg.seqno = std::max(found.vg.seqno, file.seqno);
  return {store.options(), std::move(locks), std::move(now), std::move(found), true};
}

void follow_backup(PvLayout& layout, const VolumeGroup& file, const PvId& id) {
  const auto* pv = find_pv(file, id);
  if (pv == nullptr)
    throw Error(Errc::not_found, "the backup of {} has no physical volume {}", file.name, id.text());
  const auto number = [&](std::string_view key) {
    for (const auto& node : pv->carried)
      if (node.key == key)
        return Sectors(static_cast<std::uint64_t>(config::as_integer(node.node).value_or(0)));
    return Sectors();
  };
  const Bytes data = to_bytes(pv->pe_start);
  const Bytes data_end = data + to_bytes(to_sectors(pv->pe_count, file.extent_size));
  const Bytes bootloader = to_bytes(number("ba_start"));
  const bool has_bootloader = number("ba_size").n > 0;
  if (data_end > layout.device_size)
    throw Error(Errc::no_space, "the device has {} bytes, the data alone reach up to {}",
                layout.device_size.n, data_end.n)
        .advise("use a device that is as large as the former one");
  // With these lay_out() comes to the same places; an area at the start fills what is left before them.
  const Bytes first = has_bootloader ? bootloader : data;
  layout.data_alignment_offset = first - round_down(first, kPage);
  const Bytes aligned = first - layout.data_alignment_offset;
  layout.data_alignment = layout.metadata_copies == 0 && !has_bootloader ? aligned : kPage;
  if (layout.metadata_copies > 0) layout.metadata_size = aligned - std::min(aligned, kPage);
  layout.bootloader_size = has_bootloader ? data - first - layout.data_alignment_offset : Bytes(0);
  const auto label = lay_out(layout, id);
  const bool is_same = label.data_areas.front().offset == data &&
                       (!has_bootloader || label.bootloader_areas.front().offset == bootloader) &&
                       std::ranges::all_of(label.metadata_areas, [&](const disk::DiskArea& area) {
                         return area.offset < data || area.offset >= data_end;
                       });
  if (!is_same)
    throw Error(Errc::no_space,
                "there is no room for {} metadata areas beside the data, which begin at {} bytes",
                layout.metadata_copies, data.n)
        .advise("use another number in --pvmetadatacopies");
}

}  // namespace cv::metadata
