#include "metadata/edit_store.h"

#include <algorithm>

#include "lib/base/error.h"
#include "metadata/names.h"

namespace cv::metadata {

VolumeGroup with_next_generation(VolumeGroup vg, const std::string& store) {
  LogicalVolume* lv = find_lv(vg, store);
  if (lv == nullptr || keystore_of(*lv) == nullptr)
    throw Error(Errc::refused, "{}/{} is no keystore", vg.name, store)
        .advise("`cvs -a {}` lists the keystores", vg.name);
  auto& keystore = std::get<Keystore>(lv->segments.front().kind);
  if (keystore.erasing) throw Error(Errc::refused, "the keystore {}/{} is being erased", vg.name, store);
  keystore.generation = keystore.generation.value_or(0) + 1;
  return vg;
}

namespace {

Segment& segment_of(VolumeGroup& vg, const std::string& store) {
  return find_lv(vg, store)->segments.front();
}

/// The data LVs of the store's copies are called as they should be, or as the store would have them.
void name_data(VolumeGroup& vg, const std::string& store, std::vector<std::size_t> data) {
  auto& copies = std::get<Keystore>(segment_of(vg, store).kind).copies;
  for (std::size_t i = 0; i < data.size(); ++i) {
    LogicalVolume& lv = vg.lvs[data[i]];
    lv.name = data_lv_name(store, static_cast<unsigned>(i + 1));
    copies[i] = LogicalArea{lv.name, Extents(0)};
  }
}

/// Where in the group the data LVs of a store's copies are.
std::vector<std::size_t> data_of(const VolumeGroup& vg, const std::string& store) {
  std::vector<std::size_t> found;
  for (const Area& area : keystore_of(lv_at(vg, store))->copies) {
    const auto* logical = std::get_if<LogicalArea>(&area);
    const auto lv =
        logical == nullptr ? vg.lvs.end() : std::ranges::find(vg.lvs, logical->lv, &LogicalVolume::name);
    if (lv == vg.lvs.end())
      throw Error(Errc::damaged, "a copy of {}/{} has no volume of its own", vg.name, store)
          .advise("look with cvck");
    found.push_back(static_cast<std::size_t>(lv - vg.lvs.begin()));
  }
  return found;
}

}  // namespace

VolumeGroup replace_bytes(VolumeGroup vg, const std::string& store, const std::string& handler, Bytes region,
                          const NewId& new_id, const Origin& origin) {
  vg = with_next_generation(std::move(vg), store);
  const Keystore now = *keystore_of(lv_at(vg, store));
  NewKeystore wanted;
  wanted.name = next_store_name(vg);
  wanted.handler = handler;
  wanted.cipher = now.cipher;
  wanted.key_bits = now.key_bits;
  wanted.region = region;
  wanted.copies = static_cast<unsigned>(now.copies.size());
  wanted.first_iv = now.iv_next.value_or(Sectors());
  wanted.origin = origin;
  vg = create_store(std::move(vg), wanted, new_id);

  const auto old_data = data_of(vg, store);
  const auto new_data = data_of(vg, wanted.name);
  Segment& kept = segment_of(vg, store);
  Segment& given_up = segment_of(vg, wanted.name);
  std::swap(kept.count, given_up.count);
  auto& kept_store = std::get<Keystore>(kept.kind);
  auto& given_up_store = std::get<Keystore>(given_up.kind);
  std::swap(kept_store.copies, given_up_store.copies);
  std::swap(kept_store.handler, given_up_store.handler);
  given_up_store.erasing = true;
  name_data(vg, wanted.name, old_data);
  name_data(vg, store, new_data);
  order_volumes(vg);
  return vg;
}

}  // namespace cv::metadata
