#include "metadata/usage.h"

#include <algorithm>
#include <unordered_map>

#include "lib/base/match.h"

namespace cv::metadata {

namespace {

class Collector {
 public:
  explicit Collector(const VolumeGroup& vg) {
    usage_.pvs.resize(vg.pvs.size());
    for (std::size_t i = 0; i < vg.pvs.size(); ++i) index_.emplace(vg.pvs[i].id, i);
  }

  void collect(const LogicalVolume& lv) {
    for (const Segment& segment : lv.segments) {
      match(
          segment.kind,
          [&](const Striped& striped) {
            if (striped.stripes.empty()) return;
            const Extents each(segment.count.n / striped.stripes.size());
            for (const Area& area : striped.stripes) take(lv, area, each);
          },
          [&](const Crypt& crypt) { take(lv, crypt.area, segment.count); },
          [&](const Keystore& store) {
            for (const Area& area : store.copies) take(lv, area, segment.count);
          },
          [&](const Opaque& opaque) { collect_opaque(lv, segment, opaque, opaque.body); });
    }
  }

  Usage finish(const VolumeGroup& vg) && {
    for (std::size_t i = 0; i < vg.pvs.size(); ++i) {
      PvUsage& pv = usage_.pvs[i];
      std::ranges::sort(pv.taken, {}, [](const Taken& taken) { return taken.extents.begin; });
      Extents at;
      for (const Taken& taken : pv.taken) {
        pv.free.add({at, std::min(taken.extents.begin, vg.pvs[i].pe_count)});
        at = std::max(at, taken.extents.end);
      }
      pv.free.add({at, vg.pvs[i].pe_count});
    }
    return std::move(usage_);
  }

 private:
  void take(const LogicalVolume& lv, const Area& area, Extents count) {
    const auto* physical = std::get_if<PhysicalArea>(&area);
    if (physical == nullptr || count.n == 0) return;
    const auto found = index_.find(physical->pv);
    if (found == index_.end()) {
      usage_.lost.push_back(&lv);
      return;
    }
    usage_.pvs[found->second].taken.push_back({{physical->first, physical->first + count}, &lv});
  }

  void collect_opaque(const LogicalVolume& lv, const Segment& segment, const Opaque& opaque,
                      const config::Tree& tree) {
    const auto pv_named = [&](const config::Scalar& item) -> const PvId* {
      const auto* name = std::get_if<std::string>(&item);
      if (name == nullptr) return nullptr;
      const auto found =
          std::ranges::find(opaque.pv_names, *name, [](const auto& pair) { return pair.first; });
      return found == opaque.pv_names.end() ? nullptr : &found->second;
    };
    const auto& items = tree.data().items;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const PvId* pv = pv_named(items[i]);
      if (pv == nullptr) continue;
      const auto* first = i + 1 < items.size() ? std::get_if<std::int64_t>(&items[i + 1]) : nullptr;
      if (first == nullptr || *first < 0) {
        usage_.unclear = &lv;
        continue;
      }
      take(lv, PhysicalArea{*pv, Extents(static_cast<std::uint64_t>(*first))}, segment.count);
    }
    for (const auto& [key, child] : tree) collect_opaque(lv, segment, opaque, child);
  }

  Usage usage_;
  std::unordered_map<PvId, std::size_t> index_;
};

}  // namespace

Usage usage_of(const VolumeGroup& vg) {
  Collector collector(vg);
  for (const LogicalVolume& lv : vg.lvs) collector.collect(lv);
  return std::move(collector).finish(vg);
}

Extents free_extents(const Usage& usage) {
  Extents sum;
  for (const PvUsage& pv : usage.pvs) sum += pv.free.total();
  return sum;
}

Extents free_extents(const VolumeGroup& vg) {
  return free_extents(usage_of(vg));
}

std::vector<PvId> pvs_of(const LogicalVolume& lv) {
  std::vector<PvId> pvs;
  for (const Segment& segment : lv.segments)
    if (const auto* striped = std::get_if<Striped>(&segment.kind))
      for (const Area& area : striped->stripes)
        if (const auto* physical = std::get_if<PhysicalArea>(&area)) pvs.push_back(physical->pv);
  return pvs;
}

}  // namespace cv::metadata
