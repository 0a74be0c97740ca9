#include "tests/unit/crypt/key_handler_contract.h"

#include <algorithm>

#include "lib/base/error.h"
#include "tests/support/crypt_samples.h"

namespace cv::test {

KeyHandlerContract::KeyHandlerContract() : handlers_(room_.settings()) {
  if (GetParam().is_plugin) room_.install(GetParam().handler);
  if (GetParam().is_command) room_.add_cellar(GetParam().handler);
}

crypt::FormatRequest KeyHandlerContract::request() const {
  const HandlerCase& c = GetParam();
  crypt::FormatRequest wanted = cheap_request(c.cipher, c.key_bits);
  wanted.attributes.hash = c.hash;
  wanted.attributes.sector_bytes = c.sector_bytes;
  return wanted;
}

crypt::SecureBytes KeyHandlerContract::secret_of(unsigned seed) const {
  if (GetParam().handler == "plain") return sample_key(GetParam().key_bits / 8, seed);
  return secret(seed == 1 ? "correct horse" : "battery staple " + std::to_string(seed));
}

TEST_P(KeyHandlerContract, UnlocksWhatItFormattedWithTheSameKey) {
  const auto store = handler().format(request(), secret_of(1));

  const auto unlocked = handler().unlock(store.bytes, store.attributes, secret_of(1));

  ASSERT_TRUE(unlocked);
  EXPECT_EQ(unlocked->key.size(), GetParam().key_bits / 8);
  EXPECT_TRUE(equal_bytes(unlocked->key, store.key));
}

TEST_P(KeyHandlerContract, GivesNothingForAnotherSecret) {
  const auto store = handler().format(request(), secret_of(1));

  const auto unlocked = handler().unlock(store.bytes, store.attributes, secret_of(2));

  EXPECT_FALSE(unlocked);
}

TEST_P(KeyHandlerContract, KnowsItsKeyAndNoOther) {
  const auto store = handler().format(request(), secret_of(1));
  const auto other = sample_key(GetParam().key_bits / 8, 7);
  const auto shorter = sample_key(GetParam().key_bits / 8 - 1, 7);

  EXPECT_EQ(handler().verify(store.bytes, store.attributes, store.key), true);
  EXPECT_EQ(handler().verify(store.bytes, store.attributes, other), false);
  EXPECT_EQ(handler().verify(store.bytes, store.attributes, shorter), false);
  EXPECT_EQ(handler().verify(store.bytes, store.attributes, crypt::SecureBytes()), false);
}

TEST_P(KeyHandlerContract, DoesNotChangeTheBytesWhileUnlocking) {
  const auto store = handler().format(request(), secret_of(1));
  const auto before = store.bytes;

  static_cast<void>(handler().unlock(store.bytes, store.attributes, secret_of(1)));
  static_cast<void>(handler().unlock(store.bytes, store.attributes, secret_of(2)));

  EXPECT_EQ(store.bytes, before);
}

TEST_P(KeyHandlerContract, KeepsTheAttributesAsTheyWereAsked) {
  const auto wanted = request();

  const auto store = handler().format(wanted, secret_of(1));

  EXPECT_EQ(store.attributes.cipher, wanted.attributes.cipher);
  EXPECT_EQ(store.attributes.key_bits, wanted.attributes.key_bits);
  EXPECT_EQ(store.attributes.hash, wanted.attributes.hash);
  EXPECT_EQ(store.attributes.sector_bytes, wanted.attributes.sector_bytes);
}

TEST_P(KeyHandlerContract, StaysWithinTheRegionAndFillsNoMoreThanIsUseful) {
  auto wanted = request();
  wanted.region = Bytes(std::uint64_t{64} * 1024 * 1024);

  const auto large = handler().format(wanted, secret_of(1));
  wanted.region = handler().min_region(wanted.attributes);
  const auto least = handler().format(wanted, secret_of(1));

  EXPECT_LE(large.bytes.size(), 16U * 1024 * 1024);
  EXPECT_LE(least.bytes.size(), wanted.region.n);
  EXPECT_TRUE(handler().unlock(least.bytes, least.attributes, secret_of(1)));
}

TEST_P(KeyHandlerContract, NeedsTheLeastRegionAndNoMore) {
  auto wanted = request();
  const Bytes least = handler().min_region(wanted.attributes);
  wanted.region = least;
  EXPECT_NO_THROW(static_cast<void>(handler().format(wanted, secret_of(1))));

  if (least != Bytes(0)) {
    wanted.region = least - Bytes(1);
    EXPECT_THROW(static_cast<void>(handler().format(wanted, secret_of(1))), Error);
  }
}

TEST_P(KeyHandlerContract, WorksOnALongerCopyOfItsBytes) {
  auto store = handler().format(request(), secret_of(1));
  store.bytes.resize(store.bytes.size() + 12345);

  const auto unlocked = handler().unlock(store.bytes, store.attributes, secret_of(1));

  ASSERT_TRUE(unlocked);
  EXPECT_TRUE(equal_bytes(unlocked->key, store.key));
}

TEST_P(KeyHandlerContract, RefusesAnEmptySecretForANewStore) {
  EXPECT_THROW(static_cast<void>(handler().format(request(), crypt::SecureBytes())), Error);
}

TEST_P(KeyHandlerContract, RefusesCiphersAndKeySizesThatDoNotExist) {
  for (const auto& [cipher, bits] : {std::pair{"aes-xts-plain64", 100U},
                                     {"aes-xts-plain64", 0U},
                                     {"aes-xts-plain64", 192U},
                                     {"aes", 256U},
                                     {"", 256U},
                                     {"aes xts", 256U},
                                     {"cipher_null-ecb", 256U},
                                     {"aes-cbc-essiv", 256U}}) {
    auto wanted = request();
    wanted.attributes.cipher = cipher;
    wanted.attributes.key_bits = bits;

    EXPECT_THROW(static_cast<void>(handler().min_region(wanted.attributes)), Error) << cipher << bits;
    EXPECT_THROW(static_cast<void>(handler().format(wanted, secret_of(1))), Error) << cipher << bits;
  }
}

// The keystore comes from a disk: whatever is on it, the answer is a key, nothing, or an Error.
TEST_P(KeyHandlerContract, SurvivesTruncatedBytes) {
  const auto store = handler().format(request(), secret_of(1));

  for (const std::size_t size : {0U, 1U, 6U, 511U, 512U, 4095U, 4096U, 16384U, 32768U, 100000U}) {
    if (size >= store.bytes.size()) continue;
    const auto part = std::span(store.bytes).first(size);
    try {
      EXPECT_FALSE(handler().unlock(part, store.attributes, secret_of(1))) << size;
    } catch (const Error& error) {
      EXPECT_STRNE(error.what(), "");
    }
  }
}

TEST_P(KeyHandlerContract, SurvivesDamagedBytes) {
  auto wanted = request();
  wanted.region = handler().min_region(wanted.attributes);
  const auto store = handler().format(wanted, secret_of(1));
  std::vector<std::byte> noise(store.bytes.size());
  std::generate(noise.begin(), noise.end(), [n = 0U]() mutable { return static_cast<std::byte>(n++ * 37); });

  if (!store.bytes.empty()) {
    EXPECT_THROW(static_cast<void>(handler().unlock(noise, store.attributes, secret_of(1))), Error);
    EXPECT_THROW(static_cast<void>(handler().verify(noise, store.attributes, store.key)), Error);
  }
  // One byte at a time, over the fields of the header and into its JSON.
  for (std::size_t at = 0; at < std::min<std::size_t>(store.bytes.size(), 5000); at += 61) {
    auto bytes = store.bytes;
    bytes[at] ^= std::byte{0xff};
    try {
      static_cast<void>(handler().unlock(bytes, store.attributes, secret_of(2)));
    } catch (const Error& error) {
      EXPECT_STRNE(error.what(), "") << at;
    }
  }
}

}  // namespace cv::test
