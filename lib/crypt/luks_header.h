// LUKS headers as bytes: made, opened and described by libcryptsetup, on a sealed file in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/units.h"
#include "lib/crypt/key_handler.h"
#include "lib/crypt/luks_layout.h"
#include "lib/crypt/secret.h"

namespace cv::crypt {

/// What a header says about itself and about the volume behind it.
struct LuksInfo {
  LuksVersion version = LuksVersion::luks2;
  std::string uuid;
  std::string cipher;  ///< "aes-xts-plain64"
  std::uint32_t key_bits = 0;
  std::string hash;
  std::uint32_t sector_bytes = 512;
  Sectors payload_offset;                 ///< from the start of the volume; 0: detached
  std::optional<Sectors> payload_length;  ///< absent: to the end of the volume
  Sectors iv_offset;                      ///< first IV of the payload
  Bytes header_size;                      ///< with all key slots
  std::vector<int> slots;                 ///< in use
  bool discards = false;                  ///< persistent flag allow-discards
  bool inline_workqueues = false;         ///< persistent flags no-read-workqueue and no-write-workqueue
  std::vector<std::string> other_flags;   ///< persistent flags that a crypt segment can't express
};

/// The least region that holds the header and eight key slots.
Bytes min_luks_region(LuksVersion version, const StoreAttributes& attributes);

/// A new header for `key` with one key slot for `passphrase`, payload offset 0, as long as
/// request.region (at most kLargestNewHeader) allows.
std::vector<std::byte> format_luks(LuksVersion version, const FormatRequest& request, const SecureBytes& key,
                                   const SecureBytes& passphrase);

/// More room than this is of no use to 32 key slots.
inline constexpr Bytes kLargestNewHeader{16 * 1024 * 1024};

/// A header that libcryptsetup has loaded from a copy of the bytes; it can't change them.
class LuksHeader {
 public:
  /// Throws Errc::damaged where the bytes are no header of that version (or of any, where none is wanted).
  explicit LuksHeader(std::span<const std::byte> bytes, std::optional<LuksVersion> wanted = std::nullopt);
  ~LuksHeader();
  LuksHeader(LuksHeader&&) noexcept;
  LuksHeader& operator=(LuksHeader&&) noexcept;

  LuksVersion version() const;
  std::string uuid() const;
  /// 0 where no key slot tells it.
  std::uint32_t key_bits() const;
  /// The key slots that open the volume.
  std::vector<int> slots() const;

  /// Nothing where no key slot takes the passphrase. Throws Errc::key_wrong where there is no key slot,
  /// Errc::unsupported where the derivation can't be done here.
  std::optional<Unlocked> unlock(const SecureBytes& passphrase) const;
  bool verify(const SecureBytes& key) const;

  /// Everything a volume behind this header is taken over with. Throws Errc::refused or Errc::unsupported
  /// for what can't be: an unfinished re-encryption, integrity, several segments, unknown requirements.
  LuksInfo info() const;

 private:
  struct Loaded;
  std::unique_ptr<Loaded> loaded_;
};

}  // namespace cv::crypt
