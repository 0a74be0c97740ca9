#include "lib/base/bytes.h"

#include <cerrno>

#include <sys/random.h>
#include <zlib.h>

#include "lib/base/error.h"

namespace cv {

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

std::optional<std::vector<std::byte>> from_hex(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(high << 4 | low));
  }
  return bytes;
}

std::uint32_t lvm_crc(std::span<const std::byte> bytes, std::uint32_t seed) {
  // zlib inverts before and after; LVM2 does neither.
  return ~static_cast<std::uint32_t>(
      crc32_z(~seed, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

void fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(Errc::io, "the kernel gives no random bytes: {}", errno_text(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace cv
