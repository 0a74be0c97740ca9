// Where a LUKS header begins and ends, told from its first bytes without libcryptsetup.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/range.h"
#include "lib/base/units.h"

namespace cv::crypt {

enum class LuksVersion { luks1, luks2 };

/// "luks1" or "luks2": also the names of the handlers.
std::string_view name_of(LuksVersion version);

/// How much of a volume is its LUKS header with all key slots.
struct LuksArea {
  LuksVersion version;
  std::string uuid;  ///< as written there, unchecked
  Bytes size;        ///< a multiple of 4096, except where the payload of LUKS1 begins earlier
  bool exact;        ///< false: `size` bytes must be shown before the size can be told
};

/// At least this much must be shown.
inline constexpr std::size_t kLuksProbeBytes = 4096;

/// Nothing where the volume does not begin with a LUKS header. Throws Errc::damaged where it begins like
/// one but can't be one, Errc::unsupported for other versions.
std::optional<LuksArea> luks_area(std::span<const std::byte> first);

/// Reads a volume or file from byte `at` on.
using ReadAt = std::function<void(Bytes at, std::span<std::byte> into)>;

/// The bytes of the LUKS header at the start of a volume of `volume_size`, all key slots included; nothing
/// where there is none. Throws as luks_area() does, and Errc::damaged where the header reaches past the end.
std::optional<std::vector<std::byte>> read_luks_header(const ReadAt& read, Bytes volume_size);

/// A header in parts, in the order in which a change of its key slots is to be written: the key material,
/// then what describes it; of the two headers of LUKS2 one after the other. Throws as luks_area() does, and
/// Errc::damaged where `store` is no LUKS header.
std::vector<Range<Bytes>> luks_write_order(std::span<const std::byte> store);

/// What a LUKS1 header knows of its master key: digest, salt and iterations; `header` as below.
std::vector<std::byte> luks1_key_digest(std::span<const std::byte> header);

/// The hash of a LUKS1 header; `header` holds at least kLuksProbeBytes.
std::string luks1_hash(std::span<const std::byte> header);

}  // namespace cv::crypt
