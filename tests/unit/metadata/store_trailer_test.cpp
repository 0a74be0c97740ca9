#include "metadata/disk/store_trailer.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

namespace cv::metadata {
namespace {

std::vector<std::byte> handler_bytes() {
  std::vector<std::byte> bytes(10000);
  std::generate(bytes.begin(), bytes.end(), [n = 0U]() mutable { return static_cast<std::byte>(n++ * 7); });
  return bytes;
}

StoreTrailer sample() {
  return make_store_trailer(*LvId::parse("5WYknM-Vhti-pGqU-yIN7-UgY1-I3KW-Hnmb08"), 3,
                            Sectors(std::uint64_t{1} << 41), handler_bytes());
}

Errc code_of(const std::array<std::byte, kStoreTrailerBytes>& bytes) {
  try {
    static_cast<void>(unpack_store_trailer(bytes));
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Errc::io;
}

/// The same bytes with a checksum that fits.
std::array<std::byte, kStoreTrailerBytes> with_checksum(std::array<std::byte, kStoreTrailerBytes> bytes) {
  std::fill_n(bytes.begin() + 12, 4, std::byte{0});
  std::uint32_t crc = lvm_crc(bytes);
  for (std::size_t i = 12; i < 16; ++i, crc >>= 8) bytes[i] = static_cast<std::byte>(crc);
  return bytes;
}

TEST(StoreTrailer, ComesBackAsItWasPacked) {
  const StoreTrailer trailer = sample();

  const auto back = unpack_store_trailer(pack(trailer));

  EXPECT_EQ(back, trailer);
}

TEST(StoreTrailer, LiesOnDiskAsTheFormatSays) {
  const auto bytes = pack(sample());
  const std::span all(bytes);

  EXPECT_EQ(text_of(all.first(8)), "CVMSTORE");
  EXPECT_EQ(to_hex(all.subspan(8, 4)), "01000000");
  EXPECT_EQ(text_of(all.subspan(16, 32)), "5WYknMVhtipGqUyIN7UgY1I3KWHnmb08");
  EXPECT_EQ(to_hex(all.subspan(48, 8)), "0300000000000000");
  EXPECT_EQ(to_hex(all.subspan(56, 8)), "0000000000020000");
  EXPECT_EQ(to_hex(all.subspan(64, 8)), "1027000000000000");
  EXPECT_TRUE(std::all_of(bytes.begin() + 104, bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(with_checksum(bytes), bytes);
}

TEST(StoreTrailer, IsNoneWithoutTheMagic) {
  auto bytes = pack(sample());
  bytes[7] = std::byte{'X'};

  EXPECT_EQ(unpack_store_trailer(bytes), std::nullopt);
  EXPECT_EQ(unpack_store_trailer(std::array<std::byte, kStoreTrailerBytes>{}), std::nullopt);
}

TEST(StoreTrailer, IsDamagedWhereAnyByteHasChanged) {
  const auto good = pack(sample());
  for (std::size_t at = 8; at < good.size(); at += 5) {
    auto bytes = good;
    bytes[at] ^= std::byte{0x10};

    EXPECT_EQ(code_of(bytes), Errc::damaged) << at;
  }
}

TEST(StoreTrailer, IsRefusedInALaterVersion) {
  auto bytes = pack(sample());
  bytes[8] = std::byte{2};

  EXPECT_EQ(code_of(with_checksum(bytes)), Errc::unsupported);
}

TEST(StoreTrailer, IsDamagedWhereTheStoreHasNoId) {
  auto bytes = pack(sample());
  bytes[20] = std::byte{' '};

  EXPECT_EQ(code_of(with_checksum(bytes)), Errc::damaged);
}

TEST(StoreTrailer, TellsWhetherTheCopyIsStillTheSame) {
  const StoreTrailer trailer = sample();
  auto copy = handler_bytes();
  copy.resize(20000, std::byte{9});  // what follows the handler's bytes does not count

  EXPECT_TRUE(digest_matches(trailer, copy));
  copy[9999] ^= std::byte{1};
  EXPECT_FALSE(digest_matches(trailer, copy));
  EXPECT_FALSE(digest_matches(trailer, std::span(copy).first(9999)));
}

}  // namespace
}  // namespace cv::metadata
