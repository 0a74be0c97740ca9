#include "metadata/allocate.h"

#include <algorithm>

#include "lib/base/error.h"

namespace cv::metadata {

namespace {

/// The free stretches of one PV that an allocation may use.
struct Candidate {
  const PhysicalVolume* pv = nullptr;
  ExtentSet free;
};

bool can_hold(const VolumeGroup& vg, const PhysicalVolume& pv, Sectors alignment) {
  return (pv.pe_start % alignment).n == 0 && (vg.extent_size % alignment).n == 0;
}

ExtentSet permitted_part(const ExtentSet& free, const PhysicalVolume& pv,
                         const std::vector<Permitted>& permitted) {
  if (permitted.empty()) return free;
  ExtentSet forbidden;
  forbidden.add({Extents(0), pv.pe_count});
  for (const Permitted& one : permitted)
    if (one.pv == pv.id) forbidden.remove(one.extents);
  ExtentSet result = free;
  for (const ExtentRange& range : forbidden.ranges()) result.remove(range);
  return result;
}

std::vector<Candidate> candidates(const VolumeGroup& vg, const Usage& usage, const Placement& placement,
                                  Sectors alignment, const std::vector<PvId>& avoid) {
  std::vector<Candidate> found;
  for (std::size_t i = 0; i < vg.pvs.size(); ++i) {
    const PhysicalVolume& pv = vg.pvs[i];
    if (!has_flag(pv.flags, "ALLOCATABLE") || has_flag(pv.flags, "MISSING")) continue;
    if (!can_hold(vg, pv, alignment) || std::ranges::find(avoid, pv.id) != avoid.end()) continue;
    ExtentSet free = permitted_part(usage.pvs[i].free, pv, placement.permitted);
    if (!free.empty()) found.push_back({&pv, std::move(free)});
  }
  return found;
}

/// The smallest stretch of at least `wanted` extents, else the largest there is.
ExtentRange best_stretch(const ExtentSet& free, Extents wanted) {
  ExtentRange best{};
  for (const ExtentRange& range : free.ranges()) {
    const bool fits = range.length() >= wanted;
    const bool best_fits = best.length() >= wanted;
    const bool better =
        fits ? !best_fits || range.length() < best.length() : !best_fits && range.length() > best.length();
    if (better) best = range;
  }
  return best;
}

class Allocator {
 public:
  Allocator(const Wanted& wanted, Allocation policy, std::vector<Candidate> candidates)
      : wanted_(wanted),
        policy_(policy),
        candidates_(std::move(candidates)),
        stripes_(wanted.placement.stripes),
        missing_(wanted.count.n / wanted.placement.stripes),
        cling_to_(wanted.cling_to) {}

  /// Nothing where the room does not suffice.
  std::optional<std::vector<Piece>> run() {
    take_all();
    if (missing_.n > 0) return std::nullopt;
    return std::move(pieces_);
  }

  /// As much as there is, in extents.
  Extents most() {
    const Extents wanted = missing_;
    take_all();
    return (wanted - missing_) * stripes_;
  }

 private:
  void take_all() {
    continue_behind();
    if (policy_ == Allocation::contiguous) {
      if (pieces_.empty() && wanted_.behind.empty()) take_piece();
      return;
    }
    const bool clings = policy_ == Allocation::cling || policy_ == Allocation::cling_by_tags;
    if (clings && wanted_.cling_to.empty() && missing_.n > 0) {
      if (pieces_.empty() && !take_piece()) return;
      for (const PhysicalArea& area : pieces_.front().stripes) cling_to_.push_back({area.pv});
    }
    while (missing_.n > 0 && take_clinging_piece()) {
    }
    if (clings) return;
    while (missing_.n > 0 && take_piece()) {
    }
    while (policy_ == Allocation::anywhere && missing_.n > 0 && take_piece_anywhere()) {
    }
  }

  void continue_behind() {
    if (wanted_.behind.size() != stripes_) return;
    Extents each = missing_;
    for (const PhysicalArea& area : wanted_.behind) {
      const Candidate* candidate = candidate_for(area.pv);
      if (candidate == nullptr) return;
      const auto stretch = candidate->free.overlap({area.first, area.first + Extents(1)});
      if (!stretch) return;
      for (const ExtentRange& range : candidate->free.ranges())
        if (range.begin <= area.first && area.first < range.end)
          each = std::min(each, range.end - area.first);
    }
    if (policy_ == Allocation::contiguous && each < missing_) return;
    // Stripes that share a PV may each go on only where they don't meet.
    for (std::size_t i = 0; i < stripes_; ++i)
      for (std::size_t j = 0; j < stripes_; ++j)
        if (i != j && wanted_.behind[i].pv == wanted_.behind[j].pv &&
            wanted_.behind[i].first <= wanted_.behind[j].first &&
            wanted_.behind[j].first < wanted_.behind[i].first + each)
          return;
    grant(each, wanted_.behind);
  }

  /// Each stripe on a PV that it has already.
  bool take_clinging_piece() {
    if (cling_to_.size() != stripes_) return false;
    Extents each = missing_;
    std::vector<PhysicalArea> areas;
    for (const std::vector<PvId>& pvs : cling_to_) {
      ExtentRange best{};
      PvId on{};
      for (const PvId& pv : pvs) {
        const Candidate* candidate = candidate_for(pv);
        if (candidate == nullptr || std::ranges::find(areas, pv, &PhysicalArea::pv) != areas.end()) continue;
        const ExtentRange stretch = best_stretch(candidate->free, missing_);
        if (stretch.length() <= best.length()) continue;
        best = stretch;
        on = pv;
      }
      if (best.empty()) return false;
      each = std::min(each, best.length());
      areas.push_back({on, best.begin});
    }
    grant(each, std::move(areas));
    return true;
  }

  bool take_piece() {
    struct Choice {
      const Candidate* candidate;
      ExtentRange stretch;
    };
    std::vector<Choice> choices;
    for (const Candidate& candidate : candidates_) {
      const ExtentRange stretch = best_stretch(candidate.free, missing_);
      if (!stretch.empty()) choices.push_back({&candidate, stretch});
    }
    std::ranges::stable_sort(choices, std::ranges::greater(),
                             [](const Choice& choice) { return choice.stretch.length(); });
    if (choices.size() < stripes_) return false;
    Extents each = missing_;
    std::vector<PhysicalArea> areas;
    for (std::size_t i = 0; i < stripes_; ++i) {
      each = std::min(each, choices[i].stretch.length());
      areas.push_back({choices[i].candidate->pv->id, choices[i].stretch.begin});
    }
    if (policy_ == Allocation::contiguous && each < missing_) return false;
    grant(each, std::move(areas));
    return true;
  }

  /// Stripes side by side where there are not enough PVs: the longest that fit into what is free.
  bool take_piece_anywhere() {
    std::vector<std::pair<PvId, ExtentRange>> stretches;
    Extents each;
    for (const Candidate& candidate : candidates_)
      for (const ExtentRange& range : candidate.free.ranges()) {
        stretches.emplace_back(candidate.pv->id, range);
        each = std::max(each, range.length());
      }
    const auto fitting = [&](Extents length) {
      std::uint64_t count = 0;
      for (const auto& [pv, range] : stretches) count += range.length().n / length.n;
      return count >= stripes_;
    };
    each = std::min(each, missing_);
    Extents none;  // the most that surely fits
    while (none < each) {
      const Extents middle((none.n + each.n + 1) / 2);
      if (fitting(middle))
        none = middle;
      else
        each = middle - Extents(1);
    }
    if (each.n == 0) return false;
    std::vector<PhysicalArea> areas;
    for (const auto& [pv, range] : stretches)
      for (Extents at = range.begin; at + each <= range.end && areas.size() < stripes_; at += each)
        areas.push_back({pv, at});
    grant(each, std::move(areas));
    return true;
  }

  void grant(Extents each, std::vector<PhysicalArea> areas) {
    for (const PhysicalArea& area : areas)
      candidate_for(area.pv)->free.remove({area.first, area.first + each});
    missing_ -= each;
    pieces_.push_back({each, std::move(areas)});
  }

  Candidate* candidate_for(const PvId& pv) {
    const auto found = std::ranges::find(candidates_, pv, [](const Candidate& c) { return c.pv->id; });
    return found == candidates_.end() ? nullptr : &*found;
  }

  const Wanted& wanted_;
  Allocation policy_;
  std::vector<Candidate> candidates_;
  std::uint32_t stripes_;
  Extents missing_;  ///< extents on each stripe that still have no place
  std::vector<std::vector<PvId>> cling_to_;
  std::vector<Piece> pieces_;
};

Extents total(const std::vector<Candidate>& candidates) {
  Extents sum;
  for (const Candidate& candidate : candidates) sum += candidate.free.total();
  return sum;
}

void check_request(const VolumeGroup& vg, const Usage& usage, const Wanted& wanted) {
  const Placement& placement = wanted.placement;
  CV_ASSERT(placement.stripes > 0 && wanted.count.n % placement.stripes == 0);
  if (usage.unclear != nullptr) {
    throw Error(
        Errc::refused,
        "{} has the volume {} of a type whose extents can't be told, so no extent of it is known to be free",
        vg.name, usage.unclear->name)
        .advise("remove that volume with the program that made it");
  }
}

std::string_view what_is_missing(Allocation policy) {
  switch (policy) {
    case Allocation::contiguous: return "in one piece where the volume can go on";
    case Allocation::cling:
    case Allocation::cling_by_tags: return "on the PVs that the volume clings to";
    case Allocation::normal:
    case Allocation::anywhere:
    case Allocation::inherit: break;
  }
  return "in equal parts on the PVs of the stripes";
}

[[noreturn]] void throw_no_space(const VolumeGroup& vg, const Wanted& wanted, Allocation policy, Extents free,
                                 std::size_t pvs) {
  const auto& placement = wanted.placement;
  const std::string where = placement.permitted.empty() ? vg.name : "the PVs that were named of " + vg.name;
  if (placement.stripes > pvs && policy != Allocation::anywhere) {
    throw Error(Errc::no_space, "{} stripes need free extents on as many PVs, {} has them on {}",
                placement.stripes, where, pvs)
        .advise("ask for fewer stripes or add PVs");
  }
  if (free < wanted.count) {
    throw Error(Errc::no_space, "{} has {} free extents that can be used, {} are needed", where, free.n,
                wanted.count.n)
        .advise("ask for less, remove volumes, or add a PV");
  }
  throw Error(Errc::no_space, "{} has {} free extents, but not the {} that are needed {}", where, free.n,
              wanted.count.n, what_is_missing(policy))
      .advise("ask for less, for another layout, or for another policy with --alloc");
}

Allocation policy_in_force(const VolumeGroup& vg, Allocation policy) {
  return policy == Allocation::inherit ? vg.allocation : policy;
}

}  // namespace

std::vector<Piece> allocate(const VolumeGroup& vg, const Wanted& wanted) {
  const Usage usage = usage_of(vg);
  check_request(vg, usage, wanted);
  if (wanted.count.n == 0) return {};
  const Allocation policy = policy_in_force(vg, wanted.placement.policy);
  auto room = candidates(vg, usage, wanted.placement, wanted.alignment, wanted.avoid);
  const Extents free = total(room);
  const std::size_t pvs = room.size();
  if (auto pieces = Allocator(wanted, policy, std::move(room)).run()) return std::move(*pieces);

  throw_no_space(vg, wanted, policy, free, pvs);
}

Extents allocatable_extents(const VolumeGroup& vg, const Placement& placement, Sectors alignment) {
  auto room = candidates(vg, usage_of(vg), placement, alignment, {});
  const Extents free = total(room);
  if (placement.stripes == 1) return free;
  Wanted everything;
  everything.count = round_down(free, Extents(placement.stripes));
  everything.placement = placement;
  // How long a volume can get does not depend on how it clings.
  const Allocation policy = policy_in_force(vg, placement.policy) == Allocation::anywhere
                                ? Allocation::anywhere
                                : Allocation::normal;
  return Allocator(everything, policy, std::move(room)).most();
}

std::vector<Segment> segments_from(const std::vector<Piece>& pieces, Extents start, Sectors stripe_size) {
  std::vector<Segment> segments;
  for (const Piece& piece : pieces) {
    Striped striped;
    if (piece.stripes.size() > 1) striped.stripe_size = stripe_size;
    striped.stripes.assign(piece.stripes.begin(), piece.stripes.end());
    Segment segment;
    segment.start = start;
    segment.count = piece.each * piece.stripes.size();
    segment.kind = std::move(striped);
    start += segment.count;
    segments.push_back(std::move(segment));
  }
  return segments;
}

}  // namespace cv::metadata
