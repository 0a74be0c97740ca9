#include "metadata/allocate.h"

#include <algorithm>
#include <optional>

#include "lib/base/error.h"
#include "metadata/usage.h"

namespace cv::metadata {

namespace {

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

}  // namespace

/// Gives one volume its pieces out of a room.
class Allocator {
  using Free = Room::FreeOnPv;

 public:
  Allocator(Room& room, const Wanted& wanted, Allocation policy)
      : wanted_(wanted),
        policy_(policy),
        pvs_(room.pvs_),
        stripes_(room.placement_.stripes),
        missing_(wanted.count.n / stripes_),
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
      const Free* there = free_on(area.pv);
      if (there == nullptr) return;
      each = std::min(each, there->free.free_from(area.first));
    }
    if (each.n == 0) return;
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
        const Free* there = free_on(pv);
        if (there == nullptr || std::ranges::find(areas, pv, &PhysicalArea::pv) != areas.end()) continue;
        const ExtentRange stretch = there->free.best(missing_);
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
      PvId pv;
      ExtentRange stretch;
    };
    std::vector<Choice> choices;
    for (const Free& there : pvs_) {
      const ExtentRange stretch = there.free.best(missing_);
      if (!stretch.empty()) choices.push_back({there.pv, stretch});
    }
    std::ranges::stable_sort(choices, std::ranges::greater(),
                             [](const Choice& choice) { return choice.stretch.length(); });
    if (choices.size() < stripes_) return false;
    Extents each = missing_;
    std::vector<PhysicalArea> areas;
    for (std::size_t i = 0; i < stripes_; ++i) {
      each = std::min(each, choices[i].stretch.length());
      areas.push_back({choices[i].pv, choices[i].stretch.begin});
    }
    if (policy_ == Allocation::contiguous && each < missing_) return false;
    grant(each, std::move(areas));
    return true;
  }

  /// Stripes side by side where there are not enough PVs: the longest that fit into what is free.
  bool take_piece_anywhere() {
    Extents each;
    for (const Free& there : pvs_) each = std::max(each, there.free.longest());
    const auto fitting = [&](Extents length) {
      std::uint64_t count = 0;
      for (const Free& there : pvs_) count += there.free.count_of(length, stripes_);
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
    for (const Free& there : pvs_)
      for (const Extents at : there.free.places_for(each, stripes_ - areas.size()))
        areas.push_back({there.pv, at});
    grant(each, std::move(areas));
    return true;
  }

  void grant(Extents each, std::vector<PhysicalArea> areas) {
    for (const PhysicalArea& area : areas) free_on(area.pv)->free.take({area.first, area.first + each});
    missing_ -= each;
    pieces_.push_back({each, std::move(areas)});
  }

  Free* free_on(const PvId& pv) {
    const auto found = std::ranges::find(pvs_, pv, &Free::pv);
    return found == pvs_.end() ? nullptr : &*found;
  }

  const Wanted& wanted_;
  Allocation policy_;
  std::vector<Free>& pvs_;  ///< what is granted is taken out of them
  std::uint32_t stripes_;
  Extents missing_;  ///< extents on each stripe that still have no place
  std::vector<std::vector<PvId>> cling_to_;
  std::vector<Piece> pieces_;
};

Room::Room(const VolumeGroup& vg, Placement placement, Sectors alignment, const std::vector<PvId>& avoid)
    : group_(vg.name),
      placement_(std::move(placement)),
      policy_(placement_.policy == Allocation::inherit ? vg.allocation : placement_.policy) {
  CV_ASSERT(placement_.stripes > 0);
  const Usage usage = usage_of(vg);
  if (usage.unclear != nullptr) unclear_ = usage.unclear->name;
  for (std::size_t i = 0; i < vg.pvs.size(); ++i) {
    const PhysicalVolume& pv = vg.pvs[i];
    if (!has_flag(pv.flags, "ALLOCATABLE") || has_flag(pv.flags, "MISSING")) continue;
    if (!can_hold(vg, pv, alignment) || std::ranges::find(avoid, pv.id) != avoid.end()) continue;
    Stretches free(permitted_part(usage.pvs[i].free, pv, placement_.permitted));
    if (!free.empty()) pvs_.push_back({pv.id, std::move(free)});
  }
}

Extents Room::total() const {
  Extents sum;
  for (const FreeOnPv& there : pvs_) sum += there.free.total();
  return sum;
}

void Room::throw_no_space(Extents wanted, Extents free, std::size_t pvs) const {
  const std::string where = placement_.permitted.empty() ? group_ : "the PVs that were named of " + group_;
  if (placement_.stripes > pvs && policy_ != Allocation::anywhere) {
    throw Error(Errc::no_space, "{} stripes need free extents on as many PVs, {} has them on {}",
                placement_.stripes, where, pvs)
        .advise("ask for fewer stripes or add PVs");
  }
  if (free < wanted) {
    throw Error(Errc::no_space, "{} has {} free extents that can be used, {} are needed", where, free.n,
                wanted.n)
        .advise("ask for less, remove volumes, or add a PV");
  }
  throw Error(Errc::no_space, "{} has {} free extents, but not the {} that are needed {}", where, free.n,
              wanted.n, what_is_missing(policy_))
      .advise("ask for less, for another layout, or for another policy with --alloc");
}

std::vector<Piece> Room::allocate(const Wanted& wanted) {
  CV_ASSERT(wanted.count.n % placement_.stripes == 0);
  if (!unclear_.empty()) {
    throw Error(
        Errc::refused,
        "{} has the volume {} of a type whose extents can't be told, so no extent of it is known to be free",
        group_, unclear_)
        .advise("remove that volume with the program that made it");
  }
  if (wanted.count.n == 0) return {};
  const Extents free = total();
  const auto pvs = std::ranges::count_if(pvs_, [](const FreeOnPv& there) { return !there.free.empty(); });
  if (auto pieces = Allocator(*this, wanted, policy_).run()) return std::move(*pieces);
  throw_no_space(wanted.count, free, static_cast<std::size_t>(pvs));
}

Extents Room::allocatable() const {
  const Extents free = total();
  if (placement_.stripes == 1) return free;
  const Wanted everything{
      .count = round_down(free, Extents(placement_.stripes)), .behind = {}, .cling_to = {}};
  // How long a volume can get does not depend on how it clings.
  const Allocation policy = policy_ == Allocation::anywhere ? policy_ : Allocation::normal;
  Room trial = *this;
  return Allocator(trial, everything, policy).most();
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
