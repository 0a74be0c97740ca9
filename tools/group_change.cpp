#include "tools/group_change.h"

#include <algorithm>
#include <sstream>
#include <unordered_set>

#include "activate/device_name.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/match.h"
#include "lib/crypt/key_slots.h"
#include "metadata/group_index.h"
#include "metadata/group_moves.h"
#include "metadata/iv_space.h"
#include "metadata/store_bytes.h"
#include "metadata/usage.h"
#include "tools/common_options.h"

namespace cv::tools {

using namespace metadata;

NewId fresh_ids() {
  return [] { return LvId::random(); };
}

Origin origin_of(Session& session) {
  const StoreOptions& options = session.store().options();
  return {options.now(), options.host_name};
}

namespace {

/// Goes on with a split that the group has a part in. The group must not be locked by us.
void finish_split_of(Session& session, const std::string& vg) {
  const Scan seen = session.store().scan();
  for (const FoundGroup& group : seen.groups) {
    if (group.vg.name != vg) continue;
    const UnfinishedSplit split = unfinished_split(seen, group.vg.id);
    if (split.to != nullptr) finish_split(session.store(), split);
    return;
  }
}

/// Whether the group can't be changed before a split is finished.
bool waits_for_split(const std::vector<Obstacle>& obstacles) {
  return std::ranges::find(obstacles, Hindrance::unfinished, &Obstacle::kind) != obstacles.end();
}

}  // namespace

Transaction begin_change(Session& session, const std::string& vg, const BeginOptions& options) {
  if (!session.is_test()) {
    BeginOptions first_look = options;
    first_look.despite.push_back(Hindrance::unfinished);
    Transaction change = session.store().begin(vg, first_look);
    if (!waits_for_split(change.obstacles())) {
      settle(change);
      finish_erasing(session, change);
      heal_stores(session, change.current(), change.devices());
      return change;
    }
  }
  if (!session.is_test()) finish_split_of(session, vg);
  return session.store().begin(vg, options);
}

void heal_stores(Session& session, const VolumeGroup& vg, const PvDevices& devices) {
  for (const std::string& name : session.stores_to_heal(vg.id)) {
    const LogicalVolume* store = find_lv(vg, name);
    if (store == nullptr || keystore_of(*store) == nullptr || keystore_of(*store)->erasing) continue;
    try {
      for (const unsigned number : heal_copies(vg, devices, *store))
        log::notice("Copy {} of the keystore {}/{} was written anew", number, vg.name, name);
    } catch (const Error& error) {
      log::warning("the copies of the keystore {}/{} could not be healed: {}", vg.name, name, error.what());
    }
  }
  session.forget_healing(vg.id);
}

void erase_store(Session& session, const Transaction& change, const std::string& name) {
  const LogicalVolume& store = lv_at(change.current(), name);
  during(fmt::format("erasing the keystore {}/{}", change.current().name, name),
         [&] { erase_copies(change.current(), change.devices(), store); });
  session.keys().forget({change.current().id, store.id});
}

void finish_erasing(Session& session, Transaction& change) {
  const auto stores = stores_being_erased(change.current());
  if (stores.empty()) return;
  for (const std::string& name : stores) erase_store(session, change, name);
  change.prepare(remove_stores(change.current(), stores), "erased " + listed(stores));
  change.commit();
  for (const std::string& name : stores) log::info("Keystore {}/{} erased", change.current().name, name);
}

VolumeGroup base_of(Session& session, Purpose purpose, const VolumeGroup& current, const PvDevices& devices,
                    bool needs_native) {
  const bool native = is_native(current);
  if (!native && session.arguments().has(kKeepFormat)) {
    if (!needs_native) return current;
    throw Error(Errc::refused, "{} is in the old form, in which this change can't be written", current.name)
        .advise("leave --keep-format away");
  }
  VolumeGroup base = native ? current : to_native(current, fresh_ids());
  const bool speaks = purpose == Purpose::change;
  if (speaks && !native)
    log::notice("Volume group \"{}\" is put into its present form; nothing moves", current.name);
  for (LogicalVolume& lv : base.lvs) {
    if (keystore_of(lv) == nullptr) continue;
    const auto known = iv_next_of_trailers(base, devices, lv);
    auto& store = std::get<Keystore>(lv.segments.front().kind);
    if (!known || *known <= store.iv_next.value_or(Sectors())) continue;
    if (speaks)
      log::warning(
          "{}/{} has used more IVs than the metadata says: a change did not finish, or an older text was "
          "restored",
          base.name, lv.name);
    store.iv_next = *known;
  }
  return base;
}

void require_consent_to_crypt(Session& session, const VolumeGroup& vg) {
  if (has_crypt(vg)) return;
  const auto others = volumes_that_need_stock(vg);
  if (others.empty()) return;
  session.require_confirmed(fmt::format(
      "With an encrypted volume in it, stock LVM2 will refuse every change of {}, and so the upkeep of {} "
      "(growing thin pools, repairing RAID, merging snapshots). Do you really want that?",
      vg.name, fmt::join(others, ", ")));
}

void require_copies_in_reach(const FoundGroup& group, const std::vector<std::string>& stores) {
  const auto is_missing = [&](const PvId& id) {
    const auto device = group.devices.find(id);
    return device != group.devices.end() && device->second == nullptr;
  };
  for (const std::string& name : stores) {
    std::vector<std::string> missing;
    const auto look_at = [&](const PvId& id) {
      if (!is_missing(id)) return;
      const std::string& seen = find_pv(group.vg, id)->device;
      missing.push_back(id.text() + (seen.empty() ? "" : fmt::format(" (last seen as {})", seen)));
    };
    for (const Area& area : keystore_of(lv_at(group.vg, name))->copies)
      match(
          area, [&](const PhysicalArea& on_pv) { look_at(on_pv.pv); },
          [&](const LogicalArea& data) { std::ranges::for_each(pvs_of(lv_at(group.vg, data.lv)), look_at); });
    if (missing.empty()) continue;
    throw Error(Errc::refused,
                "copies of the keystore {}/{} would survive on physical volumes that are missing: {}",
                group.vg.name, name, fmt::join(missing, ", "))
        .advise(
            "bring them back first. Where they are lost, 'cvm vgreduce --removemissing {}' lets the rest "
            "be erased, but whoever finds one and knows a secret of today has the key",
            group.vg.name);
  }
}

activate::TreeInputs tree_inputs(const PvDevices& devices, activate::StoreKeys keys) {
  activate::TreeInputs inputs;
  for (const auto& [id, device] : devices)
    if (device != nullptr) {
      const auto number = inputs.pvs.emplace(id, activate::device_number_of(device->path())).first->second;
      inputs.block_bytes.emplace(number, static_cast<std::uint32_t>(device->block_size().n));
    }
  inputs.keys = std::move(keys);
  return inputs;
}

std::string shown(const activate::Plan& plan) {
  std::string text;
  std::istringstream lines(activate::describe(plan));
  for (std::string line; std::getline(lines, line);) text += "  " + line + "\n";
  return text;
}

void require_inactive_if_foreign(Session& session, const VolumeGroup& vg, const std::string& volume,
                                 const std::vector<std::string>& lvs) {
  if (activate::is_manageable(vg, volume)) return;
  const auto device = session.activator().any_device_of(vg, lvs);
  if (!device) return;
  throw Error(Errc::in_use, "{}/{} is active as {}, and only LVM2 can change it while it is", vg.name, volume,
              device->name)
      .advise("deactivate it first: lvchange -an {}/{}", vg.name, volume);
}

void require_inactive_if_foreign(Session& session, const VolumeGroup& vg,
                                 const std::vector<std::string>& volumes) {
  const auto all = activate::foreign_volumes(vg);
  const std::unordered_set<std::string_view> foreign(all.begin(), all.end());
  std::vector<std::string> named;
  for (const std::string& volume : volumes)
    if (foreign.contains(volume)) named.push_back(volume);
  if (named.empty() || !session.activator().any_device_of(vg, volumes_concerned(vg, named))) return;
  for (const std::string& volume : named)
    require_inactive_if_foreign(session, vg, volume, volumes_concerned(vg, {volume}));
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kListed = 8;
  if (names.size() <= kListed) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} and {} more", fmt::join(names.begin(), names.begin() + kListed, ", "),
                     names.size() - kListed);
}

void require_same_store(const VolumeGroup& before, const VolumeGroup& now, const std::string& store) {
  const LogicalVolume* then = find_lv(before, store);
  const LogicalVolume* here = find_lv(now, store);
  const Keystore* a = then == nullptr ? nullptr : keystore_of(*then);
  const Keystore* b = here == nullptr ? nullptr : keystore_of(*here);
  if (a != nullptr && b != nullptr && then->id == here->id && a->generation == b->generation && !b->erasing)
    return;
  throw Error(Errc::refused, "the keystore {}/{} was changed while its key was being asked for", now.name,
              store)
      .advise("run the command again");
}

void note_used_ivs(const VolumeGroup& current, const VolumeGroup& next, const PvDevices& devices) {
  std::optional<GroupIndex> before;  // most groups need none
  for (const LogicalVolume& lv : next.lvs) {
    const Keystore* store = keystore_of(lv);
    if (store == nullptr) continue;
    if (!before) before.emplace(current);
    const LogicalVolume* same = before->find_lv(lv.name);
    const Keystore* old = same == nullptr ? nullptr : keystore_of(*same);
    if (old != nullptr && store->iv_next != old->iv_next) update_trailers(next, devices, lv);
  }
}

std::optional<std::string> store_with_key(Session& session, const Scan& scan, const crypt::SecureBytes& key) {
  for (const FoundGroup& group : scan.groups) {
    auto unlocker = session.unlocker(group.devices);
    for (const LogicalVolume& lv : group.vg.lvs)
      if (keystore_of(lv) != nullptr && unlocker.is_key_of(group.vg, lv.name, key).value_or(false))
        return group.vg.name + "/" + lv.name;
  }
  return std::nullopt;
}

std::optional<std::string> store_with_digest(Session& session, const Scan& scan, const std::string& handler,
                                             std::span<const std::byte> header) {
  const crypt::KeySlots* slots = session.handlers().at(handler).key_slots();
  CV_ASSERT(slots != nullptr);
  const auto wanted = slots->key_digest(header);
  const auto is_same = [&](const StoreCopy& copy) {
    try {
      return slots->key_digest(copy.bytes) == wanted;
    } catch (const Error&) {
      return false;  // cvck tells of damaged copies
    }
  };
  for (const FoundGroup& group : scan.groups) {
    for (const LogicalVolume& lv : group.vg.lvs) {
      const Keystore* store = keystore_of(lv);
      if (store == nullptr || store->handler != handler) continue;
      if (std::ranges::any_of(read_copies(group.vg, group.devices, lv), is_same))
        return group.vg.name + "/" + lv.name;
    }
  }
  return std::nullopt;
}

}  // namespace cv::tools
