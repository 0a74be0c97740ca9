#include "lib/base/id.h"

#include "lib/base/bytes.h"

namespace cv {

namespace {

// A table, as characters of ids are random: whoever compares ranges is right about the branch half of the
// time.
constexpr auto kLegal = [] {
  std::array<bool, 256> legal{};
  for (const char c : std::string_view("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#"))
    legal[static_cast<unsigned char>(c)] = true;
  return legal;
}();

}  // namespace

std::optional<IdCharacters> parse_id(std::string_view text) {
  IdCharacters characters{};
  std::size_t count = 0;
  for (const char c : text) {
    if (c == '-') continue;
    if (!kLegal[static_cast<unsigned char>(c)] || count == kIdLength) return std::nullopt;
    characters[count++] = c;
  }
  if (count != kIdLength) return std::nullopt;
  return characters;
}

std::string hyphenate_id(const IdCharacters& characters) {
  std::string text;
  text.reserve(kIdLength + 6);
  for (std::size_t i = 0; i < kIdLength; ++i) {
    if (i >= 6 && i <= 26 && (i - 6) % 4 == 0) text += '-';
    text += characters[i];
  }
  return text;
}

IdCharacters random_id() {
  constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::array<std::byte, kIdLength> random{};
  fill_random(random);
  IdCharacters characters{};
  for (std::size_t i = 0; i < kIdLength; ++i)
    characters[i] = kAlphabet[std::to_integer<std::size_t>(random[i]) % kAlphabet.size()];
  return characters;
}

}  // namespace cv
