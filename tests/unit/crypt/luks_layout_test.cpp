#include "lib/crypt/luks_layout.h"

#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/luks_header.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/luks_samples.h"

namespace cv::crypt {
namespace {

using test::cheap_request;
using test::edit_luks2_json;
using test::sample_key;
using test::secret;

std::vector<std::byte> header_of(LuksVersion version, std::uint32_t key_bits = 512) {
  FormatRequest request = cheap_request("aes-xts-plain64", key_bits);
  request.attributes.hash = "sha256";
  request.region = min_luks_region(version, request.attributes);
  return format_luks(version, request, sample_key(key_bits / 8), secret("x"));
}

void put_be32(std::vector<std::byte>& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

Errc code_of(std::span<const std::byte> bytes) {
  try {
    static_cast<void>(luks_area(bytes));
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Errc::io;
}

/// A volume made of these bytes.
ReadAt reader_of(const std::vector<std::byte>& volume) {
  return [&volume](Bytes at, std::span<std::byte> into) {
    ASSERT_LE(at.n + into.size(), volume.size());
    std::copy_n(volume.begin() + static_cast<std::ptrdiff_t>(at.n), into.size(), into.begin());
  };
}

TEST(LuksLayout, TellsTheSizeOfLuks1FromItsFirstBlock) {
  const auto header = header_of(LuksVersion::luks1);

  const auto area = luks_area(std::span(header).first(kLuksProbeBytes));

  ASSERT_TRUE(area);
  EXPECT_EQ(area->version, LuksVersion::luks1);
  EXPECT_TRUE(area->exact);
  EXPECT_EQ(area->size, Bytes(2068480));
  EXPECT_EQ(area->uuid.size(), 36U);
}

TEST(LuksLayout, AsksForTheJsonOfLuks2) {
  const auto header = header_of(LuksVersion::luks2);

  const auto first = luks_area(std::span(header).first(kLuksProbeBytes));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->exact);
  EXPECT_EQ(first->size, Bytes(16384));

  const auto then = luks_area(std::span(header).first(16384));
  ASSERT_TRUE(then);
  EXPECT_TRUE(then->exact);
  EXPECT_EQ(then->size, Bytes(2097152));
}

TEST(LuksLayout, SeesNoHeaderWhereThereIsNone) {
  EXPECT_FALSE(luks_area(std::vector<std::byte>(8192)));
  EXPECT_FALSE(luks_area(std::vector<std::byte>(4095)));
  EXPECT_FALSE(luks_area({}));
}

TEST(LuksLayout, ReadsTheWholeHeaderAndNoPayload) {
  for (const LuksVersion version : {LuksVersion::luks1, LuksVersion::luks2}) {
    const auto header = header_of(version);
    auto volume = header;
    volume.resize(volume.size() + 50000, std::byte{0x77});

    const auto read = read_luks_header(reader_of(volume), Bytes(volume.size()));

    ASSERT_TRUE(read);
    EXPECT_EQ(*read, header);
    EXPECT_TRUE(LuksHeader(*read).unlock(secret("x")));
  }
}

TEST(LuksLayout, ReadsNothingFromOtherVolumes) {
  const std::vector<std::byte> volume(100000);

  EXPECT_FALSE(read_luks_header(reader_of(volume), Bytes(volume.size())));
  EXPECT_FALSE(read_luks_header(reader_of(volume), Bytes(100)));
}

TEST(LuksLayout, RefusesAHeaderThatReachesPastTheVolume) {
  for (const LuksVersion version : {LuksVersion::luks1, LuksVersion::luks2}) {
    auto volume = header_of(version);
    volume.resize(100000);

    EXPECT_THROW(static_cast<void>(read_luks_header(reader_of(volume), Bytes(volume.size()))), Error);
  }
}

TEST(LuksLayout, RefusesOtherVersions) {
  auto header = header_of(LuksVersion::luks1);
  header[7] = std::byte{3};

  EXPECT_EQ(code_of(header), Errc::unsupported);
}

TEST(LuksLayout, BelievesNoNumberOfLuks1) {
  const auto good = header_of(LuksVersion::luks1);
  constexpr std::size_t kPayload = 104;
  constexpr std::size_t kKeyBytes = 108;
  constexpr std::size_t kMaterial = 208 + 40;
  constexpr std::size_t kStripes = 208 + 44;
  constexpr std::size_t kIterations = 208 + 4;
  constexpr std::size_t kDigestIterations = 164;
  constexpr std::size_t kSecondMaterial = 208 + 48 + 40;
  for (const auto& [at, value] : {std::pair{kKeyBytes, 0U},
                                  {kKeyBytes, 0xffffffffU},
                                  {kMaterial, 0U},
                                  {kMaterial, 0xffffffffU},
                                  {kStripes, 0xffffffffU},
                                  {kSecondMaterial, 9U},
                                  {kIterations, 0U},
                                  {kIterations, 0x80000000U},
                                  {kDigestIterations, 0U},
                                  {kDigestIterations, 0xffffffffU},
                                  {kPayload, 100U}}) {
    auto header = good;
    put_be32(header, at, value);

    EXPECT_EQ(code_of(header), Errc::damaged) << at << " " << value;
  }
}

TEST(LuksLayout, EndsWhereThePayloadOfLuks1BeginsWithoutAGap) {
  auto header = header_of(LuksVersion::luks1, 256);
  // The slots of a 256-bit key end at sector 8 + 7 * 256 + 250.
  put_be32(header, 104, 2050);

  EXPECT_EQ(luks_area(header)->size, Bytes(2050 * 512));
}

TEST(LuksLayout, BelievesNoNumberOfLuks2) {
  const auto good = header_of(LuksVersion::luks2);
  for (const std::size_t at : {std::size_t{8}, std::size_t{14}, std::size_t{256}}) {
    auto header = good;
    header[at] = std::byte{0xff};

    EXPECT_EQ(code_of(header), Errc::damaged) << at;
  }
  EXPECT_EQ(code_of(edit_luks2_json(good, R"("keyslots_size":")", R"("keyslots_size":"99999)")),
            Errc::damaged);
  EXPECT_EQ(code_of(edit_luks2_json(good, R"("keyslots_size":")", R"("keyslots_size":"x)")), Errc::damaged);
  EXPECT_EQ(code_of(edit_luks2_json(good, "{", "[")), Errc::damaged);
  EXPECT_EQ(code_of(edit_luks2_json(good, R"("segments":{)", R"("pigments":{)")), Errc::damaged);
}

TEST(LuksLayout, RefusesLuks2WithAWrongChecksum) {
  auto header = header_of(LuksVersion::luks2);
  header[5000] ^= std::byte{1};

  EXPECT_EQ(code_of(header), Errc::damaged);
}

}  // namespace
}  // namespace cv::crypt
