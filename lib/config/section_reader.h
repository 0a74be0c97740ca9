// Takes known keys out of a section and carries the rest along.
//
// A struct that is read from LVM text has a `Carried`: every key that nobody took, with the known key it
// stood behind, so that printing puts it back in its place (SectionWriter in print.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/log.h"
#include "lib/config/tree.h"

namespace cv::config {

struct CarriedNode {
  std::string after;  ///< the known key before it; empty at the start of the section
  std::string key;
  Tree node;

  /// Where a key stood is layout, not meaning.
  friend bool operator==(const CarriedNode& a, const CarriedNode& b) {
    return a.key == b.key && a.node == b.node;
  }
};
using Carried = std::vector<CarriedNode>;

/// The known keys of a section in the order in which LVM2 writes them; at most 64.
using KeyOrder = std::span<const std::string_view>;

/// The place of `key` in `order`, or order.size(). Looks from `hint` on first.
std::size_t rank_of(KeyOrder order, std::string_view key, std::size_t hint = 0);

/// The items of a value event with the type that is wanted; a mismatch throws Errc::damaged with the line
/// and the key. Lists: a scalar counts as a list of one.
std::uint64_t to_unsigned(const Event& event, std::uint64_t max = UINT64_MAX >> 1);
std::uint32_t to_unsigned32(const Event& event);
std::int64_t to_integer(const Event& event);
std::string_view to_text(const Event& event);  ///< a view into the event
std::string to_string(const Event& event);
std::vector<std::string> to_strings(const Event& event);

/// Throws Errc::damaged where the event is no section, or no value.
void expect_section(const Event& event);
void expect_value(const Event& event);

/// Throws Errc::damaged "line L, column C: KEY is missing in SECTION".
[[noreturn]] void throw_missing(const Position& section, std::string_view section_name, std::string_view key);

/// Says that the first value of a key counts, as in LVM2.
void warn_of_duplicate(const Event& event);
/// Throws where "known/key" would come back from printing as a second section `known`.
void refuse_nested_known_key(const Event& event, KeyOrder order);
/// Carries what `event` says, for a section up to its end.
void carry(Carried& carried, std::string_view after, Parser& parser, const Event& event);
/// In the order in which SectionWriter will print them.
void sort_as_printed(Carried& carried, KeyOrder order);

/// Reads the section whose `section` event came last. `take(event)` is called for each key that is in `order`
/// and comes for the first time (a duplicate is warned about and dropped, as in LVM2), and for each one that
/// is not in it; it returns whether it consumed the event (for a section: read it to its end). What it did
/// not consume is carried. `seen` has a bit for each key of `order` that was read before.
template <class Take>
Carried read_known(Parser& parser, KeyOrder order, std::uint64_t seen, Take&& take) {
  Carried carried;
  std::string_view after;
  std::size_t expected = 0;
  for (;;) {
    const Event& event = parser.next();
    if (event.kind == Event::Kind::end_section || event.kind == Event::Kind::end) break;
    const std::size_t rank = rank_of(order, event.key, expected);
    if (rank < order.size()) {
      expected = rank + 1;
      after = order[rank];
      const std::uint64_t bit = std::uint64_t{1} << rank;
      if ((seen & bit) != 0) {
        warn_of_duplicate(event);
        if (event.kind == Event::Kind::section) parser.skip_section();
        continue;
      }
      seen |= bit;
    } else if (event.key.find('/') != std::string_view::npos) {
      refuse_nested_known_key(event, order);
    }
    if (!take(event)) carry(carried, after, parser, event);
  }
  if (!carried.empty()) sort_as_printed(carried, order);
  return carried;
}
template <class Take>
Carried read_known(Parser& parser, KeyOrder order, Take&& take) {
  return read_known(parser, order, 0, std::forward<Take>(take));
}

}  // namespace cv::config
