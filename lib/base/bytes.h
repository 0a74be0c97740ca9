// Bytes as they lie on disk: little-endian fields, hex, LVM2's checksum.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cv {

/// A little-endian unsigned integer in a packed struct; alignment 1.
template <class Integer>
class LittleEndian {
 public:
  constexpr LittleEndian() = default;
  constexpr LittleEndian(Integer value) { *this = value; }
  constexpr LittleEndian& operator=(Integer value) {
    for (auto& byte : bytes_) {
      byte = static_cast<std::uint8_t>(value);
      value = static_cast<Integer>(static_cast<std::uint64_t>(value) >> 8);
    }
    return *this;
  }
  constexpr Integer value() const {
    std::uint64_t result = 0;
    for (std::size_t i = sizeof(Integer); i-- > 0;) result = result << 8 | bytes_[i];
    return static_cast<Integer>(result);
  }
  constexpr operator Integer() const { return value(); }

 private:
  std::array<std::uint8_t, sizeof(Integer)> bytes_{};
};

using le16 = LittleEndian<std::uint16_t>;
using le32 = LittleEndian<std::uint32_t>;
using le64 = LittleEndian<std::uint64_t>;

std::string to_hex(std::span<const std::byte> bytes);

/// Nothing where the text has an odd length or a character that is no hex digit.
std::optional<std::vector<std::byte>> from_hex(std::string_view text);

/// LVM2's CRC-32: polynomial 0xEDB88320, no final inversion, so that it can be chained
/// (lib/misc/crc.c of LVM2). crc("123456789") is 0x4991cf02.
inline constexpr std::uint32_t kLvmCrcSeed = 0xf597a6cf;
std::uint32_t lvm_crc(std::span<const std::byte> bytes, std::uint32_t seed = kLvmCrcSeed);

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// From the kernel's random source; waits for it to be seeded. Throws Errc::io where there is none.
void fill_random(std::span<std::byte> bytes);

}  // namespace cv
