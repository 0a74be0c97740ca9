#include "metadata/edit_store.h"

#include "metadata/edit_parts.h"

namespace cv::metadata {

VolumeGroup with_next_generation(VolumeGroup vg, const std::string& store) {
  auto& keystore = std::get<Keystore>(store_segment(vg, store).kind);
  keystore.generation = keystore.generation.value_or(0) + 1;
  return vg;
}

VolumeGroup with_slot_names(VolumeGroup vg, const std::string& store, RareList<NamedSlot> names) {
  std::get<Keystore>(store_segment(vg, store).kind).slot_names = std::move(names);
  return vg;
}

VolumeGroup replace_bytes(VolumeGroup vg, const std::string& store, const std::string& handler, Bytes region,
                          unsigned count, const NewId& new_id, const Origin& origin) {
  vg = with_next_generation(std::move(vg), store);
  const Keystore now = *keystore_of(lv_at(vg, store));
  NewKeystore wanted;
  wanted.name = next_store_name(vg);
  wanted.handler = handler;
  wanted.cipher = now.cipher;
  wanted.key_bits = now.key_bits;
  wanted.region = region;
  wanted.copies = count;
  wanted.first_iv = now.iv_next.value_or(Sectors());
  wanted.origin = origin;
  vg = create_store(std::move(vg), wanted, new_id);

  const auto old_data = data_of_copies(vg, store);
  const auto new_data = data_of_copies(vg, wanted.name);
  Segment& kept = store_segment(vg, store);
  Segment& given_up = store_segment(vg, wanted.name);
  std::swap(kept.count, given_up.count);
  auto& kept_store = std::get<Keystore>(kept.kind);
  auto& given_up_store = std::get<Keystore>(given_up.kind);
  std::swap(kept_store.handler, given_up_store.handler);
  given_up_store.erasing = true;
  set_copies(vg, wanted.name, old_data);
  set_copies(vg, store, new_data);
  order_volumes(vg);
  return vg;
}

}  // namespace cv::metadata
