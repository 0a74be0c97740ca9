#include "lib/crypt/luks_header.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "lib/base/error.h"
#include "lib/crypt/luks_slots.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/luks_samples.h"

namespace cv::crypt {
namespace {

using test::cheap_request;
using test::edit_luks2_json;
using test::sample_key;
using test::secret;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::byte> header_of(LuksVersion version) {
  FormatRequest request = cheap_request();
  request.attributes.hash = "sha256";
  request.region = min_luks_region(version, request.attributes);
  return format_luks(version, request, sample_key(64), secret("x"));
}

Error error_of_info(const std::vector<std::byte>& header) {
  try {
    static_cast<void>(LuksHeader(header).info());
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(Errc::io, "nothing was thrown");
}

TEST(LuksHeader, DescribesItself) {
  for (const LuksVersion version : {LuksVersion::luks1, LuksVersion::luks2}) {
    const auto bytes = header_of(version);

    const LuksInfo info = LuksHeader(bytes).info();

    EXPECT_EQ(info.version, version);
    EXPECT_EQ(info.cipher, "aes-xts-plain64");
    EXPECT_EQ(info.key_bits, 512U);
    EXPECT_EQ(info.hash, "sha256");
    EXPECT_EQ(info.sector_bytes, 512U);
    EXPECT_EQ(info.header_size, Bytes(bytes.size()));
    EXPECT_EQ(info.payload_length, std::nullopt);
    EXPECT_THAT(info.slots, ElementsAre(0));
    EXPECT_FALSE(info.discards || info.inline_workqueues);
    EXPECT_THAT(info.other_flags, IsEmpty());
    EXPECT_EQ(info.uuid.size(), 36U);
  }
}

TEST(LuksHeader, VerifiesTheKeyItWasMadeFor) {
  const LuksHeader header(header_of(LuksVersion::luks2));

  EXPECT_TRUE(header.verify(sample_key(64)));
  EXPECT_FALSE(header.verify(sample_key(64, 2)));
  EXPECT_FALSE(header.verify(sample_key(32)));
}

TEST(LuksHeader, TellsTheSegmentOfTheVolume) {
  auto header = header_of(LuksVersion::luks2);
  header = edit_luks2_json(header, R"("offset":"0","size":"dynamic","iv_tweak":"0")",
                           R"("offset":"16777216","size":"33554432","iv_tweak":"4096")");

  const LuksInfo info = LuksHeader(header).info();

  EXPECT_EQ(info.payload_offset, Sectors(32768));
  EXPECT_EQ(info.payload_length, Sectors(65536));
  EXPECT_EQ(info.iv_offset, Sectors(4096));
}

TEST(LuksHeader, TellsItsPersistentFlags) {
  const auto header = edit_luks2_json(
      header_of(LuksVersion::luks2), R"("config":{)",
      R"("config":{"flags":["allow-discards","no-write-workqueue","no-read-workqueue","same-cpu-crypt"],)");

  const LuksInfo info = LuksHeader(header).info();

  EXPECT_TRUE(info.discards);
  EXPECT_TRUE(info.inline_workqueues);
  EXPECT_THAT(info.other_flags, ElementsAre("same-cpu-crypt"));
}

TEST(LuksHeader, KeepsOneWorkqueueFlagAloneAsOneItCannotExpress) {
  const auto header = edit_luks2_json(header_of(LuksVersion::luks2), R"("config":{)",
                                      R"("config":{"flags":["no-read-workqueue"],)");

  const LuksInfo info = LuksHeader(header).info();

  EXPECT_FALSE(info.inline_workqueues);
  EXPECT_THAT(info.other_flags, ElementsAre("no-read-workqueue"));
}

TEST(LuksHeader, RefusesAVolumeWithIntegrity) {
  const auto header = edit_luks2_json(
      header_of(LuksVersion::luks2), R"("sector_size":512)",
      R"json("sector_size":512,"integrity":{"type":"hmac(sha256)","journal_encryption":"none","journal_integrity":"none"})json");

  const Error error = error_of_info(header);

  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("integrity"));
}

TEST(LuksHeader, RefusesAnUnfinishedReencryption) {
  const auto header = edit_luks2_json(header_of(LuksVersion::luks2), R"("config":{)",
                                      R"("config":{"requirements":{"mandatory":["offline-reencrypt"]},)");

  const Error error = error_of_info(header);

  EXPECT_EQ(error.code(), Errc::refused);
  EXPECT_THAT(error.what(), HasSubstr("re-encryption"));
  EXPECT_THAT(error.advice(), HasSubstr("cryptsetup reencrypt"));
}

TEST(LuksHeader, RefusesRequirementsItDoesNotKnow) {
  const auto header = edit_luks2_json(header_of(LuksVersion::luks2), R"("config":{)",
                                      R"("config":{"requirements":{"mandatory":["telepathy"]},)");

  const Error error = error_of_info(header);

  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("telepathy"));
}

TEST(LuksHeader, RefusesSeveralSegments) {
  const auto header = edit_luks2_json(
      header_of(LuksVersion::luks2),
      R"("size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512})",
      R"("size":"1048576","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512},"1":{"type":"linear","offset":"1048576","size":"dynamic"})");

  const Error error = error_of_info(header);

  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("2 segments"));
}

TEST(LuksHeader, RefusesSectorSizesThatACryptVolumeCannotHave) {
  const auto header =
      edit_luks2_json(header_of(LuksVersion::luks2), R"("sector_size":512)", R"("sector_size":1024)");

  const Error error = error_of_info(header);

  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("1024"));
}

TEST(LuksHeader, RefusesAHeaderWithoutKeySlots) {
  auto bytes = header_of(LuksVersion::luks1);
  // The first key slot's "active" field (LUKS1: big-endian 0x00AC71F3, inactive 0x0000DEAD).
  const std::array<unsigned char, 4> inactive{0x00, 0x00, 0xde, 0xad};
  std::transform(inactive.begin(), inactive.end(), bytes.begin() + 208,
                 [](unsigned char c) { return static_cast<std::byte>(c); });

  const LuksHeader header(bytes);

  EXPECT_THAT(header.slots(), IsEmpty());
  EXPECT_EQ(error_of_info(bytes).code(), Errc::refused);
  try {
    static_cast<void>(header.unlock(secret("x")));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::key_wrong);
  }
}

/// A LUKS1 header that says it is of that cipher and mode; its key slot is not.
std::vector<std::byte> luks1_of(std::string_view cipher, std::string_view mode) {
  auto bytes = header_of(LuksVersion::luks1);
  const auto put = [&](std::size_t at, std::string_view text) {
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 32, std::byte{0});
    std::transform(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                   [](char c) { return static_cast<std::byte>(c); });
  };
  put(8, cipher);
  put(40, mode);
  return bytes;
}

TEST(LuksHeader, DescribesEveryCipherOfLuks1WhoeverHasIt) {
  for (const auto& [cipher, mode] : {std::pair{"aes", "xts-plain"},
                                     {"serpent", "xts-plain64"},
                                     {"twofish", "xts-benbi"},
                                     {"aes", "lrw-benbi"},
                                     {"cast5", "cbc-essiv:sha256"},
                                     {"blowfish", "cbc-plain"},
                                     {"camellia", "xts-essiv:wp256"},
                                     {"anubis", "cbc-plain64"},
                                     {"aes:64", "cbc-lmk"},
                                     {"xchacha20,aes", "adiantum-plain64"}})
    EXPECT_EQ(LuksHeader(luks1_of(cipher, mode)).info().cipher, fmt::format("{}-{}", cipher, mode));
}

TEST(LuksHeader, SaysThatACipherMayNeedTheKernel) {
  const LuksHeader header(luks1_of("nosuchcipher", "xts-plain64"));

  try {
    static_cast<void>(header.unlock(secret("x")));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unsupported);
    EXPECT_THAT(error.what(), HasSubstr("can't be read here"));
    EXPECT_THAT(error.advice(), HasSubstr("kernel's crypto API"));
  }
}

TEST(LuksHeader, RefusesKeySlotsThatLieOverEachOther) {
  auto bytes = header_of(LuksVersion::luks2);
  const auto with_two =
      LuksSlots(LuksVersion::luks2)
          .add(bytes, sample_key(64), secret("y"), {.kdf = cheap_request().kdf, .number = {}, .name = {}})
          .bytes;

  const auto damaged = edit_luks2_json(with_two, "\"offset\":\"290816\"", "\"offset\":\"36864\"");

  EXPECT_THROW(LuksHeader{damaged}, Error);
}

TEST(LuksHeader, RefusesJsonOfOtherTypes) {
  for (const auto& [good, bad] : {std::pair{"\"offset\":\"32768\"", "\"offset\":32768"},
                                  {"\"keyslots\":{", "\"keyslots\":[{"},
                                  {"\"iv_tweak\":\"0\"", "\"iv_tweak\":\"-1\""},
                                  {"\"size\":\"dynamic\"", "\"size\":\"endless\""},
                                  {"\"type\":\"crypt\"", "\"type\":[\"crypt\"]"},
                                  {"\"json_size\":\"12288\"", "\"json_size\":\"99999999999999999999\""},
                                  {"\"iv_tweak\":\"0\",\"encryption\":\"aes-xts-plain64\"",
                                   "\"iv_tweak\":\"0\",\"encryption\":\"aes-xts-plain64 0 1 \""}})
    EXPECT_ANY_THROW(
        static_cast<void>(LuksHeader(edit_luks2_json(header_of(LuksVersion::luks2), good, bad)).info()))
        << bad;
}

TEST(LuksHeader, RefusesBytesThatAreNone) {
  for (const std::size_t size : {0U, 10U, 4095U, 4096U, 100000U}) {
    const std::vector<std::byte> bytes(size, std::byte{0x4c});

    EXPECT_THROW(LuksHeader{bytes}, Error) << size;
  }
}

}  // namespace
}  // namespace cv::crypt
