// The free extents of one PV, by place and by length.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "lib/base/range.h"

namespace cv::metadata {

/// Asking and taking cost a logarithm of the number of stretches.
class Stretches {
 public:
  explicit Stretches(const ExtentSet& free);

  bool empty() const { return by_place_.empty(); }
  Extents total() const { return total_; }
  Extents longest() const { return empty() ? Extents() : by_length_.rbegin()->first; }

  /// The smallest stretch of at least `wanted` extents, else the largest there is; the first of equals.
  ExtentRange best(Extents wanted) const;
  /// How many extents are free from `at` on.
  Extents free_from(Extents at) const;

  /// How many times `length` extents have room, each time in one piece; counts no further than `enough`.
  std::uint64_t count_of(Extents length, std::uint64_t enough) const;
  /// Where they begin, the first `most` of them.
  std::vector<Extents> places_for(Extents length, std::uint64_t most) const;

  /// All of `taken` is free.
  void take(const ExtentRange& taken);

 private:
  using ByPlace = std::map<Extents, Extents>;  ///< begin to end

  ByPlace::const_iterator stretch_at(Extents at) const;
  void add(const ExtentRange& range);

  ByPlace by_place_;
  std::set<std::pair<Extents, Extents>> by_length_;  ///< length and begin
  Extents total_;
};

}  // namespace cv::metadata
