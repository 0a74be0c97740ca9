// The last 4096 bytes of each copy of a keystore: whose it is, how new, and a digest of the handler's bytes.
//
//   offset  size
//        0     8  magic "CVMSTORE"
//        8     4  version, 1
//       12     4  LVM2's CRC over all 4096 bytes, this field taken as zero
//       16    32  id of the keystore LV, without hyphens
//       48     8  generation
//       56     8  iv_next, in 512-byte sectors
//       64     8  length of the handler's bytes, from the start of the copy
//       72    32  SHA-256 of these bytes
//      104  3992  zeros
// All numbers are little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/base/id.h"
#include "lib/base/units.h"

namespace cv::metadata {

inline constexpr std::size_t kStoreTrailerBytes = 4096;

struct StoreTrailer {
  LvId store;
  std::uint64_t generation = 0;
  Sectors iv_next;
  Bytes handler_bytes;                 ///< how much of the copy is the handler's
  std::array<std::byte, 32> digest{};  ///< SHA-256 of it
  friend bool operator==(const StoreTrailer&, const StoreTrailer&) = default;
};

/// The trailer of a copy that holds `handler_bytes`.
StoreTrailer make_store_trailer(const LvId& store, std::uint64_t generation, Sectors iv_next,
                                std::span<const std::byte> handler_bytes);

std::array<std::byte, kStoreTrailerBytes> pack(const StoreTrailer& trailer);

/// Nothing where there is no magic: the store was taken over in place and never copied. Throws
/// Errc::damaged where the checksum or a field is wrong, Errc::unsupported for a later version.
std::optional<StoreTrailer> unpack_store_trailer(std::span<const std::byte, kStoreTrailerBytes> bytes);

/// Whether the copy is what it was when the trailer was written. It only ranks copies: one that the handler
/// can load is usable all the same. `copy` holds at least the handler's bytes.
bool digest_matches(const StoreTrailer& trailer, std::span<const std::byte> copy);

}  // namespace cv::metadata
