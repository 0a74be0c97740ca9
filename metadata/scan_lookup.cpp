// Questions to what a scan found.
#include <algorithm>

#include "lib/base/error.h"
#include "metadata/scan.h"

namespace cv::metadata {

void throw_obstacle(const Obstacle& obstacle) {
  using enum Hindrance;
  const bool is_damage = obstacle.kind == conflict;
  throw Error(is_damage ? Errc::damaged : Errc::refused, "{}", obstacle.sentence)
      .advise("{}", obstacle.advice);
}

const FoundGroup& group_at(const Scan& scan, std::string_view name) {
  const FoundGroup* found = nullptr;
  for (const auto& group : scan.groups) {
    if (group.vg.name != name) continue;
    if (found != nullptr)
      throw Error(Errc::refused, "there are two volume groups with the name {}: {} and {}", name,
                  found->vg.id.text(), group.vg.id.text())
          .advise("choose the devices of one of them with --devices, and rename it");
    found = &group;
  }
  if (found != nullptr) return *found;

  for (const auto& pv : scan.pvs) {
    if (pv.state != PvState::unreadable || pv.group != name) continue;
    const auto& areas = pv.disk.areas;
    const auto bad =
        std::find_if(areas.begin(), areas.end(), [](const AreaOnDisk& area) { return !area.flaw.empty(); });
    throw Error(Errc::damaged, "no copy of the metadata of {} can be read; on {}: {}", name,
                pv.disk.device->path(), bad->flaw)
        .advise("restore it from a backup with 'vgcfgrestore {}'", name);
  }
  const auto suspect = std::find_if(scan.pvs.begin(), scan.pvs.end(), [](const FoundPv& pv) {
    return pv.state == PvState::unreadable || pv.state == PvState::used;
  });
  Error error(Errc::not_found, "there is no volume group {}", name);
  if (suspect == scan.pvs.end()) throw error;
  throw std::move(error).advise("{} is in a group that can't be read and may be this one; see cvck",
                                suspect->disk.device->path());
}

const FoundGroup& group_at(const Scan& scan, const VgId& id) {
  const auto found = std::find_if(scan.groups.begin(), scan.groups.end(),
                                  [&](const FoundGroup& group) { return group.vg.id == id; });
  if (found != scan.groups.end()) return *found;
  throw Error(Errc::not_found, "there is no volume group with the id {}", id.text());
}

UnfinishedSplit unfinished_split(const Scan& scan, const VgId& group) {
  UnfinishedSplit split;
  for (const auto& to : scan.groups)
    if (to.vg.split_from && (to.vg.id == group || *to.vg.split_from == group)) split.to = &to;
  if (split.to == nullptr) return split;
  for (const auto& from : scan.groups)
    if (from.vg.id == *split.to->vg.split_from) split.from = &from;
  return split;
}

bool is_marked_only(const FoundPv& pv) {
  const auto& areas = pv.disk.areas;
  return pv.state == PvState::used && !areas.empty() &&
         std::all_of(areas.begin(), areas.end(), [](const AreaOnDisk& area) {
           return area.header && !area.header->ignored() && area.header->committed.empty();
         });
}

const FoundPv* find_pv(const Scan& scan, std::string_view path) {
  const auto found = std::find_if(scan.pvs.begin(), scan.pvs.end(),
                                  [&](const FoundPv& pv) { return pv.disk.device->path() == path; });
  return found == scan.pvs.end() ? nullptr : &*found;
}

void require_changeable(const FoundGroup& group, const std::vector<Hindrance>& despite) {
  for (const auto& obstacle : group.obstacles)
    if (std::find(despite.begin(), despite.end(), obstacle.kind) == despite.end()) throw_obstacle(obstacle);
}

void require_usable(const FoundGroup& group) {
  using enum Hindrance;
  for (const auto& obstacle : group.obstacles)
    if (obstacle.kind == exported || obstacle.kind == foreign || obstacle.kind == lock_type ||
        obstacle.kind == clustered || (obstacle.kind == unfinished && has_flag(group.vg.flags, "EXPORTED")))
      throw_obstacle(obstacle);
}

}  // namespace cv::metadata
