#include "tests/support/random_edits.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "metadata/check.h"
#include "metadata/edit_copies.h"
#include "metadata/edit_group.h"
#include "metadata/edit_properties.h"
#include "metadata/edit_pvs.h"
#include "metadata/edit_reduce.h"
#include "metadata/edit_rename.h"
#include "metadata/edit_split.h"
#include "metadata/group_text.h"
#include "metadata/iv_space.h"
#include "metadata/usage.h"
#include "tests/support/group_builder.h"

namespace cv::test {

using namespace metadata;

namespace {

Placement some_stripes(EditWorld& world) {
  Placement placement;
  placement.stripes = 1 + static_cast<std::uint32_t>(world.pick(3));
  placement.stripe_size = Sectors(std::uint64_t{8} << world.pick(5));
  return placement;
}

void create_any_plain(EditWorld& world) {
  NewVolume wanted = volume_called(world.new_name(), 1 + world.pick(8));
  wanted.placement.stripes = 1 + static_cast<std::uint32_t>(world.pick(3));
  wanted.placement.stripe_size = Sectors(128);
  constexpr Allocation kPolicies[] = {Allocation::inherit, Allocation::normal, Allocation::cling,
                                      Allocation::contiguous, Allocation::anywhere};
  wanted.placement.policy = kPolicies[world.pick(5)];
  world.vg = create_plain(world.vg, wanted, world.ids);
}

void create_crypt_with_store(EditWorld& world) {
  const std::string name = world.new_store_name();
  NewKeystore store = world.pick(2) == 0 ? luks_store(name) : plain_store(name);
  store.region = store.region.n == 0 ? Bytes(0) : Bytes(100000);
  store.copies = static_cast<unsigned>(world.pick(3));
  if (world.pick(3) == 0) store.sector_bytes = 4096;
  if (world.pick(3) == 0) store.cipher = "aes-xts-plain";
  const VolumeGroup vg = create_store(world.vg, store, world.ids);
  world.vg = create_crypt(vg, crypt_volume(world.new_name(), 1 + world.pick(6), name), world.ids);
}

void create_crypt_on_store(EditWorld& world) {
  const std::string store = world.some_store();
  if (store.empty()) return;
  NewCryptVolume wanted = crypt_volume(world.new_name(), 1 + world.pick(6), store);
  wanted.volume.placement = some_stripes(world);
  world.vg = create_crypt(world.vg, wanted, world.ids);
}

void extend_some(EditWorld& world) {
  const std::string name = world.some_volume();
  if (name.empty()) return;
  Placement placement;
  // Else those of the last segment.
  if (world.pick(3) == 0) {
    placement = some_stripes(world);
    placement.own_stripes = true;
  }
  world.vg = extend(world.vg, name, Extents(1 + world.pick(5)), placement);
}

void reduce_some(EditWorld& world) {
  const std::string name = world.some_volume();
  if (name.empty()) return;
  const LogicalVolume& lv = lv_at(world.vg, name);
  const Extents to(1 + world.pick(size_of(lv).n));
  if (to_sectors(to, world.vg.extent_size) <= payload_offset_of(lv)) return;
  if (reduced_size(world.vg, name, to) < size_of(lv)) world.vg = reduce(world.vg, name, to);
}

void rename_some(EditWorld& world) {
  const std::string name = world.some_volume();
  if (!name.empty()) world.vg = rename_volume(world.vg, name, world.new_name());
}

bool is_of_an_edit(const std::string& store) {
  return store.size() >= std::string_view("cryptostore1000").size();
}

void rename_store(EditWorld& world) {
  const std::string store = world.some_store();
  if (is_of_an_edit(store)) world.vg = rename_volume(world.vg, store, world.new_store_name());
}

void change_copies(EditWorld& world) {
  const std::string store = world.some_store();
  if (!is_of_an_edit(store)) return;
  const auto count = static_cast<unsigned>(keystore_of(lv_at(world.vg, store))->copies.size());
  if (count == 0) return;
  switch (world.pick(3)) {
    case 0: world.vg = add_copies(world.vg, store, count + 1, {}, world.ids); break;
    case 1:
      if (count > 1)
        world.vg =
            give_up_copies(world.vg, store, {static_cast<unsigned>(1 + world.pick(count))}, world.ids, {});
      break;
    default: world.vg = want_copies(world.vg, store, count); break;
  }
  world.vg = remove_stores(world.vg, stores_being_erased(world.vg));
}

void move_copies(EditWorld& world) {
  if (!world.pvs_change) return;
  world.vg = move_copies_off(world.vg, {world.one_of(world.vg.pvs).id}, world.ids, {});
  world.vg = remove_stores(world.vg, stores_being_erased(world.vg));
}

void change_some(EditWorld& world) {
  const std::string name = world.some_volume();
  if (name.empty()) return;
  NewProperties wanted{.add_tags = {world.new_name()}, .writable = world.pick(2) == 0};
  wanted.delete_tags = lv_at(world.vg, name).tags;
  if (world.pick(2) == 0) wanted.allocation = Allocation::cling;
  if (world.pick(2) == 0)
    wanted.device.read_ahead = NumberSetting(static_cast<std::uint32_t>(world.pick(3)) * 8);
  const auto minor = static_cast<std::uint32_t>(world.pick(1U << 20));
  const bool is_free =
      std::ranges::none_of(world.vg.lvs, [&](const LogicalVolume& lv) { return lv.minor == minor; });
  if (is_free && world.pick(3) == 0) wanted.device.minor = NumberSetting(minor);
  if (world.pick(3) == 0)
    wanted.device = {.read_ahead = NumberSetting(std::nullopt), .minor = NumberSetting(std::nullopt)};
  world.vg = change_properties(world.vg, name, wanted);
}

void remove_some(EditWorld& world) {
  const std::string name = world.some_volume();
  if (name.empty()) return;
  world.vg = remove_volume(world.vg, name, world.pick(2) == 0);
  world.vg = remove_stores(world.vg, stores_being_erased(world.vg));
}

void import_some(EditWorld& world) {
  const std::string name = world.some_volume();
  if (name.empty()) return;
  const LogicalVolume& lv = lv_at(world.vg, name);
  const std::uint64_t payload = world.pick(2) == 0 ? world.vg.extent_size.n : 200;
  if (crypt_of(lv) != nullptr || payload_size(world.vg, lv) <= Sectors(payload)) return;
  Import import;
  import.lv = name;
  import.store = world.new_store_name();
  import.header.handler = "luks1";
  import.header.cipher = "aes-xts-plain64";
  import.header.key_bits = 512;
  import.header.header_size = Bytes(100000);
  import.header.payload_offset = Sectors(payload);
  world.vg = import_luks(world.vg, import, world.ids);
  if (world.pick(2) == 0) world.vg = forget_old_header(world.vg, name);
}

void tag_group(EditWorld& world) {
  auto& tags = world.vg.tags;
  if (!tags.empty() && tags.back().starts_with("random") && world.pick(2) == 0) {
    tags.pop_back();
  } else {
    tags.push_back("random" + world.new_name());
  }
}

void add_a_pv(EditWorld& world) {
  if (!world.pvs_change) return;
  PhysicalVolume pv;
  const std::string number = world.new_name();
  pv.id = id_of<PvId>(500 + std::stoul(number.substr(1)));
  set_flag(pv.flags, "ALLOCATABLE");
  pv.pe_start = Sectors(2048);
  pv.pe_count = Extents(5 + world.pick(20));
  pv.dev_size = pv.pe_start + to_sectors(pv.pe_count, world.vg.extent_size);
  world.vg = add_pvs(world.vg, {pv});
}

void remove_a_pv(EditWorld& world) {
  if (!world.pvs_change) return;
  const auto unused = unused_pvs(world.vg);
  if (!unused.empty() && world.vg.pvs.size() > 3) world.vg = remove_pvs(world.vg, {world.one_of(unused)});
}

void resize_a_pv(EditWorld& world) {
  if (!world.pvs_change) return;
  const PhysicalVolume& pv = world.one_of(world.vg.pvs);
  const Extents extents =
      pv.pe_count + Extents(world.pick(6)) - Extents(std::min<std::uint64_t>(2, pv.pe_count.n));
  const Sectors end = pv.pe_start + to_sectors(extents, world.vg.extent_size);
  try {
    world.vg = resize_pv(world.vg, pv.id, end, end);
  } catch (const Error& error) {
    if (error.code() != Errc::in_use) throw;
  }
}

void lose_a_pv(EditWorld& world) {
  if (!world.pvs_change) return;
  if (world.vg.pvs.size() < 4) return;
  const std::set<PvId> missing{world.one_of(world.vg.pvs).id};
  const Loss loss = loss_of(world.vg, missing);
  for (const std::string& lv : loss.volumes)
    if (!world.is_own(lv_at(world.vg, lv))) return;
  world.vg = give_up_missing(remove_lost(world.vg, loss), missing);
  world.vg = remove_stores(world.vg, stores_being_erased(world.vg));
}

/// A part of the group goes, and comes back.
void split_and_merge(EditWorld& world) {
  if (!world.pvs_change) return;
  const std::string name = world.some_volume();
  if (name.empty()) return;
  const auto pvs = pvs_of_volume(world.vg, name);
  const Split split = split_group(world.vg, "other", id_of<VgId>(77), pvs);
  world.vg = forget_former_ids(merge_groups(split.rest, finish_split(split.split_off, split.rest.system_id)));
}

struct RandomEdit {
  const char* name;
  unsigned weight;  ///< how often it is chosen, beside the others
  void (*run)(EditWorld& world);
};

constexpr RandomEdit kEdits[] = {
    {"create a plain volume", 3, create_any_plain},
    {"create an encrypted volume and its store", 3, create_crypt_with_store},
    {"create an encrypted volume on a store", 3, create_crypt_on_store},
    {"extend", 5, extend_some},
    {"reduce", 3, reduce_some},
    {"change properties", 1, change_some},
    {"rename a volume", 2, rename_some},
    {"rename a keystore", 1, rename_store},
    {"change the copies of a keystore", 2, change_copies},
    {"move copies of keystores", 1, move_copies},
    {"remove", 3, remove_some},
    {"import", 1, import_some},
    {"tag the group", 1, tag_group},
    {"add a PV", 1, add_a_pv},
    {"remove a PV", 1, remove_a_pv},
    {"resize a PV", 1, resize_a_pv},
    {"lose a PV", 1, lose_a_pv},
    {"split and merge", 2, split_and_merge},
};

}  // namespace

EditWorld::EditWorld(VolumeGroup start, std::uint64_t seed, std::string own_prefix)
    : vg(std::move(start)), ids(counting_ids()), random_(seed), own_prefix_(std::move(own_prefix)) {}

std::uint64_t EditWorld::pick(std::uint64_t below) {
  return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_);
}

std::string EditWorld::new_name() {
  return fmt::format("{}v{}", own_prefix_, next_++);
}

std::string EditWorld::new_store_name() {
  return fmt::format("cryptostore{}", 1000 + next_++);
}

bool EditWorld::is_own(const LogicalVolume& lv) const {
  return is_visible(lv) && std::string_view(lv.name).starts_with(own_prefix_);
}

std::string EditWorld::some_volume() {
  std::vector<std::string> names;
  for (const LogicalVolume& lv : vg.lvs)
    if (is_own(lv)) names.emplace_back(lv.name);
  return names.empty() ? std::string() : one_of(names);
}

std::string EditWorld::some_store() {
  std::vector<std::string> names;
  for (const LogicalVolume& lv : vg.lvs) {
    const Keystore* store = keystore_of(lv);
    // A store in the RFC's form may say nothing of its cipher.
    if (store != nullptr && !store->erasing && !store->cipher.empty()) names.emplace_back(lv.name);
  }
  return names.empty() ? std::string() : one_of(names);
}

EditOutcome random_edit(EditWorld& world) {
  std::uint64_t all = 0;
  for (const RandomEdit& edit : kEdits) all += edit.weight;
  std::uint64_t at = world.pick(all);
  const RandomEdit* chosen = kEdits;
  while (at >= chosen->weight) at -= chosen++->weight;
  EditOutcome outcome{.edit = chosen->name, .done = false, .reason = {}};
  const VolumeGroup before = world.vg;
  try {
    chosen->run(world);
    outcome.done = !(world.vg == before);
  } catch (const Error& error) {
    if (error.code() != Errc::no_space && error.code() != Errc::refused) throw;
    outcome.reason = error.what();
  }
  return outcome;
}

EditLaws::EditLaws(const VolumeGroup& start) {
  broken_by(start);
}

std::vector<std::string> EditLaws::broken_by(const VolumeGroup& vg) {
  std::vector<std::string> broken;
  for (const Damage& damage : check(vg))
    if (damage.severity == Severity::error) broken.push_back(damage.id + ": " + damage.sentence);
  if (!(read_group(print_group(vg, {})) == vg)) broken.emplace_back("the text does not read back the same");

  Extents all;
  for (const PhysicalVolume& pv : vg.pvs) all += pv.pe_count;
  const Usage usage = usage_of(vg);
  Extents used;
  for (const PvUsage& pv : usage.pvs)
    for (const Taken& taken : pv.taken) used += taken.extents.length();
  if (used + free_extents(usage) != all)
    broken.push_back(
        fmt::format("{} extents are used and {} free, of {}", used.n, free_extents(usage).n, all.n));
  check_ivs(vg, broken);
  check_places(vg, broken);
  return broken;
}

void EditLaws::check_ivs(const VolumeGroup& vg, std::vector<std::string>& broken) {
  std::map<StoreAndVolume, SectorSet> now;
  for (const LogicalVolume& lv : vg.lvs) {
    for (const Segment& segment : lv.segments) {
      const auto* crypt = std::get_if<Crypt>(&segment.kind);
      if (crypt != nullptr) now[{lv_at(vg, crypt->store).id, lv.id}].add(iv_range(vg, lv, segment));
    }
  }
  for (const auto& [who, ivs] : now) {
    SectorSet fresh = ivs;
    for (const SectorRange& known : held_[who].ranges()) fresh.remove(known);
    SectorSet& ever = ever_of_store_[who.first];
    for (const SectorRange& range : fresh.ranges()) {
      if (const auto again = ever.overlap(range))
        broken.push_back(fmt::format("IVs from {} to {} are given out again", again->begin.n, again->end.n));
      ever.add(range);
    }
  }
  held_ = std::move(now);
}

/// By logical extent at which each row of stripes begins: the physical extents of the row. Volumes whose
/// place can't be told have none.
EditLaws::Places EditLaws::places_of(const VolumeGroup& vg, const LogicalVolume& lv) {
  Places places;
  for (const Segment& segment : lv.segments) {
    if (const auto* crypt = std::get_if<Crypt>(&segment.kind)) {
      const auto* area = std::get_if<LogicalArea>(&crypt->area);
      if (area == nullptr) return {};
      for (const auto& [at, row] : places_of(vg, lv_at(vg, area->lv)))
        if (at >= area->first && at - area->first < segment.count)
          places[segment.start + (at - area->first)] = row;
    } else if (const auto* striped = std::get_if<Striped>(&segment.kind)) {
      const std::uint64_t width = striped->stripes.size();
      for (std::uint64_t row = 0; row < segment.count.n / width; ++row) {
        for (const Area& area : striped->stripes) {
          const auto* physical = std::get_if<PhysicalArea>(&area);
          if (physical == nullptr) return {};
          places[segment.start + Extents(row * width)].emplace_back(physical->pv,
                                                                    physical->first + Extents(row));
        }
      }
    } else {
      return {};
    }
  }
  return places;
}

void EditLaws::check_places(const VolumeGroup& vg, std::vector<std::string>& broken) {
  std::map<LvId, Volume> now;
  for (const LogicalVolume& lv : vg.lvs) {
    if (!is_visible(lv)) continue;
    const Volume& here = now[lv.id] = {crypt_of(lv) != nullptr, places_of(vg, lv)};
    const auto before = volumes_.find(lv.id);
    if (before == volumes_.end()) continue;
    // An import may take the header's extents off the front.
    if (here.encrypted && !before->second.encrypted) continue;
    for (const auto& [at, row] : before->second.places) {
      const auto found = here.places.find(at);
      if (found != here.places.end() && found->second != row)
        broken.push_back(fmt::format("extent {} of {} is elsewhere", at.n, lv.name));
    }
  }
  volumes_ = std::move(now);
}

std::uint64_t seed_from_environment() {
  const char* given = std::getenv("CVM_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

}  // namespace cv::test
