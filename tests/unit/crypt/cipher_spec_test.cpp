#include "lib/crypt/cipher_spec.h"

#include <gmock/gmock.h>

#include "lib/base/error.h"
#include "tests/support/crypt_samples.h"

namespace cv::crypt {
namespace {

using ::testing::HasSubstr;

bool takes(std::string_view cipher, std::uint32_t bits) {
  try {
    CipherSpec::parse(cipher).check_key_bits(bits);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unsupported);
    return false;
  }
}

TEST(CipherSpec, TakesTheTextApartAndKeepsIt) {
  const auto spec = CipherSpec::parse("aes-cbc-essiv:sha256");

  EXPECT_EQ(spec.text(), "aes-cbc-essiv:sha256");
  EXPECT_EQ(spec.cipher(), "aes");
  EXPECT_EQ(spec.mode(), "cbc");
  EXPECT_EQ(spec.iv(), "essiv");
  EXPECT_EQ(spec.header_cipher(), "aes");
  EXPECT_EQ(spec.header_mode(), "cbc-essiv:sha256");
}

TEST(CipherSpec, UnderstandsTheFormOfTheCryptoApi) {
  const auto spec = CipherSpec::parse("capi:xts(aes)-plain64");
  const auto authenticated = CipherSpec::parse("capi:authenc(hmac(sha256),xts(serpent))-essiv:sha256");

  EXPECT_TRUE(spec.is_capi());
  EXPECT_EQ(spec.text(), "capi:xts(aes)-plain64");
  EXPECT_EQ(spec.cipher(), "aes");
  EXPECT_EQ(spec.iv(), "plain64");
  EXPECT_EQ(spec.header_cipher(), "capi:xts(aes)");
  EXPECT_EQ(spec.header_mode(), "plain64");
  EXPECT_EQ(authenticated.cipher(), "serpent");
  EXPECT_EQ(authenticated.iv(), "essiv");
}

TEST(CipherSpec, UnderstandsSeveralKeysAndCiphersWithCommas) {
  EXPECT_EQ(CipherSpec::parse("aes:64-cbc-lmk").iv(), "lmk");
  EXPECT_EQ(CipherSpec::parse("xchacha12,aes-adiantum-plain64").cipher(), "xchacha12,aes");
  EXPECT_EQ(CipherSpec::parse("aes-ecb").iv(), "");
}

TEST(CipherSpec, RefusesWhatIsNoCipher) {
  for (const char* text :
       {"", "aes", "aes-", "aes-plain", "aes-xts", "-xts-plain64", "aes--plain64", "aes:3-cbc-lmk",
        "aes:0-cbc-lmk", "aes:99999-cbc-lmk", "aes-cbc-essiv", "capi:", "capi:xts(aes)",
        "capi:xts(aes-plain64", "capi:-plain64", "cipher_null-ecb", "capi:ecb(cipher_null)-null"}) {
    EXPECT_THROW(static_cast<void>(CipherSpec::parse(text)), Error) << text;
  }
  EXPECT_THROW(static_cast<void>(CipherSpec::parse(std::string(200, 'a') + "-xts-plain64")), Error);
}

TEST(CipherSpec, RefusesCharactersThatWouldBeginAnotherWordOfATable) {
  for (const std::string_view text :
       {std::string_view("aes-xts-plain64 0"), std::string_view("aes-xts-plain64\n0 1 zero"),
        std::string_view("aes-xts-pl\0ain", 14), std::string_view("aes-xts-\"plain64"),
        std::string_view("ä-b-c")}) {
    EXPECT_THROW(static_cast<void>(CipherSpec::parse(text)), Error) << text;
  }
}

TEST(CipherSpec, KnowsWhichKeysACipherTakes) {
  EXPECT_TRUE(takes("aes-xts-plain64", 512));
  EXPECT_TRUE(takes("aes-xts-plain64", 256));
  EXPECT_TRUE(takes("aes-cbc-essiv:sha256", 128));
  EXPECT_TRUE(takes("aes-cbc-essiv:sha256", 256));
  EXPECT_TRUE(takes("capi:xts(aes)-plain64", 512));
  EXPECT_TRUE(takes("aes-lrw-benbi", 384));
  EXPECT_TRUE(takes("xchacha12,aes-adiantum-plain64", 256));

  EXPECT_FALSE(takes("aes-xts-plain64", 128));
  EXPECT_FALSE(takes("aes-xts-plain64", 513));
  EXPECT_FALSE(takes("aes-cbc-plain64", 512));
  EXPECT_FALSE(takes("capi:xts(aes)-plain64", 192));
  EXPECT_FALSE(takes("blowfish-cbc-plain64", 0));
  EXPECT_FALSE(takes("blowfish-cbc-plain64", 8192));
}

TEST(CipherSpec, NamesTheKeySizesThatWouldDo) {
  try {
    CipherSpec::parse("aes-xts-plain64").check_key_bits(128);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("128"));
    EXPECT_THAT(error.advice(), HasSubstr("256, 384, 512"));
  }
}

TEST(CipherSpec, SaysHowFarItsIvsReach) {
  EXPECT_TRUE(CipherSpec::parse("aes-xts-plain").has_32_bit_iv());
  EXPECT_EQ(CipherSpec::parse("aes-xts-plain").iv_end(), Sectors(std::uint64_t{1} << 32));
  EXPECT_FALSE(CipherSpec::parse("aes-xts-plain64").has_32_bit_iv());
  EXPECT_EQ(CipherSpec::parse("aes-xts-plain64").iv_end(), Sectors(std::uint64_t{1} << 63));
  EXPECT_EQ(CipherSpec::parse("aes-lrw-benbi").iv_end(), Sectors(std::uint64_t{1} << 58));
  EXPECT_TRUE(CipherSpec::parse("capi:xts(aes)-plain").has_32_bit_iv());
}

TEST(CipherSpec, SharesAKeyOnlyWhereTheIvIsTheSectorAlone) {
  for (const char* text : {"aes-xts-plain64", "aes-xts-plain", "aes-cbc-essiv:sha256", "aes-lrw-benbi",
                           "aes-xts-plain64be", "capi:xts(aes)-plain64", "serpent-xts-plain64"}) {
    EXPECT_TRUE(CipherSpec::parse(text).may_be_shared()) << text;
  }
  for (const char* text :
       {"aes-ecb", "aes-cbc-null", "aes:64-cbc-lmk", "aes-cbc-tcw", "aes-cbc-eboiv", "aes-cbc-elephant",
        "aes-xts-random", "aes-cbc-someiv", "aes-ecb-plain64", "capi:ecb(aes)-plain64"}) {
    EXPECT_FALSE(CipherSpec::parse(text).may_be_shared()) << text;
  }
}

TEST(CipherSpec, SeesEqualHalvesOfXtsKeysOnly) {
  SecureBytes key = test::sample_key(64);
  std::copy_n(key.bytes().begin(), 32, key.bytes().begin() + 32);

  EXPECT_TRUE(CipherSpec::parse("aes-xts-plain64").has_equal_halves(key.bytes()));
  EXPECT_TRUE(CipherSpec::parse("capi:xts(aes)-plain64").has_equal_halves(key.bytes()));
  EXPECT_FALSE(CipherSpec::parse("aes-cbc-plain64").has_equal_halves(key.bytes()));
  EXPECT_FALSE(CipherSpec::parse("aes-xts-plain64").has_equal_halves(test::sample_key(64).bytes()));
}

}  // namespace
}  // namespace cv::crypt
