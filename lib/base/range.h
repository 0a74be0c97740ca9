// Half-open ranges and sets of them: the map of free extents, the map of used IVs.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "lib/base/units.h"

namespace cv {

/// [begin, end). Empty where begin >= end.
template <class Position>
struct Range {
  Position begin;
  Position end;

  constexpr bool empty() const { return begin >= end; }
  constexpr Position length() const { return empty() ? Position() : end - begin; }
  constexpr bool overlaps(const Range& other) const {
    return !empty() && !other.empty() && begin < other.end && other.begin < end;
  }
  constexpr bool covers(const Range& other) const {
    return other.empty() || (begin <= other.begin && other.end <= end);
  }
  friend bool operator==(const Range&, const Range&) = default;
};

/// A set of positions, kept as sorted ranges that neither touch nor overlap.
template <class Position>
class RangeSet {
 public:
  using RangeType = Range<Position>;

  const std::vector<RangeType>& ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }

  Position total() const {
    Position sum;
    for (const auto& range : ranges_) sum += range.length();
    return sum;
  }

  /// The first stretch that is both in the set and in `wanted`.
  std::optional<RangeType> overlap(const RangeType& wanted) const {
    if (wanted.empty()) return std::nullopt;
    const auto found = first_ending_after(wanted.begin);
    if (found == ranges_.end() || !found->overlaps(wanted)) return std::nullopt;
    return RangeType{std::max(found->begin, wanted.begin), std::min(found->end, wanted.end)};
  }

  bool contains(const RangeType& wanted) const {
    if (wanted.empty()) return true;
    const auto found = first_ending_after(wanted.begin);
    return found != ranges_.end() && found->covers(wanted);
  }

  void add(const RangeType& added) {
    if (added.empty()) return;
    RangeType merged = added;
    auto first = std::partition_point(ranges_.begin(), ranges_.end(),
                                      [&](const RangeType& r) { return r.end < added.begin; });
    auto last = first;
    for (; last != ranges_.end() && last->begin <= added.end; ++last) {
      merged.begin = std::min(merged.begin, last->begin);
      merged.end = std::max(merged.end, last->end);
    }
    first = ranges_.erase(first, last);
    ranges_.insert(first, merged);
  }

  void remove(const RangeType& removed) {
    if (removed.empty()) return;
    std::vector<RangeType> kept;
    kept.reserve(ranges_.size() + 1);
    for (const auto& range : ranges_) {
      const RangeType before{range.begin, std::min(range.end, removed.begin)};
      const RangeType after{std::max(range.begin, removed.end), range.end};
      if (!before.empty()) kept.push_back(before);
      if (!after.empty()) kept.push_back(after);
    }
    ranges_ = std::move(kept);
  }

  friend bool operator==(const RangeSet&, const RangeSet&) = default;

 private:
  auto first_ending_after(Position position) const {
    return std::partition_point(ranges_.begin(), ranges_.end(),
                                [&](const RangeType& r) { return r.end <= position; });
  }

  std::vector<RangeType> ranges_;
};

using ExtentRange = Range<Extents>;
using ExtentSet = RangeSet<Extents>;
using SectorRange = Range<Sectors>;
using SectorSet = RangeSet<Sectors>;

}  // namespace cv
