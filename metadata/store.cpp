#include "metadata/store.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include <fmt/ranges.h>

#include "lib/base/blocked_signals.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/device/probe.h"
#include "lib/device/scan.h"
#include "metadata/disk/metadata_area.h"
#include "metadata/hints.h"
#include "metadata/names.h"
#include "metadata/relabel.h"

namespace cv::metadata {
namespace {

constexpr std::size_t kZeroedHead = 2048;

/// The name becomes a part of a path.
void require_vg_name(std::string_view name) {
  if (!is_legal_vg_name(name)) throw Error(Errc::bad_name, "'{}' is no name of a volume group", name);
}

/// Throws where a group of that name is there, or was until it was damaged.
void require_new_group(const Scan& now, std::string_view name) {
  for (const auto& group : now.groups)
    if (group.vg.name == name)
      throw Error(Errc::exists, "there is a volume group {} already", name).advise("choose another name");
  for (const auto& pv : now.pvs)
    if (pv.state == PvState::unreadable && pv.group == name)
      throw Error(Errc::exists, "{} holds a damaged volume group {}", pv.disk.device->path(), name)
          .advise("repair that one, or choose another name");
}

void require_takeable(const FoundPv& pv, bool force, bool take_members) {
  const auto& path = pv.disk.device->path();
  const auto refuse = [&](std::string_view why) {
    if (!force)
      throw Error(Errc::refused, "{} {}", path, why)
          .advise("use --force if you are sure that nothing on it is needed");
  };
  switch (pv.state) {
    case PvState::orphan: return;
    case PvState::member:
      if (take_members) return;
      throw Error(Errc::in_use, "{} is a physical volume of {}", path, pv.group)
          .advise("take it out with 'cvm vgreduce {} {}' first; -ff takes it away from the group as it is",
                  pv.group, path);
    case PvState::used:
      return refuse(is_marked_only(pv) ? "was marked for a volume group that never came to be, or is away"
                                       : "says that it is in a volume group, which can't be found");
    case PvState::outdated: return refuse("has old metadata of a volume group");
    case PvState::unreadable: return refuse("has metadata that can't be read");
    case PvState::duplicate: return refuse("has the id of another physical volume");
  }
}

void require_free(const device::BlockDevice& device) {
  if (device::is_held(device.path()))
    throw Error(Errc::in_use, "{} is in use", device.path())
        .advise("unmount it, or stop what stands above it");
}

void handle_signatures(device::BlockDevice& device, bool wipe) {
  if (wipe) {
    for (const auto& signature : device::wipe_signatures(device))
      log::notice("wiped the {} signature on {}", signature.type, device.path());
    return;
  }
  const auto found = device::foreign_signatures(device);
  if (found.empty()) return;
  std::vector<std::string> types;
  for (const auto& signature : found) types.push_back(signature.type);
  throw Error(Errc::refused, "{} holds something else: {}", device.path(), fmt::join(types, ", "))
      .advise("answer yes, or use --yes, to wipe it");
}

std::vector<device::BlockDevice*> pointers(const std::vector<std::unique_ptr<device::BlockDevice>>& devices) {
  std::vector<device::BlockDevice*> all;
  all.reserve(devices.size());
  for (const auto& device : devices) all.push_back(device.get());
  return all;
}

/// `found` is one of the scan's groups.
FoundGroup take_group(Scan& scan, const FoundGroup& found) {
  const auto index = &found - scan.groups.data();
  FoundGroup group = std::move(scan.groups[static_cast<std::size_t>(index)]);
  scan.groups.erase(scan.groups.begin() + index);
  return group;
}

}  // namespace

std::uint64_t system_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

std::string system_host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

MetadataStore::MetadataStore(std::vector<std::unique_ptr<device::BlockDevice>> devices, StoreOptions options)
    : devices_(std::move(devices)), options_(std::move(options)) {}

Scan MetadataStore::scan(ScanDepth depth) {
  return scan_devices(pointers(devices_), options_.host_system_id, depth, texts_);
}

Scan MetadataStore::report(ScanDepth depth) {
  const auto global = lock(device::kGlobalLock, device::LockMode::shared);
  Scan result = depth == ScanDepth::one_copy
                    ? take_groups(pointers(devices_), options_.host_system_id, texts_)
                    : scan();
  const bool is_clean =
      result.findings.empty() && std::all_of(result.groups.begin(), result.groups.end(),
                                             [](const FoundGroup& group) { return group.findings.empty(); });
  if (is_clean && depth == ScanDepth::one_copy) return result;

  std::set<std::string> names;  // in their order, as LVM2 takes them; one lock where two have one name
  for (const auto& group : result.groups) names.insert(group.vg.name);
  std::vector<device::LockFile> locks;
  for (const auto& name : names) locks.push_back(lock(device::group_lock(name), device::LockMode::shared));
  return scan(depth);
}

LockedScan MetadataStore::lock_for_repair(std::string_view name) {
  require_vg_name(name);
  LockedScan held;
  held.locks.push_back(lock(device::kGlobalLock, device::LockMode::exclusive));
  held.locks.push_back(lock(device::group_lock(name), device::LockMode::exclusive));
  held.scan = scan(ScanDepth::every_copy);
  return held;
}

LockedGroup MetadataStore::read(std::string_view name, device::LockMode mode) {
  require_vg_name(name);
  auto held = lock(device::group_lock(name), mode);
  Scan now = scan();
  return {.lock = std::move(held), .group = take_group(now, group_at(now, name))};
}

Transaction MetadataStore::begin(std::string_view name, const BeginOptions& options) {
  require_vg_name(name);
  std::vector<device::LockFile> locks;
  if (!options.new_name.empty()) {
    CV_ASSERT(options.membership);
    require_vg_name(options.new_name);
    locks = lock_groups(name, options.new_name);
  } else {
    if (options.membership) locks.push_back(lock(device::kGlobalLock, device::LockMode::exclusive));
    locks.push_back(lock(device::group_lock(name), device::LockMode::exclusive));
  }
  auto now = take_groups(pointers(devices_), options_.host_system_id, texts_, name);
  if (!options.new_name.empty()) require_new_group(now, options.new_name);
  auto group = take_group(now, options.id ? group_at(now, *options.id) : group_at(now, name));
  if (group.vg.name != name)
    throw Error(Errc::refused, "the volume group {} was renamed to {} meanwhile", name, group.vg.name)
        .advise("run the command again");
  require_changeable(group, options.despite);
  for (const auto& finding : group.findings) log::warning("{}", finding.sentence);
  return {options_, std::move(locks), std::move(now), std::move(group), options.membership};
}

std::vector<device::LockFile> MetadataStore::lock_groups(std::string_view one, std::string_view other) const {
  std::vector<device::LockFile> locks;
  locks.push_back(lock(device::kGlobalLock, device::LockMode::exclusive));
  // In the order in which LVM2 takes them, so that nobody waits for each other.
  locks.push_back(lock(device::group_lock(std::min(one, other)), device::LockMode::exclusive));
  locks.push_back(lock(device::group_lock(std::max(one, other)), device::LockMode::exclusive));
  return locks;
}

TwoChanges MetadataStore::begin_two(std::string_view one, std::string_view other,
                                    const BeginOptions& options) {
  require_vg_name(one);
  require_vg_name(other);
  if (one == other) throw Error(Errc::usage, "{} is named twice", one).advise("name two volume groups");
  auto locks = lock_groups(one, other);
  const auto now = scan();
  const auto& first = group_at(now, one);
  const auto& second = group_at(now, other);
  require_changeable(first, options.despite);
  require_changeable(second, options.despite);
  return {.one = {options_, std::move(locks), now, first, true}, .other = {options_, {}, now, second, true}};
}

TwoChanges MetadataStore::begin_with_new(std::string_view one, std::string_view other,
                                         const BeginOptions& options) {
  require_vg_name(one);
  require_vg_name(other);
  if (one == other) throw Error(Errc::exists, "there is a volume group {} already", one);
  auto locks = lock_groups(one, other);
  const auto now = scan();
  const auto& first = group_at(now, one);
  require_changeable(first, options.despite);
  require_new_group(now, other);
  FoundGroup none;
  none.vg.name = other;
  return {.one = {options_, std::move(locks), now, first, true},
          .other = {options_, {}, now, std::move(none), true}};
}

Transaction MetadataStore::begin_new(std::string_view name) {
  require_vg_name(name);
  std::vector<device::LockFile> locks;
  locks.push_back(lock(device::kGlobalLock, device::LockMode::exclusive));
  locks.push_back(lock(device::group_lock(name), device::LockMode::exclusive));
  auto now = scan();
  require_new_group(now, name);
  FoundGroup none;
  none.vg.name = name;
  return {options_, std::move(locks), std::move(now), std::move(none), true};
}

disk::Label MetadataStore::create_pv(std::string_view path, NewPv wanted) {
  const auto global = lock(device::kGlobalLock, device::LockMode::exclusive);
  auto& device = device_at(path);
  const auto now = scan();
  if (const auto* pv = find_pv(now, path)) require_takeable(*pv, wanted.force, wanted.take_members);
  for (const auto& pv : now.pvs)
    if (pv.disk.label.id == wanted.id && pv.disk.device != &device)
      throw Error(Errc::exists, "{} has the id {} already", pv.disk.device->path(), wanted.id.text());
  require_free(device);
  wanted.layout.device_size = device.size();
  wanted.layout.optimal_io = device::topology_of(device.path()).optimal_io;
  auto label = during(path, [&] { return lay_out(wanted.layout, wanted.id); });
  handle_signatures(device, wanted.wipe);

  const BlockedSignals signals;
  // No label, no PV: whatever happens before the last write, the device is an empty one.
  if (wanted.zero)
    device.write(Bytes(0), std::array<std::byte, kZeroedHead>{});
  else
    disk::erase_labels(device);
  device.flush();
  for (const auto& area : label.metadata_areas) {
    disk::format_area(device, area);
    if (wanted.ignore_areas) ignore_area(device, area, true);
  }
  device.flush();
  disk::write_label(device, label);
  device.flush();
  drop_hints(options_.lvm_run_dir);
  return label;
}

void MetadataStore::remove_pv(std::string_view path, bool force, bool take_members) {
  const auto global = lock(device::kGlobalLock, device::LockMode::exclusive);
  auto& device = device_at(path);
  const auto now = scan();
  const auto* pv = find_pv(now, path);
  if (pv == nullptr) throw Error(Errc::not_found, "{} is no physical volume", path);
  require_takeable(*pv, force, take_members);
  require_free(device);
  const BlockedSignals signals;
  disk::erase_labels(device);
  device.flush();
  drop_hints(options_.lvm_run_dir);
}

PvOnDisk MetadataStore::orphan_at(std::string_view path) {
  device_at(path);
  const auto now = scan();
  const auto* pv = find_pv(now, path);
  if (pv == nullptr) throw Error(Errc::not_found, "{} is no physical volume", path);
  require_takeable(*pv, false, false);
  return pv->disk;
}

void MetadataStore::resize_orphan(std::string_view path, Bytes size) {
  const auto global = lock(device::kGlobalLock, device::LockMode::exclusive);
  auto pv = orphan_at(path);
  relabel(pv, resized(pv.label, path, size), [](const disk::DiskArea&) {});
}

void MetadataStore::change_orphan_id(std::string_view path, const PvId& id) {
  const auto global = lock(device::kGlobalLock, device::LockMode::exclusive);
  auto pv = orphan_at(path);
  pv.label.id = id;
  disk::write_label(*pv.device, pv.label);
  pv.device->flush();
  drop_hints(options_.lvm_run_dir);
}

void MetadataStore::ignore_orphan_areas(std::string_view path, bool ignore) {
  const auto global = lock(device::kGlobalLock, device::LockMode::exclusive);
  const auto pv = orphan_at(path);
  for (const auto& area : pv.areas)
    if (area.header && area.header->ignored() != ignore) ignore_area(*pv.device, area.place, ignore);
  pv.device->flush();
}

device::BlockDevice* MetadataStore::find_device(std::string_view path) const {
  const auto found = std::find_if(devices_.begin(), devices_.end(),
                                  [&](const auto& device) { return device->path() == path; });
  return found == devices_.end() ? nullptr : found->get();
}

device::BlockDevice& MetadataStore::device_at(std::string_view path) const {
  auto* device = find_device(path);
  if (device != nullptr) return *device;
  throw Error(Errc::not_found, "{} is not among the devices that may be used", path)
      .advise("check that it exists, and the filters or --devices");
}

device::LockFile MetadataStore::lock(std::string_view name, device::LockMode mode) const {
  return {options_.locks, name, mode};
}

}  // namespace cv::metadata
