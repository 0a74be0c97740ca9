#include <gmock/gmock.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/luks_header.h"
#include "tests/support/crypt_samples.h"
#include "tests/unit/crypt/key_handler_contract.h"

namespace cv::test {
namespace {

using crypt::HandlerList;
using crypt::SecureBytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class Work>
Error error_of(Work&& work) {
  try {
    static_cast<void>(work());
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(Errc::io, "nothing was thrown");
}

INSTANTIATE_TEST_SUITE_P(
    BuiltIn, KeyHandlerContract,
    ::testing::Values(HandlerCase{.handler = "plain"}, HandlerCase{.handler = "plain", .key_bits = 256},
                      HandlerCase{.handler = "plain", .cipher = "aes-cbc-essiv:sha256", .key_bits = 256},
                      HandlerCase{.handler = "plain", .cipher = "capi:xts(aes)-plain64"},
                      HandlerCase{.handler = "hashed"},
                      HandlerCase{.handler = "hashed", .key_bits = 256, .hash = "sha256"},
                      HandlerCase{.handler = "luks1"},
                      HandlerCase{.handler = "luks1", .cipher = "aes-cbc-essiv:sha256", .key_bits = 128},
                      HandlerCase{.handler = "luks1", .key_bits = 256, .hash = "sha1"},
                      HandlerCase{.handler = "luks2"}, HandlerCase{.handler = "luks2", .sector_bytes = 4096},
                      HandlerCase{.handler = "luks2", .cipher = "aes-xts-plain", .key_bits = 256},
                      HandlerCase{.handler = "luks2", .cipher = "aes-cbc-plain64", .key_bits = 192}));

TEST(HandlerList, KnowsTheBuiltInHandlersByName) {
  const HandlerList handlers;

  EXPECT_THAT(handlers.names(), ElementsAre("plain", "hashed", "luks1", "luks2"));
  EXPECT_EQ(handlers.find("tpm2"), nullptr);
  const Error error = error_of([&] { return handlers.at("tpm2").name(); });
  EXPECT_EQ(error.code(), Errc::no_handler);
  EXPECT_THAT(error.what(), HasSubstr("tpm2"));
  EXPECT_THAT(error.advice(), HasSubstr("luks2"));
}

TEST(Plain, NamesBothSizesOfAKeyThatDoesNotFit) {
  const HandlerList handlers;
  const auto newline_too_many = sample_key(65);

  const Error at_format =
      error_of([&] { return handlers.at("plain").format(cheap_request(), newline_too_many); });
  const Error at_unlock = error_of([&] { return handlers.at("plain").unlock({}, {}, newline_too_many); });

  for (const Error& error : {at_format, at_unlock}) {
    EXPECT_EQ(error.code(), Errc::key_file);
    EXPECT_THAT(error.what(), HasSubstr("65"));
    EXPECT_THAT(error.what(), HasSubstr("64"));
  }
}

TEST(Plain, RefusesAnXtsKeyWithTwoEqualHalves) {
  const HandlerList handlers;
  SecureBytes key = sample_key(64);
  std::copy_n(key.bytes().begin(), 32, key.bytes().begin() + 32);

  const Error error = error_of([&] { return handlers.at("plain").format(cheap_request(), key); });

  EXPECT_EQ(error.code(), Errc::key_file);
}

TEST(Plain, MakesAKeyCheckUnlessToldNotTo) {
  const HandlerList handlers;
  auto request = cheap_request();
  const auto with = handlers.at("plain").format(request, sample_key(64));
  request.key_check = false;

  const auto without = handlers.at("plain").format(request, sample_key(64));

  ASSERT_TRUE(with.attributes.key_check);
  EXPECT_THAT(*with.attributes.key_check, HasSubstr("pbkdf2:sha256:1000:"));
  EXPECT_FALSE(without.attributes.key_check);
}

TEST(Plain, TakesAnyKeyOfTheRightSizeWhereThereIsNoKeyCheck) {
  const HandlerList handlers;
  auto request = cheap_request();
  request.key_check = false;
  const auto store = handlers.at("plain").format(request, sample_key(64));

  const auto other = handlers.at("plain").unlock(store.bytes, store.attributes, sample_key(64, 2));

  EXPECT_TRUE(other);
  EXPECT_EQ(handlers.at("plain").verify(store.bytes, store.attributes, sample_key(64, 2)), std::nullopt);
}

TEST(Hashed, HashesAsPlainModeOfCryptsetupDoes) {
  const HandlerList handlers;
  auto request = cheap_request("aes-cbc-essiv:sha256", 256);
  request.attributes.hash = "sha256";
  const auto passphrase = secret("correct horse");

  const auto store = handlers.at("hashed").format(request, passphrase);

  EXPECT_EQ(to_hex(store.key.bytes()), to_hex(crypt::sha256(passphrase.bytes())));
}

// A key longer than the hash goes on with hashes of "A" + passphrase, "AA" + passphrase, ... (crypt_plain.c).
TEST(Hashed, FillsALongerKeyWithFurtherHashes) {
  const HandlerList handlers;
  auto request = cheap_request("aes-xts-plain64", 512);
  request.attributes.hash = "sha256";

  const auto store = handlers.at("hashed").format(request, secret("correct horse"));

  EXPECT_EQ(to_hex(store.key.bytes()), to_hex(crypt::sha256(bytes_of("correct horse"))) +
                                           to_hex(crypt::sha256(bytes_of("Acorrect horse"))));
}

TEST(Hashed, RefusesHashesThatDoNotExistAndTheOneThatIsNone) {
  const HandlerList handlers;
  for (const char* hash : {"sha77", "plain", "sha256:"}) {
    auto request = cheap_request();
    request.attributes.hash = hash;

    const Error error = error_of([&] { return handlers.at("hashed").format(request, secret("x")); });

    EXPECT_EQ(error.code(), Errc::unsupported) << hash;
    EXPECT_THAT(error.what(), HasSubstr(hash));
  }
}

TEST(Hashed, RefusesAHashThatMakesAnXtsKeyWithTwoEqualHalves) {
  const HandlerList handlers;
  auto request = cheap_request();
  request.attributes.hash = "sha512:0";

  const Error at_format = error_of([&] { return handlers.at("hashed").format(request, secret("x")); });
  // A store that was written by hand.
  request.attributes.hash = "plain";
  const SecureBytes twice = secret("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
  const Error at_unlock =
      error_of([&] { return handlers.at("hashed").unlock({}, request.attributes, twice); });

  for (const Error& error : {at_format, at_unlock}) {
    EXPECT_EQ(error.code(), Errc::key_file);
    EXPECT_THAT(error.what(), HasSubstr("equal halves"));
  }
}

TEST(Luks, RefusesAnXtsKeyWithTwoEqualHalves) {
  const HandlerList handlers;
  SecureBytes key = sample_key(64);
  std::copy_n(key.bytes().begin(), 32, key.bytes().begin() + 32);
  for (const auto version : {crypt::LuksVersion::luks1, crypt::LuksVersion::luks2}) {
    auto request = cheap_request();
    request.attributes.hash = "sha256";
    const auto store = crypt::format_luks(version, request, key, secret("x"));

    const Error error = error_of(
        [&] { return handlers.at(crypt::name_of(version)).unlock(store, request.attributes, secret("x")); });

    EXPECT_EQ(error.code(), Errc::refused);
    EXPECT_THAT(error.what(), HasSubstr("equal halves"));
  }
}

TEST(Luks, HasTheSizesOfTheLayout) {
  const HandlerList handlers;
  const crypt::StoreAttributes attributes;

  EXPECT_EQ(handlers.at("luks1").min_region(attributes), Bytes(2068480));
  EXPECT_EQ(handlers.at("luks2").min_region(attributes), Bytes(2097152));
}

TEST(Luks, WritesTheWantedUuidAndPayloadOffsetZero) {
  const HandlerList handlers;
  for (const char* name : {"luks1", "luks2"}) {
    auto request = cheap_request();
    request.uuid = "7c0a3b0e-6a53-4b4e-9d2b-0d6f7a1c9f10";

    const auto store = handlers.at(name).format(request, secret("x"));

    const auto info = crypt::LuksHeader(store.bytes).info();
    EXPECT_EQ(info.uuid, request.uuid);
    EXPECT_EQ(info.payload_offset, Sectors(0));
    EXPECT_EQ(info.iv_offset, Sectors(0));
    EXPECT_EQ(info.hash.empty(), false);
  }
}

TEST(Luks, FillsInTheHashThatWasUsed) {
  const HandlerList handlers;

  const auto store = handlers.at("luks1").format(cheap_request(), secret("x"));

  EXPECT_EQ(store.attributes.hash, "sha512");
  EXPECT_EQ(crypt::LuksHeader(store.bytes).info().hash, "sha512");
}

TEST(Luks, SaysWhyAHeaderCannotBeMade) {
  const HandlerList handlers;
  auto bad_uuid = cheap_request();
  bad_uuid.uuid = "not a uuid";
  auto too_few_iterations = cheap_request();
  too_few_iterations.kdf.iterations = 10;
  auto no_such_hash = cheap_request();
  no_such_hash.attributes.hash = "sha77";
  auto no_such_kdf = cheap_request();
  no_such_kdf.kdf.type = "scrypt";

  for (const auto& request : {bad_uuid, too_few_iterations, no_such_hash, no_such_kdf}) {
    const Error error = error_of([&] { return handlers.at("luks2").format(request, secret("x")); });

    EXPECT_EQ(error.code(), Errc::unsupported);
    EXPECT_NE(error.advice(), "");
  }
}

TEST(Luks, RefusesLargeEncryptionSectorsInLuks1) {
  const HandlerList handlers;

  const Error error = error_of([&] { return handlers.at("luks1").min_region({.sector_bytes = 4096}); });

  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_THAT(error.advice(), HasSubstr("luks2"));
}

TEST(Luks, OpensASeedFormStoreWhoseMetadataNamesNoKeySize) {
  const HandlerList handlers;
  auto store = handlers.at("luks1").format(cheap_request(), secret("x"));
  store.attributes.key_bits = 0;

  const auto unlocked = handlers.at("luks1").unlock(store.bytes, store.attributes, secret("x"));

  ASSERT_TRUE(unlocked);
  EXPECT_EQ(unlocked->slot, 0);
  EXPECT_TRUE(equal_bytes(unlocked->key, store.key));
}

TEST(Luks, RefusesAHeaderWhoseKeySizeIsNotThatOfTheMetadata) {
  const HandlerList handlers;
  auto store = handlers.at("luks2").format(cheap_request(), secret("x"));
  store.attributes.key_bits = 256;

  const Error error =
      error_of([&] { return handlers.at("luks2").unlock(store.bytes, store.attributes, secret("x")); });

  EXPECT_EQ(error.code(), Errc::damaged);
}

TEST(Luks, RefusesTheHeaderOfTheOtherVersion) {
  const HandlerList handlers;
  const auto store = handlers.at("luks1").format(cheap_request(), secret("x"));

  const Error error =
      error_of([&] { return handlers.at("luks2").unlock(store.bytes, store.attributes, secret("x")); });

  EXPECT_EQ(error.code(), Errc::damaged);
}

TEST(Luks, DerivesWithArgon2WhereItIsAsked) {
  const HandlerList handlers;
  auto request = cheap_request();
  request.kdf = {.type = "argon2id", .memory_kib = 32, .parallel = 1, .iterations = 4};

  const auto store = handlers.at("luks2").format(request, secret("x"));

  EXPECT_TRUE(handlers.at("luks2").unlock(store.bytes, store.attributes, secret("x")));
}

// Where one of LUKS2's two headers is damaged the other one counts; a repair would be a write.
TEST(Luks, OpensAHeaderWithOneDamagedCopy) {
  const HandlerList handlers;
  const auto store = handlers.at("luks2").format(cheap_request(), secret("x"));
  for (const std::size_t copy : {std::size_t{0}, std::size_t{16384}}) {
    auto bytes = store.bytes;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(copy), 4096, std::byte{0x5a});

    const auto unlocked = handlers.at("luks2").unlock(bytes, store.attributes, secret("x"));

    ASSERT_TRUE(unlocked) << copy;
    EXPECT_TRUE(equal_bytes(unlocked->key, store.key));
  }
}

}  // namespace
}  // namespace cv::test
