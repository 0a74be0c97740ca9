#include "metadata/group_moves.h"

#include "lib/base/log.h"
#include "metadata/edit_group.h"

namespace cv::metadata {

namespace {

std::vector<PvId> ids_of(const VolumeGroup& vg) {
  std::vector<PvId> ids;
  for (const PhysicalVolume& pv : vg.pvs) ids.push_back(pv.id);
  return ids;
}

}  // namespace

void commit_split(TwoChanges& change, const Split& split) {
  Transaction& from = change.one;
  Transaction& to = change.other;
  const auto reason = fmt::format("split {} off {}", split.split_off.name, split.rest.name);
  const std::string system_id = split.rest.system_id;
  from.hand_over(ids_of(split.split_off), to);
  // Whatever can be refused is refused before anything is valid.
  to.prepare(split.split_off, reason);
  from.prepare(split.rest, reason);
  to.commit();
  from.commit();
  to.prepare(finish_split(to.current(), system_id), reason);
  to.commit();
}

void finish_split(MetadataStore& store, const UnfinishedSplit& split) {
  const std::string to_name = split.to->vg.name;
  const BeginOptions options{.membership = true,
                             .despite = {Hindrance::unfinished, Hindrance::exported},
                             .new_name = {},
                             .id = std::nullopt};
  const auto reason = fmt::format("finished the split that made {}", to_name);
  if (split.from == nullptr) {
    auto to = store.begin(to_name, options);
    to.prepare(finish_split(to.current(), store.options().host_system_id), reason);
    to.commit();
  } else {
    auto change = store.begin_two(split.from->vg.name, to_name, options);
    if (!change.other.current().split_from) return;  // somebody was faster
    change.one.hand_over(ids_of(change.other.current()), change.other);
    auto rest = without_split_off(change.one.current(), change.other.current());
    if (rest != change.one.current()) {
      change.one.prepare(std::move(rest), reason);
      change.one.commit();
    }
    change.other.prepare(finish_split(change.other.current(), change.one.current().system_id), reason);
    change.other.commit();
  }
  log::notice("The interrupted split that made volume group \"{}\" is finished", to_name);
}

void commit_merge(TwoChanges& change, VolumeGroup merged) {
  Transaction& one = change.one;
  const auto reason = fmt::format("merged {} into {}", change.other.current().name, merged.name);
  change.other.archive_once();
  change.other.hand_over(ids_of(change.other.current()), one);
  one.prepare(std::move(merged), reason);
  one.commit();
  settle(one);
}

void commit_id(Transaction& change, VolumeGroup next) {
  change.prepare(std::move(next), fmt::format("gave {} another id", change.current().name));
  change.commit();
  settle(change);
}

void settle(Transaction& change) {
  if (change.current().supersedes.empty()) return;
  if (change.has_stale_areas()) {
    change.prepare(change.current(), "wrote all copies");
    change.commit();
  }
  if (change.has_stale_areas()) return;
  change.prepare(forget_former_ids(change.current()), "forgot what it replaced");
  change.commit();
}

}  // namespace cv::metadata
