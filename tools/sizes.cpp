#include "tools/sizes.h"

#include <cctype>
#include <cmath>
#include <limits>

#include "lib/base/error.h"

namespace cv::tools {

namespace {

// Both our compilers have it.
__extension__ using Wide = unsigned __int128;

constexpr std::string_view kPrefixes = "kmgtpe";

Error bad_size(std::string_view text) {
  return Error(Errc::bad_size, "'{}' is no size", text)
      .advise("write a number and one of b, s, k, m, g, t, p, e, such as 512m or 1.5g");
}

Error too_large(std::string_view text) {
  return Error(Errc::bad_size, "size {} is too large", text).advise("the largest is below 16 EiB");
}

/// Bytes in one of `letter`; 0 for a letter that is none.
std::uint64_t factor_of(char letter, std::uint64_t step) {
  if (letter == 'b') return 1;
  if (letter == 's') return kSectorBytes;
  const auto place = kPrefixes.find(letter);
  if (place == std::string_view::npos) return 0;
  std::uint64_t factor = step;
  for (std::size_t i = 0; i < place; ++i) factor *= step;
  return factor;
}

char lower(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  const auto digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

Sign take_sign(std::string_view& text) {
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return Sign::none;
  const Sign sign = text.front() == '+' ? Sign::plus : Sign::minus;
  text.remove_prefix(1);
  return sign;
}

/// The digits behind the point times `factor`, rounded up. Exact: each step divides by ten an integer plus
/// the result of the step before, so the floors nest, and one remainder anywhere makes the whole inexact.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t factor) {
  std::uint64_t value = 0;
  bool inexact = false;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    const std::uint64_t tenfold = static_cast<std::uint64_t>(*digit - '0') * factor + value;
    inexact = inexact || tenfold % 10 != 0;
    value = tenfold / 10;
  }
  return value + (inexact ? 1 : 0);
}

/// Nothing where the digits don't fit.
std::optional<std::uint64_t> whole_of(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char digit : digits) {
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(digit - '0'), &value)) {
      return std::nullopt;
    }
  }
  return value;
}

PercentOf basis_of(std::string_view name, std::string_view text) {
  std::string small;
  for (const char c : name) small += lower(c);
  if (small == "vg" || small == "v") return PercentOf::vg;
  if (small == "free" || small == "fr" || small == "f") return PercentOf::free;
  if (small == "pvs" || small == "pv" || small == "p") return PercentOf::pvs;
  if (small == "lv" || small == "l") return PercentOf::lv;
  if (small == "origin" || small == "o") return PercentOf::origin;
  throw Error(Errc::bad_size, "'{}' is no number of extents", text)
      .advise("write a number, or a number and one of %VG, %FREE, %PVS");
}

struct Shown {
  std::uint64_t factor;
  std::string suffix;
  bool whole;  ///< bytes and sectors have no fraction
};

Shown fixed_unit(const Units& units) {
  const char small = lower(units.letter);
  if (units.own) return {units.factor, "U", false};
  if (small == 'b') return {units.factor, "B", true};
  if (small == 's') return {units.factor, "S", true};
  return {units.factor, std::string(1, units.letter), false};
}

Shown readable_unit(Bytes size, bool si) {
  const std::uint64_t step = si ? 1000 : 1024;
  for (std::size_t place = kPrefixes.size(); place-- > 0;) {
    const std::uint64_t factor = factor_of(kPrefixes[place], step);
    if (size.n < factor) continue;
    const char prefix = kPrefixes[place];
    const char letter = si ? static_cast<char>(std::toupper(static_cast<unsigned char>(prefix))) : prefix;
    return {factor, std::string(1, letter), false};
  }
  return {1, "B", true};
}

}  // namespace

Bytes parse_size(std::string_view text) {
  std::string_view rest = text;
  const auto whole_digits = take_digits(rest);
  std::string_view fraction_digits;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    fraction_digits = take_digits(rest);
  }
  if (whole_digits.empty() && fraction_digits.empty()) throw bad_size(text);
  const char letter = rest.empty() ? 'm' : lower(rest.front());
  const std::uint64_t factor = factor_of(letter, 1024);
  if (rest.size() > 1 || factor == 0) throw bad_size(text);

  const auto whole = whole_of(whole_digits);
  std::uint64_t bytes = 0;
  if (!whole || __builtin_mul_overflow(*whole, factor, &bytes) ||
      __builtin_add_overflow(bytes, fraction_of(fraction_digits, factor), &bytes)) {
    throw too_large(text);
  }
  return Bytes(bytes);
}

SizeArgument parse_size_argument(std::string_view text) {
  std::string_view rest = text;
  const Sign sign = take_sign(rest);
  const Bytes size = parse_size(rest);
  if (size == Bytes(0)) {
    throw Error(Errc::bad_size, "size '{}' is zero", text).advise("write a size above zero");
  }
  return {sign, size};
}

ExtentsArgument parse_extents_argument(std::string_view text) {
  std::string_view rest = text;
  ExtentsArgument argument;
  argument.sign = take_sign(rest);
  const auto digits = take_digits(rest);
  if (digits.empty() || (!rest.empty() && rest.front() != '%')) {
    throw Error(Errc::bad_size, "'{}' is no number of extents", text)
        .advise("write a number, or a number and one of %VG, %FREE, %PVS");
  }
  const auto number = whole_of(digits);
  // LVM2 counts the extents of a group in 32 bits.
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(Errc::bad_size, "number of extents {} is too large", text)
        .advise("the largest is {}", std::numeric_limits<std::uint32_t>::max());
  }
  if (*number == 0) {
    throw Error(Errc::bad_size, "number of extents '{}' is zero", text).advise("write a number above zero");
  }
  argument.number = *number;
  if (!rest.empty()) argument.basis = basis_of(rest.substr(1), text);
  return argument;
}

Extents percent_of(std::uint64_t percent, Extents whole) {
  const Wide part = static_cast<Wide>(percent) * whole.n / 100;
  if (part > std::numeric_limits<std::uint64_t>::max()) throw_overflow();
  return Extents(static_cast<std::uint64_t>(part));
}

Extents percent_of_rounded_up(std::uint64_t percent, Extents whole) {
  const bool has_rest = static_cast<Wide>(percent) * whole.n % 100 != 0;
  return percent_of(percent, whole) + Extents(has_rest ? 1 : 0);
}

Units parse_units(std::string_view text) {
  std::string_view rest = text;
  const auto digits = take_digits(rest);
  const auto number = whole_of(digits.empty() ? std::string_view("1") : digits);
  Units units;
  if (rest.size() == 1 && number && *number > 0) {
    const char letter = rest.front();
    if (digits.empty() && (lower(letter) == 'r' || lower(letter) == 'h')) {
      units.letter = letter;
      return units;
    }
    const bool si = lower(letter) != letter;
    units.letter = letter;
    units.own = *number != 1;
    if (!__builtin_mul_overflow(*number, factor_of(lower(letter), si ? 1000 : 1024), &units.factor) &&
        units.factor != 0) {
      return units;
    }
  }
  throw Error(Errc::bad_size, "'{}' is no unit", text)
      .advise("write one of r, h, b, s, k, m, g, t, p, e, or a number and one of the latter eight");
}

std::string format_size(Bytes size, const Units& units, bool suffix) {
  const char small = lower(units.letter);
  const bool readable = units.factor == 0;
  // LVM2 shows a zero without a unit where it would have to choose one.
  if (size == Bytes(0)) return readable || !suffix ? "0" : "0" + fixed_unit(units).suffix;
  const bool si = units.letter != small;
  const Shown shown = readable ? readable_unit(size, si) : fixed_unit(units);

  const double value = static_cast<double>(size.n) / static_cast<double>(shown.factor);
  std::string text;
  if (small == 'r' && !shown.whole) {
    const double hundredths = 100.0 * static_cast<double>(size.n) / static_cast<double>(shown.factor);
    if (std::floor(hundredths) != std::nearbyint(hundredths)) text = "<";
  }
  text += shown.whole ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value);
  if (suffix || readable) text += shown.suffix;
  return text;
}

}  // namespace cv::tools
