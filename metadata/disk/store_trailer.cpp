#include "metadata/disk/store_trailer.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/digest.h"

namespace cv::metadata {

namespace {

constexpr std::string_view kMagic = "CVMSTORE";
constexpr std::uint32_t kVersion = 1;

struct DiskTrailer {
  std::array<char, 8> magic;
  le32 version;
  le32 crc;
  std::array<char, kIdLength> store;
  le64 generation;
  le64 iv_next;
  le64 handler_bytes;
  std::array<std::byte, 32> digest;
  std::array<std::byte, 3992> zeros;
};

static_assert(offsetof(DiskTrailer, version) == 8);
static_assert(offsetof(DiskTrailer, crc) == 12);
static_assert(offsetof(DiskTrailer, store) == 16);
static_assert(offsetof(DiskTrailer, generation) == 48);
static_assert(offsetof(DiskTrailer, iv_next) == 56);
static_assert(offsetof(DiskTrailer, handler_bytes) == 64);
static_assert(offsetof(DiskTrailer, digest) == 72);
static_assert(offsetof(DiskTrailer, zeros) == 104);
static_assert(sizeof(DiskTrailer) == kStoreTrailerBytes);
static_assert(alignof(DiskTrailer) == 1);

std::uint32_t checksum(DiskTrailer disk) {
  disk.crc = 0;
  return lvm_crc(std::as_bytes(std::span(&disk, 1)));
}

Error damaged(std::string_view why) {
  return Error(Errc::damaged, "the trailer of the keystore is damaged: {}", why)
      .advise("use another copy of the store, or write it anew with \"cvck --repair\"");
}

}  // namespace

StoreTrailer make_store_trailer(const LvId& store, std::uint64_t generation, Sectors iv_next,
                                std::span<const std::byte> handler_bytes) {
  return {.store = store,
          .generation = generation,
          .iv_next = iv_next,
          .handler_bytes = Bytes(handler_bytes.size()),
          .digest = crypt::sha256(handler_bytes)};
}

std::array<std::byte, kStoreTrailerBytes> pack(const StoreTrailer& trailer) {
  DiskTrailer disk{};
  std::copy(kMagic.begin(), kMagic.end(), disk.magic.begin());
  disk.version = kVersion;
  disk.store = trailer.store.characters();
  disk.generation = trailer.generation;
  disk.iv_next = trailer.iv_next.n;
  disk.handler_bytes = trailer.handler_bytes.n;
  disk.digest = trailer.digest;
  disk.crc = checksum(disk);
  std::array<std::byte, kStoreTrailerBytes> bytes;
  std::memcpy(bytes.data(), &disk, sizeof disk);
  return bytes;
}

std::optional<StoreTrailer> unpack_store_trailer(std::span<const std::byte, kStoreTrailerBytes> bytes) {
  DiskTrailer disk;
  std::memcpy(&disk, bytes.data(), sizeof disk);
  if (std::string_view(disk.magic.data(), disk.magic.size()) != kMagic) return std::nullopt;
  if (disk.crc != checksum(disk)) throw damaged("its checksum is wrong");
  if (disk.version != kVersion) {
    throw Error(Errc::unsupported, "the trailer of the keystore has version {}, {} is known",
                disk.version.value(), kVersion)
        .advise("use a newer cvm");
  }
  const auto store = LvId::parse(std::string_view(disk.store.data(), disk.store.size()));
  if (!store) throw damaged("the id of the store is none");
  return StoreTrailer{.store = *store,
                      .generation = disk.generation,
                      .iv_next = Sectors(disk.iv_next),
                      .handler_bytes = Bytes(disk.handler_bytes),
                      .digest = disk.digest};
}

bool digest_matches(const StoreTrailer& trailer, std::span<const std::byte> copy) {
  if (trailer.handler_bytes.n > copy.size()) return false;
  return crypt::sha256(copy.first(static_cast<std::size_t>(trailer.handler_bytes.n))) == trailer.digest;
}

}  // namespace cv::metadata
