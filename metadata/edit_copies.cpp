#include "metadata/edit_copies.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "lib/base/error.h"
#include "lib/base/match.h"
#include "metadata/edit_parts.h"
#include "metadata/usage.h"

namespace cv::metadata {

namespace {

const LogicalArea& area_of(const VolumeGroup& vg, const std::string& store, const Area& copy) {
  if (const auto* logical = std::get_if<LogicalArea>(&copy)) return *logical;
  throw Error(Errc::damaged, "a copy of {}/{} has no volume of its own", vg.name, store)
      .advise("look with cvck");
}

std::vector<PvId> pvs_of_copy(const VolumeGroup& vg, const Area& copy) {
  return match(
      copy, [](const PhysicalArea& on_pv) { return std::vector<PvId>{on_pv.pv}; },
      [&](const LogicalArea& data) {
        const LogicalVolume* lv = find_lv(vg, data.lv);
        return lv == nullptr ? std::vector<PvId>() : pvs_of(*lv);
      });
}

/// Those of `data` whose numbers are in the list, or those that are not.
std::vector<std::size_t> chosen(const std::vector<std::size_t>& data, const std::vector<unsigned>& numbers,
                                bool in_list) {
  std::vector<std::size_t> some;
  for (unsigned number = 1; number <= data.size(); ++number)
    if ((std::ranges::find(numbers, number) != numbers.end()) == in_list) some.push_back(data[number - 1]);
  return some;
}

/// Where all copies may go at once.
VolumeGroup give_up(VolumeGroup vg, const std::string& store, const std::vector<unsigned>& numbers,
                    const NewId& new_id, const Origin& origin) {
  Keystore keystore = std::get<Keystore>(store_segment(vg, store).kind);
  const auto data = data_of_copies(vg, store);
  keystore.erasing = true;
  keystore.copies.clear();
  keystore.copies_wanted.reset();
  keystore.slot_names = {};

  LogicalVolume given_up;
  given_up.name = next_store_name(vg);
  given_up.id = new_id();
  given_up.flags = lv_at(vg, store).flags;
  given_up.creation_time = origin.time;
  given_up.creation_host = origin.host;
  Segment segment;
  segment.count = store_segment(vg, store).count;
  segment.kind = std::move(keystore);
  given_up.segments.push_back(std::move(segment));
  const std::string name = given_up.name;
  vg.lvs.push_back(std::move(given_up));
  set_copies(vg, name, chosen(data, numbers, true));
  set_copies(vg, store, chosen(data, numbers, false));
  order_volumes(vg);
  return vg;
}

}  // namespace

Segment& store_segment(VolumeGroup& vg, const std::string& name) {
  LogicalVolume* lv = find_lv(vg, name);
  if (lv == nullptr || keystore_of(*lv) == nullptr)
    throw Error(Errc::refused, "{}/{} is no keystore", vg.name, name)
        .advise("`cvs -a {}` lists the keystores", vg.name);
  if (keystore_of(*lv)->erasing)
    throw Error(Errc::refused, "the keystore {}/{} is being erased", vg.name, name);
  return lv->segments.front();
}

std::vector<std::size_t> data_of_copies(const VolumeGroup& vg, const std::string& store) {
  std::vector<std::size_t> found;
  for (const Area& copy : keystore_of(lv_at(vg, store))->copies) {
    const auto lv = std::ranges::find(vg.lvs, area_of(vg, store, copy).lv, &LogicalVolume::name);
    if (lv == vg.lvs.end())
      throw Error(Errc::damaged, "a copy of {}/{} has no volume of its own", vg.name, store)
          .advise("look with cvck");
    found.push_back(static_cast<std::size_t>(lv - vg.lvs.begin()));
  }
  return found;
}

void set_copies(VolumeGroup& vg, const std::string& store, const std::vector<std::size_t>& data) {
  auto& copies = std::get<Keystore>(find_lv(vg, store)->segments.front().kind).copies;
  copies.clear();
  for (const std::size_t number : data) {
    LogicalVolume& lv = vg.lvs[number];
    lv.name = data_lv_name(store, static_cast<unsigned>(copies.size() + 1));
    copies.emplace_back(LogicalArea{lv.name, Extents(0)});
  }
}

void place_copies(VolumeGroup& vg, const std::string& name, Keystore& store, Extents size, unsigned count,
                  const std::vector<PvId>& avoid, const NewId& new_id) {
  std::vector<PvId> taken = avoid;
  for (const Area& copy : store.copies) std::ranges::copy(pvs_of_copy(vg, copy), std::back_inserter(taken));
  while (store.copies.size() < count) {
    const auto number = static_cast<unsigned>(store.copies.size() + 1);
    LogicalVolume data = make_data_lv(data_lv_name(name, number), new_id);
    during(fmt::format("copy {} of {}", number, name), [&] {
      Room room(vg, Placement{}, Sectors(1), taken);
      extend_data(room, data, size);
    });
    std::ranges::copy(pvs_of(data), std::back_inserter(taken));
    store.copies.emplace_back(LogicalArea{data.name, Extents(0)});
    vg.lvs.push_back(std::move(data));
  }
}

unsigned wanted_copies(const VolumeGroup& vg, const Keystore& store) {
  const auto have = static_cast<unsigned>(store.copies.size());
  if (have == 0) return 0;
  const auto usual = static_cast<unsigned>(std::min<std::size_t>(kUsualCopies, vg.pvs.size()));
  return std::max(have, store.copies_wanted.value_or(usual));
}

VolumeGroup add_copies(VolumeGroup vg, const std::string& store, unsigned count,
                       const std::vector<PvId>& avoid, const NewId& new_id) {
  Segment segment = store_segment(vg, store);
  auto& keystore = std::get<Keystore>(segment.kind);
  static_cast<void>(data_of_copies(vg, store));
  try {
    place_copies(vg, store, keystore, segment.count, count, avoid, new_id);
  } catch (const Error& error) {
    if (error.code() != Errc::no_space) throw;
  }
  store_segment(vg, store) = std::move(segment);
  order_volumes(vg);
  return vg;
}

VolumeGroup give_up_copies(VolumeGroup vg, const std::string& store, const std::vector<unsigned>& numbers,
                           const NewId& new_id, const Origin& origin) {
  CV_ASSERT(numbers.size() < std::get<Keystore>(store_segment(vg, store).kind).copies.size());
  return give_up(std::move(vg), store, numbers, new_id, origin);
}

VolumeGroup want_copies(VolumeGroup vg, const std::string& store, unsigned count) {
  std::get<Keystore>(store_segment(vg, store).kind).copies_wanted = count;
  return vg;
}

std::vector<unsigned> copies_on(const VolumeGroup& vg, const LogicalVolume& store,
                                const std::vector<PvId>& pvs) {
  std::vector<unsigned> numbers;
  const auto& copies = keystore_of(store)->copies;
  for (unsigned number = 1; number <= copies.size(); ++number) {
    const auto there = pvs_of_copy(vg, copies[number - 1]);
    if (std::ranges::find_first_of(there, pvs) != there.end()) numbers.push_back(number);
  }
  return numbers;
}

std::vector<std::string> stores_with_copies_on(const VolumeGroup& vg, const std::vector<PvId>& pvs) {
  std::unordered_set<std::string_view> data;
  for (const LogicalVolume& lv : vg.lvs) {
    const auto there = pvs_of(lv);
    if (!is_visible(lv) && std::ranges::find_first_of(there, pvs) != there.end()) data.insert(lv.name);
  }
  std::vector<std::string> stores;
  for (const LogicalVolume& lv : vg.lvs) {
    const Keystore* store = keystore_of(lv);
    if (store == nullptr || store->erasing) continue;
    const bool on_one = std::ranges::any_of(store->copies, [&](const Area& copy) {
      const auto* logical = std::get_if<LogicalArea>(&copy);
      return logical != nullptr && data.contains(logical->lv);
    });
    if (on_one) stores.push_back(lv.name);
  }
  return stores;
}

VolumeGroup move_copies_off(VolumeGroup vg, const std::vector<PvId>& pvs, const NewId& new_id,
                            const Origin& origin) {
  for (const std::string& store : stores_with_copies_on(vg, pvs)) {
    const auto count = static_cast<unsigned>(keystore_of(lv_at(vg, store))->copies.size());
    const auto numbers = copies_on(vg, lv_at(vg, store), pvs);
    vg = add_copies(give_up(std::move(vg), store, numbers, new_id, origin), store, count, pvs, new_id);
    if (!keystore_of(lv_at(vg, store))->copies.empty()) continue;
    throw Error(Errc::no_space,
                "no other physical volume of {} has room for the only copy of the keystore {}", vg.name,
                store)
        .advise("free {} extents on one of the others", lv_at(vg, store).segments.front().count.n);
  }
  return vg;
}

}  // namespace cv::metadata
