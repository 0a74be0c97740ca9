#include "lib/crypt/key_check.h"

#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/digest.h"

namespace cv::crypt {

namespace {

constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kLongestSalt = 1024;
// A text on a disk may not keep a command busy for hours.
constexpr std::uint32_t kMostIterations = 100'000'000;

struct KeyCheck {
  std::uint32_t iterations = 0;
  std::vector<std::byte> salt;
  std::vector<std::byte> digest;
};

std::optional<std::array<std::string_view, 5>> five_fields(std::string_view text) {
  std::array<std::string_view, 5> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t colon = text.find(':');
    const bool last = i + 1 == fields.size();
    if (last != (colon == std::string_view::npos)) return std::nullopt;
    fields[i] = text.substr(0, colon);
    if (!last) text.remove_prefix(colon + 1);
  }
  return fields;
}

std::optional<std::uint32_t> iterations_in(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number == 0 || number > kMostIterations) return std::nullopt;
  return number;
}

Error malformed(std::string_view why) {
  return Error(Errc::damaged, "key_check is not of the form pbkdf2:sha256:ITERATIONS:SALT:DIGEST: {}", why)
      .advise("restore the metadata from a backup");
}

KeyCheck parse(std::string_view text) {
  const auto fields = five_fields(text);
  if (!fields) throw malformed("it has not five parts");
  const auto& [kdf, hash, iterations, salt, digest] = *fields;
  if (kdf != "pbkdf2" || hash != "sha256") {
    throw Error(Errc::unsupported, "key_check asks for {}:{}, only pbkdf2:sha256 is known", kdf, hash)
        .advise("use a newer cvm");
  }
  const auto number = iterations_in(iterations);
  if (!number) throw malformed(fmt::format("iterations are not between 1 and {}", kMostIterations));
  const auto salt_bytes = from_hex(salt);
  if (!salt_bytes || salt_bytes->empty() || salt_bytes->size() > kLongestSalt) {
    throw malformed("the salt is not hex");
  }
  const auto digest_bytes = from_hex(digest);
  if (!digest_bytes || digest_bytes->size() != sizeof(Sha256)) {
    throw malformed("the digest is not 64 hex digits");
  }
  return {.iterations = *number, .salt = *salt_bytes, .digest = *digest_bytes};
}

}  // namespace

std::string make_key_check(const SecureBytes& key, std::uint32_t iterations) {
  const std::uint32_t count = iterations == 0 ? kKeyCheckIterations : iterations;
  std::array<std::byte, kSaltBytes> salt;
  fill_random(salt);
  return fmt::format("pbkdf2:sha256:{}:{}:{}", count, to_hex(salt),
                     to_hex(pbkdf2_sha256(key.bytes(), salt, count).bytes()));
}

bool passes_key_check(std::string_view check, const SecureBytes& key) {
  const KeyCheck parsed = parse(check);
  return same_secret(pbkdf2_sha256(key.bytes(), parsed.salt, parsed.iterations).bytes(), parsed.digest);
}

}  // namespace cv::crypt
