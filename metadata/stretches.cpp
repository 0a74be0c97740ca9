#include "metadata/stretches.h"

#include <algorithm>
#include <iterator>

#include "lib/base/error.h"

namespace cv::metadata {

Stretches::Stretches(const ExtentSet& free) : total_(free.total()) {
  std::vector<std::pair<Extents, Extents>> lengths;
  lengths.reserve(free.ranges().size());
  for (const ExtentRange& range : free.ranges()) {
    by_place_.emplace_hint(by_place_.end(), range.begin, range.end);
    lengths.emplace_back(range.length(), range.begin);
  }
  std::ranges::sort(lengths);
  by_length_.insert(lengths.begin(), lengths.end());
}

ExtentRange Stretches::best(Extents wanted) const {
  if (empty()) return {};
  const auto found = by_length_.lower_bound({std::min(wanted, longest()), Extents()});
  return {found->second, found->second + found->first};
}

Stretches::ByPlace::const_iterator Stretches::stretch_at(Extents at) const {
  const auto behind = by_place_.upper_bound(at);
  if (behind == by_place_.begin()) return by_place_.end();
  const auto found = std::prev(behind);
  return found->second > at ? found : by_place_.end();
}

Extents Stretches::free_from(Extents at) const {
  const auto found = stretch_at(at);
  return found == by_place_.end() ? Extents() : found->second - at;
}

std::uint64_t Stretches::count_of(Extents length, std::uint64_t enough) const {
  std::uint64_t count = 0;
  for (auto it = by_length_.rbegin(); it != by_length_.rend() && it->first >= length && count < enough; ++it)
    count += it->first / length;
  return count;
}

std::vector<Extents> Stretches::places_for(Extents length, std::uint64_t most) const {
  std::vector<Extents> places;
  for (auto it = by_place_.begin(); it != by_place_.end() && places.size() < most; ++it)
    for (Extents at = it->first; at + length <= it->second && places.size() < most; at += length)
      places.push_back(at);
  return places;
}

void Stretches::take(const ExtentRange& taken) {
  if (taken.empty()) return;
  const auto found = stretch_at(taken.begin);
  CV_ASSERT(found != by_place_.end() && taken.end <= found->second);
  const ExtentRange stretch{found->first, found->second};
  by_place_.erase(found);
  by_length_.erase({stretch.length(), stretch.begin});
  total_ -= stretch.length();
  add({stretch.begin, taken.begin});
  add({taken.end, stretch.end});
}

void Stretches::add(const ExtentRange& range) {
  if (range.empty()) return;
  by_place_.emplace(range.begin, range.end);
  by_length_.emplace(range.length(), range.begin);
  total_ += range.length();
}

}  // namespace cv::metadata
