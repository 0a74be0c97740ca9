// Takes known keys out of a section and carries the rest along.
//
// A struct that is read from LVM text has a `Carried`: every key that nobody took, with the known key it
// stood behind, so that printing puts it back in its place (SectionWriter in print.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/config/tree.h"

namespace cv::config {

struct CarriedNode {
  std::string after;  ///< the key before it that was taken; empty at the start of the section
  std::string key;
  Tree node;
  friend bool operator==(const CarriedNode&, const CarriedNode&) = default;
};
using Carried = std::vector<CarriedNode>;

/// The items of a value event with the type that is wanted; a mismatch throws Errc::damaged with the line
/// and the key. Lists: a scalar counts as a list of one.
std::uint64_t to_unsigned(const Event& event, std::uint64_t max = UINT64_MAX >> 1);
std::int64_t to_integer(const Event& event);
std::string to_string(const Event& event);
std::vector<std::string> to_strings(const Event& event);

/// Reads the section whose `section` event came last. `take` is called for each key that has not been seen
/// in this section before (LVM2: the first one counts, a duplicate is warned about); it returns whether it
/// consumed the event (for a section: read it to its end). What it did not consume is carried.
template <class Take>
Carried read_known(Parser& parser, Take&& take);

/// Throws Errc::damaged "line L: KEY is missing in SECTION".
[[noreturn]] void throw_missing(const Position& section, std::string_view section_name, std::string_view key);

}  // namespace cv::config

#include "lib/config/section_reader_impl.h"
