#include "metadata/edit_store.h"

#include "lib/base/error.h"

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

}  // namespace cv::metadata
