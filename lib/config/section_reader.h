// Takes known keys out of a section and carries the rest along (carried.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/config/carried.h"
#include "lib/config/parse.h"

namespace cv::config {

/// The known keys of a section in the order in which LVM2 writes them; at most 64.
using KeyOrder = std::span<const std::string_view>;

/// The place of `key` in `order`, or order.size(). Looks from `hint` on first.
std::size_t rank_of(KeyOrder order, std::string_view key, std::size_t hint = 0);

/// The place of a key that is in `order`, at compile time: `case known(kKeys, "id"):`.
template <class Keys>
consteval std::size_t known(const Keys& order, std::string_view key) {
  std::size_t rank = 0;
  while (order[rank] != key) ++rank;  // past the end, this is no constant and does not compile
  return rank;
}
constexpr std::uint64_t bit_of(std::size_t rank) {
  return std::uint64_t{1} << rank;
}

/// The items of a value event with the type that is wanted; a mismatch throws Errc::damaged with the line
/// and the key. Lists: a scalar counts as a list of one.
std::uint64_t to_unsigned(const Event& event, std::uint64_t max = UINT64_MAX >> 1);
std::uint32_t to_unsigned32(const Event& event);
std::int64_t to_integer(const Event& event);
std::string_view to_text(const Event& event);  ///< a view into the event
std::string to_string(const Event& event);
std::vector<std::string> to_strings(const Event& event);
/// Calls `visit` with each item, a view into the event.
template <class Visit>
void for_each_string(const Event& event, Visit&& visit);

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

/// Reads the section whose `section` event came last. `take(event, rank)` is called for each key that is in
/// `order` and comes for the first time (a duplicate is warned about and dropped, as in LVM2), and for each
/// one that is not in it, with order.size(); it returns whether it consumed the event (for a section: read it
/// to its end). What it did not consume is carried. `seen` has a bit for each key of `order` that was read.
template <class Take>
Carried read_known(Parser& parser, KeyOrder order, std::uint64_t& seen, Take&& take) {
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
      if ((seen & bit_of(rank)) != 0) {
        warn_of_duplicate(event);
        if (event.kind == Event::Kind::section) parser.skip_section();
        continue;
      }
      seen |= bit_of(rank);
    } else if (event.key.find('/') != std::string_view::npos) {
      refuse_nested_known_key(event, order);
    }
    if (!take(event, rank)) carry(carried, after, parser, event);
  }
  if (!carried.empty()) sort_as_printed(carried, order);
  return carried;
}
template <class Visit>
void for_each_string(const Event& event, Visit&& visit) {
  expect_value(event);
  for (const Item& item : event.items) {
    if (item.kind != Item::Kind::string)
      throw damaged(event.position, "{} has an item that is not a string", shown(event.key));
    visit(item.text);
  }
}

template <class Take>
Carried read_known(Parser& parser, KeyOrder order, Take&& take) {
  std::uint64_t seen = 0;
  return read_known(parser, order, seen, std::forward<Take>(take));
}

}  // namespace cv::config
