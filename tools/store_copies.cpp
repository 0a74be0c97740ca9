#include "tools/store_copies.h"

#include <algorithm>
#include <unordered_set>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_copies.h"
#include "metadata/group_index.h"
#include "metadata/store_bytes.h"
#include "tools/group_change.h"

namespace cv::tools {

using namespace metadata;

namespace {

std::size_t copies_of(const VolumeGroup& vg, const std::string& store) {
  return keystore_of(lv_at(vg, store))->copies.size();
}

/// Why a store stays with the copies that it has; empty where it need not.
std::string hindrance(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store) {
  const auto copies = read_copies(vg, devices, store);
  if (can_be_copied(store, copies)) return {};
  if (std::ranges::all_of(copies, [](const StoreCopy& copy) { return !copy.trailer && copy.flaw.empty(); }))
    return "its header was taken over as it stands";
  return "no copy is as it should be";
}

/// Calls `visit` with each store of `before` that has fewer copies in `next`, and what it is there.
template <class Visit>
void for_each_with_fewer(const VolumeGroup& before, const VolumeGroup& next, Visit&& visit) {
  const GroupIndex after(next);
  for (const LogicalVolume& lv : before.lvs) {
    const Keystore* had = keystore_of(lv);
    const LogicalVolume* now = had == nullptr ? nullptr : after.find_lv(lv.name);
    const Keystore* store = now == nullptr ? nullptr : keystore_of(*now);
    if (store != nullptr && !store->erasing && store->copies.size() < had->copies.size()) visit(lv, *store);
  }
}

}  // namespace

std::string count_of_copies(std::size_t count) {
  return count == 1 ? "1 copy" : fmt::format("{} copies", count);
}

void fill_new_copies(const Transaction& change) {
  const GroupIndex after(change.prepared());
  std::unordered_set<LvId> known;
  for (const LogicalVolume& lv : change.current().lvs) known.insert(lv.id);
  for (const LogicalVolume& lv : change.prepared().lvs) {
    const Keystore* store = keystore_of(lv);
    if (store == nullptr || store->erasing || !known.contains(lv.id)) continue;
    const bool has_new = std::ranges::any_of(store->copies, [&](const Area& copy) {
      const auto* data = std::get_if<LogicalArea>(&copy);
      const LogicalVolume* volume = data == nullptr ? nullptr : after.find_lv(data->lv);
      return volume != nullptr && !known.contains(volume->id);
    });
    if (has_new) metadata::fill_new_copies(change.current(), change.prepared(), change.devices(), lv);
  }
}

bool has_sound_copy(const VolumeGroup& vg, const PvDevices& devices, const std::string& store) {
  return hindrance(vg, devices, lv_at(vg, store)).empty();
}

void complete_copies(Transaction& change) {
  const VolumeGroup& vg = change.current();
  if (!is_native(vg)) return;
  VolumeGroup next = vg;
  std::vector<std::string> grown;
  for (const LogicalVolume& lv : vg.lvs) {
    const Keystore* store = keystore_of(lv);
    if (store == nullptr || store->erasing) continue;
    const unsigned wanted = wanted_copies(vg, *store);
    if (store->copies.size() >= wanted) continue;
    const std::string why = hindrance(vg, change.devices(), lv);
    if (!why.empty()) {
      log::warning("the keystore {}/{} stays with {}: {}; 'cvconvert --copies {} {}/{}' gives it more",
                   vg.name, lv.name, count_of_copies(store->copies.size()), why, wanted, vg.name, lv.name);
      continue;
    }
    next = add_copies(std::move(next), lv.name, wanted, {}, fresh_ids());
    const auto count = copies_of(next, lv.name);
    if (count > store->copies.size()) grown.push_back(lv.name);
    if (count < wanted && store->copies_wanted)
      log::warning("the keystore {}/{} has {}, {} are wanted: no other physical volume has room for one",
                   vg.name, lv.name, count_of_copies(count), wanted);
  }
  if (grown.empty()) return;
  change.prepare(std::move(next), "copied " + listed(grown));
  fill_new_copies(change);
  change.commit();
  for (const std::string& store : grown)
    log::notice("The keystore {}/{} has {} now.", vg.name, store, count_of_copies(copies_of(vg, store)));
}

void move_copies_off(Session& session, Transaction& change, const VolumeGroup& base,
                     const std::vector<PvId>& pvs) {
  const auto stores = stores_with_copies_on(base, pvs);
  if (stores.empty()) return;
  if (!is_native(change.current())) {
    // What is copied has to be what is committed.
    change.prepare(base, "put into native form");
    change.commit();
  }
  change.prepare(metadata::move_copies_off(base, pvs, fresh_ids(), origin_of(session)),
                 "moved copies of " + listed(stores));
  fill_new_copies(change);
  change.commit();
  for (const std::string& store : stores)
    log::notice("The keystore {}/{} has its copies elsewhere now.", base.name, store);
  warn_of_fewer_copies(base, change.current());
  during(fmt::format("{} has left, but its old copies are not yet overwritten", listed(stores)),
         [&] { finish_erasing(session, change); });
}

VolumeGroup with_copies_of_before(const Transaction& change, VolumeGroup vg, const VolumeGroup& before) {
  if (!is_native(change.current())) return vg;
  std::vector<std::string> stores;
  for_each_with_fewer(before, vg, [&](const LogicalVolume& had, const Keystore&) {
    if (hindrance(before, change.devices(), had).empty()) stores.push_back(had.name);
  });
  for (const std::string& store : stores)
    vg = add_copies(std::move(vg), store, static_cast<unsigned>(copies_of(before, store)), {}, fresh_ids());
  return vg;
}

void warn_of_fewer_copies(const VolumeGroup& before, const VolumeGroup& next) {
  for_each_with_fewer(before, next, [&](const LogicalVolume& had, const Keystore& store) {
    log::warning("the keystore {}/{} goes on with {} instead of {}: no other physical volume has room",
                 next.name, had.name, count_of_copies(store.copies.size()), keystore_of(had)->copies.size());
  });
}

}  // namespace cv::tools
