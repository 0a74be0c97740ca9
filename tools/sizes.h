// Sizes as people type and read them: "1.5g", "+100%FREE", "<12.00m".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/units.h"

namespace cv::tools {

/// A number with an optional fraction and a suffix of bskmgtpe in either case (b bytes, s sectors, the
/// others powers of 1024; without one MiB). Computed exactly; a rest of a byte is rounded up. Throws
/// Errc::bad_size, also for what does not fit 64 bits.
Bytes parse_size(std::string_view text);

enum class Sign { none, plus, minus };

/// "-L [+|-]SIZE"
struct SizeArgument {
  Sign sign = Sign::none;
  Bytes size;
  friend bool operator==(const SizeArgument&, const SizeArgument&) = default;
};
SizeArgument parse_size_argument(std::string_view text);

enum class PercentOf { nothing, vg, free, pvs, lv, origin };

/// "-l [+|-]N[%VG|%FREE|%PVS|%LV|%ORIGIN]"; LVM2's short forms %V, %F, %P, %L and %O too.
struct ExtentsArgument {
  Sign sign = Sign::none;
  std::uint64_t number = 0;  ///< extents, or percent
  PercentOf basis = PercentOf::nothing;
  friend bool operator==(const ExtentsArgument&, const ExtentsArgument&) = default;
};
ExtentsArgument parse_extents_argument(std::string_view text);

/// `percent` of `whole`, rounded down; the product may not fit 64 bits but the result must.
Extents percent_of(std::uint64_t percent, Extents whole);
Extents percent_of_rounded_up(std::uint64_t percent, Extents whole);

/// LVM2's --units: a letter (r human-readable with '<' where it was rounded up, h without that, b s k m g t p
/// e; upper case: powers of 1000 for all but R and H, which differ in the same way), or a number and a letter
/// for a unit of one's own ("4m").
struct Units {
  char letter = 'r';
  std::uint64_t factor = 0;  ///< bytes in one; 0 for r, h, R and H
  bool own = false;          ///< a unit of one's own: shown as "U"
  friend bool operator==(const Units&, const Units&) = default;
};
/// Throws Errc::bad_size.
Units parse_units(std::string_view text);

/// As LVM2 shows it: "<12.00m", "8192S", "1048576B". Human-readable sizes always have their suffix.
std::string format_size(Bytes size, const Units& units = {}, bool suffix = true);

}  // namespace cv::tools
