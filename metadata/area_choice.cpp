#include "metadata/area_choice.h"

#include <algorithm>
#include <map>

namespace cv::metadata {

namespace {

std::map<PvId, unsigned> used_by_pv(const std::vector<AreaUse>& areas) {
  std::map<PvId, unsigned> count;
  for (const AreaUse& area : areas) count[area.pv] += area.used ? 1 : 0;
  return count;
}

/// Uses `wanted` more: first where a PV has none in use.
void use_more(std::vector<AreaUse>& areas, std::size_t wanted) {
  auto count = used_by_pv(areas);
  for (const bool only_bare : {true, false}) {
    for (AreaUse& area : areas) {
      if (wanted == 0) return;
      if (area.used || area.wish == false || (only_bare && count[area.pv] > 0)) continue;
      area.used = true;
      ++count[area.pv];
      --wanted;
    }
  }
}

/// Ignores `surplus` of them, from the end: first where a PV has several in use.
void use_fewer(std::vector<AreaUse>& areas, std::size_t surplus) {
  auto count = used_by_pv(areas);
  for (const bool only_double : {true, false}) {
    for (auto area = areas.rbegin(); area != areas.rend(); ++area) {
      if (surplus == 0) return;
      if (!area->used || area->wish == true || (only_double && count[area->pv] < 2)) continue;
      area->used = false;
      --count[area->pv];
      --surplus;
    }
  }
}

}  // namespace

void choose_areas(std::vector<AreaUse>& areas, std::uint32_t copies) {
  for (AreaUse& area : areas) area.used = area.wish.value_or(area.used);
  const auto used = static_cast<std::size_t>(std::ranges::count(areas, true, &AreaUse::used));
  const std::size_t wanted = copies == 0 ? used : std::min<std::size_t>(copies, areas.size());
  if (used < wanted) use_more(areas, wanted - used);
  if (used > wanted) use_fewer(areas, used - wanted);
  if (!areas.empty() && std::ranges::none_of(areas, &AreaUse::used)) areas.front().used = true;
}

}  // namespace cv::metadata
