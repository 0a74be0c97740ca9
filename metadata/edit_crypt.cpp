// Keystores and crypt volumes.
#include <algorithm>
#include <array>
#include <iterator>
#include <unordered_set>

#include "lib/base/error.h"
#include "lib/base/match.h"
#include "lib/crypt/cipher_spec.h"
#include "metadata/edit_copies.h"
#include "metadata/edit_parts.h"
#include "metadata/group_index.h"
#include "metadata/iv_space.h"
#include "metadata/names.h"
#include "metadata/usage.h"

namespace cv::metadata {

namespace {

Sectors alignment_of(const Keystore& store) {
  return Sectors(store.sector_bytes.value_or(512) / kSectorBytes);
}

Keystore& keystore_in(LogicalVolume& lv) {
  return std::get<Keystore>(lv.segments.front().kind);
}

/// Throws where `name` is no store of the group, or one that is being erased.
const LogicalVolume& store_at(const VolumeGroup& vg, const std::string& name) {
  const LogicalVolume& lv = lv_at(vg, name);
  const Keystore* store = keystore_of(lv);
  if (store == nullptr)
    throw Error(Errc::refused, "{}/{} is no keystore", vg.name, name)
        .advise("`cvs -a {}` shows the keystores", vg.name);
  if (store->erasing)
    throw Error(Errc::refused, "the keystore {}/{} is being erased", vg.name, name)
        .advise("choose another name");
  return lv;
}

/// Some ciphers show equal sectors whatever their IVs: one volume may have such a key, two may not.
void require_shareable(const VolumeGroup& vg, const LogicalVolume& store, std::size_t users) {
  const std::string& cipher = keystore_of(store)->cipher;
  if (users == 0 || crypt::CipherSpec::parse(cipher).may_be_shared()) return;
  throw Error(Errc::refused, "volumes can't share the keystore {}/{}: under {} equal sectors would show",
              vg.name, store.name, cipher)
      .advise("give the new volume a store of its own");
}

Segment crypt_segment(const NewCryptVolumes& wanted, const std::string& data, Extents start, Extents count,
                      Sectors iv_offset) {
  Crypt crypt;
  crypt.store = wanted.store;
  crypt.area = LogicalArea{data, start};
  crypt.iv_offset = iv_offset;
  crypt.discards = wanted.discards;
  crypt.inline_workqueues = wanted.inline_workqueues;
  Segment segment;
  segment.start = start;
  segment.count = count;
  segment.kind = std::move(crypt);
  return segment;
}

/// An extent holds whole encryption sectors, so that every piece of a volume does. Throws Errc::refused.
void require_whole_sectors(const VolumeGroup& vg, const LogicalVolume& store) {
  const Sectors alignment = alignment_of(*keystore_of(store));
  if ((vg.extent_size % alignment).n == 0) return;
  throw Error(Errc::refused, "the extents of {} have {} bytes, but {} encrypts sectors of {}", vg.name,
              to_bytes(vg.extent_size).n, store.name, to_bytes(alignment).n)
      .advise("use a store with --sector-size 512, or larger extents (`cvm vgchange -s`)");
}

}  // namespace

LogicalVolume make_data_lv(std::string name, const NewId& new_id) {
  LogicalVolume lv;
  lv.name = std::move(name);
  lv.id = new_id();
  for (const auto* flag : {"READ", "WRITE", "LOCKED"}) set_flag(lv.flags, flag);
  return lv;
}

bool has_crypt(const VolumeGroup& vg) {
  return std::ranges::any_of(
      vg.lvs, [](const LogicalVolume& lv) { return crypt_of(lv) != nullptr || keystore_of(lv) != nullptr; });
}

void require_no_conversion(const VolumeGroup& vg) {
  for (const LogicalVolume& lv : vg.lvs) {
    if (!has_flag(lv.flags, "PVMOVE") && !lv.name.starts_with("pvmove")) continue;
    throw Error(Errc::refused, "a pvmove is under way in {}", vg.name)
        .advise("let it finish (`pvmove`) or stop it (`pvmove --abort`)");
  }
}

std::vector<std::string> volumes_that_need_stock(const VolumeGroup& vg) {
  std::vector<std::string> found;
  for (const LogicalVolume& lv : vg.lvs) {
    if (lv.segments.empty() || !is_visible(lv)) continue;
    const auto* opaque = std::get_if<Opaque>(&lv.segments.front().kind);
    if (opaque == nullptr || opaque->type == "error" || opaque->type == "zero") continue;
    found.push_back(fmt::format("{} ({})", lv.name, opaque->type));
  }
  return found;
}

VolumeGroup create_store(VolumeGroup vg, const NewKeystore& wanted, const NewId& new_id) {
  require_no_conversion(vg);
  require_store_name(wanted.name);
  if (find_lv(vg, wanted.name) != nullptr)
    throw Error(Errc::exists, "{} has a keystore {} already", vg.name, wanted.name)
        .advise("name it without giving its attributes, or choose another name");

  Keystore store;
  store.handler = wanted.handler;
  store.cipher = wanted.cipher;
  store.key_bits = wanted.key_bits;
  if (!wanted.key_hash.empty()) store.key_hash = wanted.key_hash;
  store.sector_bytes = wanted.sector_bytes;
  store.iv_next = wanted.first_iv;
  store.generation = 1;
  store.key_check = wanted.key_check;

  LogicalVolume lv;
  lv.name = wanted.name;
  lv.id = new_id();
  set_flag(lv.flags, "READ");
  set_flag(lv.flags, "ACTIVATION_SKIP");
  lv.creation_time = wanted.origin.time;
  lv.creation_host = wanted.origin.host;

  Segment segment;
  segment.count = Extents(1);
  if (wanted.region.n > 0) {
    segment.count = extents_for(whole_sectors(round_up(wanted.region, Bytes(kSectorBytes))), vg.extent_size);
    const unsigned copies = wanted.copies == 0 ? kUsualCopies : wanted.copies;
    if (wanted.copies != 0) store.copies_wanted = wanted.copies;
    try {
      place_copies(vg, wanted.name, store, segment.count, copies, {}, new_id);
    } catch (const Error& error) {
      const bool enough = !store.copies.empty() && wanted.copies == 0;
      if (!enough || error.code() != Errc::no_space) throw;
    }
  }
  segment.kind = std::move(store);
  lv.segments.push_back(std::move(segment));
  vg.lvs.push_back(std::move(lv));
  order_volumes(vg);
  return vg;
}

VolumeGroup create_crypt(VolumeGroup vg, const NewCryptVolume& wanted, const NewId& new_id) {
  const NewCryptVolumes one{.volumes = alone(wanted.volume),
                            .store = wanted.store,
                            .discards = wanted.discards,
                            .inline_workqueues = wanted.inline_workqueues};
  return create_crypt_volumes(std::move(vg), one, new_id);
}

VolumeGroup create_crypt_volumes(VolumeGroup vg, const NewCryptVolumes& wanted, const NewId& new_id) {
  require_no_conversion(vg);
  const NewVolumes& volumes = wanted.volumes;
  const LogicalVolume& store = store_at(vg, wanted.store);
  require_whole_sectors(vg, store);
  const Sectors alignment = alignment_of(*keystore_of(store));
  Newcomers newcomers(vg, volumes.names.size(), true);
  Room room(vg, volumes.placement, alignment);
  std::size_t users = users_of(vg, store.name).size();
  Sectors iv_next = iv_next_of(vg, store);
  std::vector<LogicalVolume> made;
  made.reserve(2 * volumes.names.size());
  for (const std::string& name : volumes.names) {
    const Extents wanted_size = volumes.size(room);
    require_shareable(vg, store, users++);
    LogicalVolume lv = newcomers.make(name, volumes, wanted_size, new_id);
    set_flag(lv.flags, "ACTIVATION_SKIP");
    LogicalVolume data = make_data_lv(data_lv_name(lv.name), new_id);
    extend_data(room, data, round_to_stripes(wanted_size, volumes.placement.stripes));
    const IvGrant grant = grant_next(vg, store, iv_next, to_sectors(size_of(data), vg.extent_size));
    iv_next = grant.iv_next;
    lv.segments.push_back(crypt_segment(wanted, data.name, Extents(0), size_of(data), grant.first));
    made.push_back(std::move(data));
    made.push_back(std::move(lv));
  }
  keystore_in(*find_lv(vg, wanted.store)).iv_next = iv_next;
  std::ranges::move(made, std::back_inserter(vg.lvs));
  order_volumes(vg);
  return vg;
}

VolumeGroup extend_crypt(VolumeGroup vg, const std::string& name, Extents by, const Placement& placement) {
  LogicalVolume lv = lv_at(vg, name);
  auto& last = std::get<Crypt>(lv.segments.back().kind);
  const auto* area = std::get_if<LogicalArea>(&last.area);
  CV_ASSERT(area != nullptr);  // to_native() comes first
  const LogicalVolume& store = store_at(vg, last.store);
  require_whole_sectors(vg, store);
  const Sectors alignment = alignment_of(*keystore_of(store));

  LogicalVolume data = lv_at(vg, area->lv);
  Placement asked = placement;
  if (asked.policy == Allocation::inherit) asked.policy = lv.allocation;
  const Placement where = like_the_last_segment(data, asked);
  const Extents begin = size_of(data);
  Room room(vg, where, alignment);
  extend_data(room, data, round_to_stripes(by, where.stripes));
  const Extents added = size_of(data) - begin;

  const SectorRange used = iv_range(vg, lv, lv.segments.back());
  const IvGrant grant = grant_more(vg, lv, store, to_sectors(added, vg.extent_size));
  const bool continues = grant.first == used.end && area->first + lv.segments.back().count == begin;
  last.iv_high.reset();
  if (continues) {
    lv.segments.back().count += added;
  } else {
    NewCryptVolumes same;
    same.store = last.store;
    same.discards = last.discards;
    same.inline_workqueues = last.inline_workqueues;
    Segment segment = crypt_segment(same, data.name, size_of(lv), added, grant.first);
    std::get<Crypt>(segment.kind).area = LogicalArea{data.name, begin};
    lv.segments.push_back(std::move(segment));
  }
  keystore_in(*find_lv(vg, store.name)).iv_next = grant.iv_next;
  *find_lv(vg, data.name) = std::move(data);
  *find_lv(vg, name) = std::move(lv);
  return vg;
}

void raise_iv_next(VolumeGroup& vg, const LogicalVolume& lv) {
  for (const Segment& segment : lv.segments) {
    const auto* crypt = std::get_if<Crypt>(&segment.kind);
    LogicalVolume* store = crypt == nullptr ? nullptr : find_lv(vg, crypt->store);
    if (store == nullptr || keystore_of(*store) == nullptr) continue;
    keystore_in(*store).iv_next = iv_next_of(vg, *store);
  }
}

std::vector<std::string> stores_being_erased(const VolumeGroup& vg) {
  std::vector<std::string> stores;
  for (const LogicalVolume& lv : vg.lvs)
    if (const Keystore* store = keystore_of(lv); store != nullptr && store->erasing)
      stores.push_back(lv.name);
  return stores;
}

VolumeGroup remove_stores(VolumeGroup vg, const std::vector<std::string>& stores) {
  std::unordered_set<std::string> gone;
  {
    const GroupIndex index(vg);
    for (const std::string& name : stores) {
      const LogicalVolume* lv = index.find_lv(name);
      const Keystore* keystore = lv == nullptr ? nullptr : keystore_of(*lv);
      CV_ASSERT(keystore != nullptr && keystore->erasing && index.users_of(name).empty());
      gone.insert(name);
      for (const Area& area : keystore->copies)
        if (const auto* logical = std::get_if<LogicalArea>(&area)) gone.insert(logical->lv);
    }
  }
  std::erase_if(vg.lvs, [&](const LogicalVolume& lv) { return gone.contains(std::string(lv.name)); });
  return vg;
}

}  // namespace cv::metadata
