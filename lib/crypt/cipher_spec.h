// What a cipher text like "aes-xts-plain64" means: which keys it takes, how far its IVs reach.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/units.h"

namespace cv::crypt {

/// "cipher[:keycount]-chainmode-ivmode[:ivopts]" or "capi:api-ivmode[:ivopts]", as dm-crypt reads them
/// (Documentation/admin-guide/device-mapper/dm-crypt.rst). The text itself goes into tables and headers
/// verbatim; the parts answer questions only.
class CipherSpec {
 public:
  /// Throws Errc::unsupported, with the reason, for what is no such text, for characters that have no place
  /// in a dm table, and for ciphers that encrypt nothing.
  static CipherSpec parse(std::string_view text);

  const std::string& text() const { return text_; }
  /// "aes"; of the capi form the innermost name: "aes" of "capi:xts(aes)-plain64".
  const std::string& cipher() const { return cipher_; }
  /// "xts"; of the capi form all of "xts(aes)".
  const std::string& mode() const { return mode_; }
  /// "plain64"; "" where there is none.
  const std::string& iv() const { return iv_; }
  bool is_capi() const { return capi_; }

  /// As libcryptsetup takes them, split at the first hyphen: "aes" and "xts-plain64"; "capi:xts(aes)" and
  /// "plain64".
  std::string header_cipher() const;
  std::string header_mode() const;

  /// Throws Errc::unsupported that says which key sizes this cipher takes. Ciphers we don't know are left to
  /// the kernel; their keys must be whole bytes.
  void check_key_bits(std::uint32_t bits) const;

  /// "plain" counts IVs in 32 bits: after 2^32 sectors they repeat.
  bool has_32_bit_iv() const { return iv_ == "plain"; }
  /// The first IV, in 512-byte sectors, that would repeat an earlier one (2^63 where the metadata can't
  /// count further).
  Sectors iv_end() const;
  /// Whether volumes with windows of their own may share a key under this cipher: the IV must depend on the
  /// sector number alone, and equal sectors must not show.
  bool may_be_shared() const;

  /// XTS with two equal halves is weaker than its name; FIPS mode refuses it, the kernel does not.
  bool has_equal_halves(std::span<const std::byte> key) const;

  friend bool operator==(const CipherSpec&, const CipherSpec&) = default;

 private:
  std::string text_;
  std::string cipher_;
  std::string mode_;
  std::string iv_;
  std::uint32_t key_count_ = 1;
  bool capi_ = false;
};

}  // namespace cv::crypt
