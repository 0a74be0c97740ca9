#include "lib/crypt/cipher_spec.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/error.h"
#include "lib/crypt/secret.h"

namespace cv::crypt {

namespace {

constexpr std::size_t kLongestText = 128;
constexpr std::uint32_t kMostKeyBits = 4096;  // 512 bytes, as in libcryptsetup
constexpr std::uint32_t kMostKeys = 64;

struct KnownCipher {
  std::string_view name;
  std::array<std::uint32_t, 3> key_bits;  ///< 0: no further size
};

// The kernel's crypto API; ciphers with many sizes (blowfish, cast5) are left to it.
constexpr std::array<KnownCipher, 6> kKnownCiphers{{
    {"aes", {128, 192, 256}},
    {"serpent", {128, 192, 256}},
    {"twofish", {128, 192, 256}},
    {"camellia", {128, 192, 256}},
    {"sm4", {128, 0, 0}},
    {"des3_ede", {192, 0, 0}},
}};

constexpr std::array<std::string_view, 5> kShareableIvs{"plain", "plain64", "plain64be", "essiv", "benbi"};

bool is_table_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_:(),.+").find(c) != std::string_view::npos;
}

Error bad_text(std::string_view text, std::string_view why) {
  return Error(Errc::unsupported, "cipher \"{}\" is not understood: {}", text, why)
      .advise("write it as in \"aes-xts-plain64\"");
}

/// The text up to the first `separator`, which is taken away; all of it where there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

std::optional<std::uint32_t> small_number(std::string_view digits) {
  if (digits.empty() || digits.size() > 4) return std::nullopt;
  std::uint32_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number;
}

bool balanced(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '(') ++depth;
    if (c == ')' && --depth < 0) return false;
  }
  return depth == 0;
}

/// "aes" of "authenc(hmac(sha256),xts(aes))" and of "xts(aes)".
std::string_view innermost(std::string_view api) {
  const std::size_t open = api.rfind('(');
  if (open == std::string_view::npos) return api;
  api.remove_prefix(open + 1);
  return api.substr(0, api.find(')'));
}

bool is_xts(std::string_view mode) {
  return mode == "xts" || mode.starts_with("xts(");
}

}  // namespace

CipherSpec CipherSpec::parse(std::string_view text) {
  if (text.empty()) throw bad_text(text, "it is empty");
  if (text.size() > kLongestText) {
    throw bad_text(text.substr(0, 32), fmt::format("it is longer than {} characters", kLongestText));
  }
  // The text becomes a word of a device-mapper table; a blank in it would begin the next word.
  if (!std::all_of(text.begin(), text.end(), is_table_character)) {
    throw Error(Errc::unsupported, "the cipher has characters that no cipher has")
        .advise("write it as in \"aes-xts-plain64\"");
  }
  CipherSpec spec;
  spec.text_ = text;
  std::string_view rest = text;
  if (rest.starts_with("capi:")) {
    spec.capi_ = true;
    rest.remove_prefix(5);
    // The options of an IV may hold a hyphen, so they are cut off first, from the last colon (dm-crypt.c,
    // crypt_ctr_cipher_new).
    rest = rest.substr(0, rest.rfind(':'));
    const std::size_t hyphen = rest.rfind('-');
    if (hyphen == std::string_view::npos) throw bad_text(text, "it names no IV mode");
    spec.iv_ = rest.substr(hyphen + 1);
    spec.mode_ = rest.substr(0, hyphen);
    spec.cipher_ = innermost(spec.mode_);
    if (!balanced(spec.mode_)) throw bad_text(text, "its parentheses don't match");
  } else {
    std::string_view keys = take_until(rest, '-');
    spec.cipher_ = take_until(keys, ':');
    if (!keys.empty()) {
      const auto count = small_number(keys);
      if (!count || *count == 0 || *count > kMostKeys || (*count & (*count - 1)) != 0) {
        throw bad_text(text, fmt::format("its number of keys is not a power of two up to {}", kMostKeys));
      }
      spec.key_count_ = *count;
    }
    spec.mode_ = take_until(rest, '-');
    spec.iv_ = take_until(rest, ':');
    // The kernel reads "aes" and "aes-plain" as aes-cbc-plain; a store should say what it means.
    if (spec.mode_.empty() || (spec.iv_.empty() && spec.mode_ != "ecb")) {
      throw bad_text(text, "it names no chain mode with an IV mode");
    }
  }
  if (spec.cipher_.empty() || spec.mode_.empty() || (spec.iv_.empty() && spec.mode_ != "ecb")) {
    throw bad_text(text, "a part of it is empty");
  }
  if (spec.iv_ == "essiv" && spec.text_.find("essiv:") == std::string::npos) {
    throw bad_text(text, "essiv needs a hash, as in \"essiv:sha256\"");
  }
  if (spec.cipher_ == "cipher_null") {
    throw Error(Errc::unsupported, "cipher_null encrypts nothing")
        .advise("use a real cipher, or a volume without --crypt");
  }
  return spec;
}

std::string CipherSpec::header_cipher() const {
  return text_.substr(0, text_.find('-'));
}

std::string CipherSpec::header_mode() const {
  return text_.substr(header_cipher().size() + 1);
}

void CipherSpec::check_key_bits(std::uint32_t bits) const {
  if (bits == 0 || bits % 8 != 0 || bits > kMostKeyBits) {
    throw Error(Errc::unsupported, "a key of {} bits is not possible", bits)
        .advise("use a multiple of 8 up to {}", kMostKeyBits);
  }
  const bool xts = is_xts(mode_);
  const bool plain_mode = mode_ == "cbc" || mode_ == "ctr" || mode_ == "ecb" || mode_ == "pcbc" ||
                          (capi_ && (mode_.starts_with("cbc(") || mode_.starts_with("ctr(")));
  const auto known = std::find_if(kKnownCiphers.begin(), kKnownCiphers.end(),
                                  [&](const KnownCipher& c) { return c.name == cipher_; });
  // lrw, adiantum, authenc and the IV modes lmk, tcw add key material of their own: the kernel knows how
  // much.
  if (known == kKnownCiphers.end() || !(xts || plain_mode) || iv_ == "lmk" || iv_ == "tcw" ||
      iv_ == "elephant") {
    return;
  }
  std::vector<std::uint32_t> legal;
  for (const std::uint32_t one : known->key_bits) {
    if (one != 0) legal.push_back(one * (xts ? 2 : 1) * key_count_);
  }
  if (std::find(legal.begin(), legal.end(), bits) == legal.end()) {
    throw Error(Errc::unsupported, "{} has no key of {} bits", text_, bits)
        .advise("use {} bits", fmt::join(legal, ", "));
  }
}

Sectors CipherSpec::iv_end() const {
  constexpr Sectors kCountable(std::uint64_t{1} << 63);
  if (has_32_bit_iv()) return Sectors(std::uint64_t{1} << 32);
  // benbi counts cipher blocks in 64 bits: sector << 5 with 16-byte blocks, << 6 with 8-byte blocks.
  if (iv_ == "benbi") return Sectors(std::uint64_t{1} << 58);
  return kCountable;
}

bool CipherSpec::may_be_shared() const {
  if (mode_ == "ecb" || mode_.starts_with("ecb(")) return false;
  return std::find(kShareableIvs.begin(), kShareableIvs.end(), iv_) != kShareableIvs.end();
}

bool CipherSpec::has_equal_halves(std::span<const std::byte> key) const {
  if (!is_xts(mode_) || key.empty() || key.size() % 2 != 0) return false;
  return same_secret(key.first(key.size() / 2), key.last(key.size() / 2));
}

}  // namespace cv::crypt
