// Counts with a unit: bytes, 512-byte sectors, extents. No silent conversion, no silent overflow.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

#include "lib/base/error.h"

namespace cv {

[[noreturn]] void throw_overflow();

/// `n` things of one unit. Sums and products that do not fit 64 bits, and differences below zero,
/// throw Errc::overflow.
template <class Unit>
struct Count {
  std::uint64_t n = 0;

  constexpr Count() = default;
  constexpr explicit Count(std::uint64_t count) : n(count) {}

  friend constexpr bool operator==(Count, Count) = default;
  friend constexpr auto operator<=>(Count, Count) = default;

  friend constexpr Count operator+(Count a, Count b) {
    std::uint64_t sum = 0;
    if (__builtin_add_overflow(a.n, b.n, &sum)) throw_overflow();
    return Count(sum);
  }
  friend constexpr Count operator-(Count a, Count b) {
    if (b.n > a.n) throw_overflow();
    return Count(a.n - b.n);
  }
  friend constexpr Count operator*(Count a, std::uint64_t factor) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(a.n, factor, &product)) throw_overflow();
    return Count(product);
  }
  /// How many whole `b` fit into `a`. `b` is not zero.
  friend constexpr std::uint64_t operator/(Count a, Count b) { return a.n / b.n; }
  friend constexpr Count operator%(Count a, Count b) { return Count(a.n % b.n); }
  constexpr Count& operator+=(Count other) { return *this = *this + other; }
  constexpr Count& operator-=(Count other) { return *this = *this - other; }
};

using Bytes = Count<struct ByteUnit>;
using Sectors = Count<struct SectorUnit>;  ///< always 512 bytes, whatever the device's block size
using Extents = Count<struct ExtentUnit>;

inline constexpr std::uint64_t kSectorBytes = 512;

constexpr Bytes to_bytes(Sectors sectors) {
  return Bytes((sectors * kSectorBytes).n);
}

/// Rounds down.
constexpr Sectors whole_sectors(Bytes bytes) {
  return Sectors(bytes.n / kSectorBytes);
}

constexpr Sectors to_sectors(Extents extents, Sectors extent_size) {
  return extent_size * extents.n;
}

/// The least number of extents that holds `sectors`. `extent_size` is not zero.
constexpr Extents extents_for(Sectors sectors, Sectors extent_size) {
  return Extents(sectors.n / extent_size.n + (sectors.n % extent_size.n != 0 ? 1 : 0));
}

template <class Unit>
constexpr Count<Unit> round_up(Count<Unit> value, Count<Unit> multiple) {
  const auto rest = value % multiple;
  return rest.n == 0 ? value : value + (multiple - rest);
}

template <class Unit>
constexpr Count<Unit> round_down(Count<Unit> value, Count<Unit> multiple) {
  return value - value % multiple;
}

namespace literals {
constexpr Bytes operator""_B(unsigned long long n) {
  return Bytes(n);
}
constexpr Bytes operator""_KiB(unsigned long long n) {
  return Bytes(1024) * n;
}
constexpr Bytes operator""_MiB(unsigned long long n) {
  return Bytes(1024 * 1024) * n;
}
constexpr Sectors operator""_sectors(unsigned long long n) {
  return Sectors(n);
}
constexpr Extents operator""_extents(unsigned long long n) {
  return Extents(n);
}
}  // namespace literals

}  // namespace cv
