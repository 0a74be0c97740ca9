#include "metadata/iv_space.h"

#include <algorithm>

#include "lib/base/error.h"

namespace cv::metadata {

namespace {

struct IvUse {
  SectorRange ivs;
  const LogicalVolume* lv;
  bool is_as_in_rfc;  ///< the IVs count from the start of the LV
};

/// "aes-xts-plain", "capi:xts(aes)-plain". Asked of texts from disk, which may be no legal cipher at all.
bool has_32_bit_ivs(const LogicalVolume& store) {
  const Keystore* keystore = keystore_of(store);
  return keystore != nullptr && keystore->cipher.ends_with("-plain");
}

template <class Visit>
void for_each_use(const VolumeGroup& vg, Visit&& visit) {
  for (const LogicalVolume& lv : vg.lvs) {
    for (const Segment& segment : lv.segments) {
      const auto* crypt = std::get_if<Crypt>(&segment.kind);
      if (crypt == nullptr) continue;
      const SectorRange ivs = iv_range(vg, lv, segment);
      visit(crypt->store, IvUse{ivs, &lv, ivs.begin == to_sectors(segment.start, vg.extent_size)});
    }
  }
}

[[noreturn]] void throw_used_up(const VolumeGroup& vg, const LogicalVolume& store) {
  throw Error(Errc::no_space, "the IVs of {}/{} are used up", vg.name, store.name)
      .advise("make a new store for further volumes; its cipher should have a 64-bit IV (plain64)");
}

}  // namespace

SectorRange iv_range(const VolumeGroup& vg, const LogicalVolume& lv, const Segment& segment) {
  const auto& crypt = std::get<Crypt>(segment.kind);
  const Sectors begin = crypt.iv_offset.value_or(to_sectors(segment.start, vg.extent_size));
  Sectors length = to_sectors(segment.count, vg.extent_size);
  if (segment.start == Extents(0)) {
    const Sectors unused = payload_offset_of(lv);
    length = length > unused ? length - unused : Sectors();
  }
  return {begin, begin + length};
}

Sectors iv_next_of(const VolumeGroup& vg, const LogicalVolume& store) {
  const Keystore* keystore = keystore_of(store);
  Sectors next = keystore == nullptr ? Sectors() : keystore->iv_next.value_or(Sectors());
  for_each_use(vg, [&](const std::string& name, const IvUse& use) {
    if (name == store.name) next = std::max(next, use.ivs.end);
  });
  return next;
}

IvEnds iv_ends(const VolumeGroup& vg) {
  IvEnds ends;
  for_each_use(vg, [&](const std::string& name, const IvUse& use) {
    Sectors& end = ends[name];
    end = std::max(end, use.ivs.end);
  });
  return ends;
}

Sectors behind_window(const LogicalVolume& store, Sectors used_end) {
  return has_32_bit_ivs(store) ? used_end : round_up(used_end, kIvWindow);
}

IvGrant grant_new(const VolumeGroup& vg, const LogicalVolume& store, Sectors length) {
  return grant_next(vg, store, iv_next_of(vg, store), length);
}

IvGrant grant_next(const VolumeGroup& vg, const LogicalVolume& store, Sectors next, Sectors length) {
  if (has_32_bit_ivs(store)) {
    const IvGrant grant{next, next + length};
    if (grant.iv_next > kIvLimit32) throw_used_up(vg, store);
    return grant;
  }
  const Sectors first = round_up(next, kIvWindow);
  const IvGrant grant{first, first + round_up(std::max(length, Sectors(1)), kIvWindow)};
  if (grant.iv_next > kIvLimit) throw_used_up(vg, store);
  return grant;
}

IvGrant grant_more(const VolumeGroup& vg, const LogicalVolume& lv, const LogicalVolume& store,
                   Sectors length) {
  if (has_32_bit_ivs(store)) return grant_new(vg, store, length);
  CV_ASSERT(!lv.segments.empty());
  const Segment& last = lv.segments.back();
  const SectorRange used = iv_range(vg, lv, last);
  const Sectors first = std::get<Crypt>(last.kind).iv_high.value_or(used.end);
  const SectorRange wanted{first, first + length};
  const SectorRange window{round_down(used.begin, kIvWindow), round_down(used.begin, kIvWindow) + kIvWindow};
  bool is_ours = first >= used.end && window.covers(wanted);
  for_each_use(vg, [&](const std::string& name, const IvUse& use) {
    if (name == store.name && use.ivs.overlaps(wanted)) is_ours = false;
  });
  if (!is_ours) return grant_new(vg, store, length);
  return {first, std::max(iv_next_of(vg, store), wanted.end)};
}

std::vector<IvOverlap> iv_overlaps(const VolumeGroup& vg) {
  std::unordered_map<std::string_view, std::vector<IvUse>> by_store;
  for_each_use(vg, [&](const std::string& name, const IvUse& use) { by_store[name].push_back(use); });
  std::vector<IvOverlap> overlaps;
  for (const LogicalVolume& store : vg.lvs) {
    const auto found = by_store.find(store.name);
    if (found == by_store.end()) continue;
    auto& uses = found->second;
    std::ranges::stable_sort(uses, {}, [](const IvUse& use) { return use.ivs.begin; });
    const IvUse* furthest = nullptr;
    for (const IvUse& use : uses) {
      if (furthest != nullptr && furthest->ivs.overlaps(use.ivs))
        overlaps.push_back({&store, furthest->lv, use.lv, furthest->is_as_in_rfc && use.is_as_in_rfc});
      if (furthest == nullptr || use.ivs.end > furthest->ivs.end) furthest = &use;
    }
  }
  return overlaps;
}

}  // namespace cv::metadata
