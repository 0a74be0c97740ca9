#include "tests/support/broken_split.h"

#include "metadata/edit_split.h"
#include "tests/support/group_builder.h"

namespace cv::test {

void prepare_split(metadata::TwoChanges& change) {
  const auto& vg = change.one.current();
  const auto split =
      metadata::split_group(vg, change.other.current().name, id_of<VgId>(900), {vg.pvs.back().id});
  change.one.hand_over({vg.pvs.back().id}, change.other);
  change.other.prepare(split.split_off, "split");
  change.one.prepare(split.rest, "split");
}

void begin_split(metadata::MetadataStore& store, unsigned commits) {
  auto change = store.begin_with_new("vg0", "vg1", {.membership = true});
  prepare_split(change);
  change.other.commit();
  if (commits > 1) change.one.commit();
}

}  // namespace cv::test
