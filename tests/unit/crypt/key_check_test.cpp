#include "lib/crypt/key_check.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/digest.h"
#include "tests/support/crypt_samples.h"

namespace cv::crypt {
namespace {

using test::sample_key;

const std::string kDigest(64, 'a');

Errc code_of(const std::string& check) {
  try {
    static_cast<void>(passes_key_check(check, sample_key(64)));
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << check << " was taken";
  return Errc::io;
}

TEST(KeyCheck, PassesItsKeyAndNoOther) {
  const auto key = sample_key(64);

  const std::string check = make_key_check(key, 1000);

  EXPECT_TRUE(passes_key_check(check, key));
  EXPECT_FALSE(passes_key_check(check, sample_key(64, 2)));
  EXPECT_FALSE(passes_key_check(check, SecureBytes()));
}

TEST(KeyCheck, IsTheDigestThatTheFormatSays) {
  const auto key = sample_key(32);
  const auto digest = pbkdf2_sha256(key.bytes(), *from_hex("00ff10"), 1234);

  EXPECT_TRUE(passes_key_check("pbkdf2:sha256:1234:00ff10:" + to_hex(digest.bytes()), key));
}

TEST(KeyCheck, IsSaltedAndCostsSomethingByDefault) {
  const auto key = sample_key(64);

  const std::string one = make_key_check(key);
  const std::string another = make_key_check(key);

  EXPECT_NE(one, another);
  EXPECT_TRUE(one.starts_with("pbkdf2:sha256:100000:")) << one;
}

TEST(KeyCheck, RefusesTextsOfAnotherForm) {
  for (const std::string& check : std::vector<std::string>{
           "", "pbkdf2", "pbkdf2:sha256:1000:00:" + kDigest + ":x", "pbkdf2:sha256:0:00:" + kDigest,
           "pbkdf2:sha256:-1:00:" + kDigest, "pbkdf2:sha256:1e3:00:" + kDigest,
           "pbkdf2:sha256:4294967295:00:" + kDigest, "pbkdf2:sha256:99999999999:00:" + kDigest,
           "pbkdf2:sha256:1000::" + kDigest, "pbkdf2:sha256:1000:0g:" + kDigest, "pbkdf2:sha256:1000:00:aa",
           "pbkdf2:sha256:1000:00:", "pbkdf2:sha256:1000:" + std::string(4096, '0') + ":" + kDigest}) {
    EXPECT_EQ(code_of(check), Errc::damaged) << check;
  }
}

TEST(KeyCheck, SaysThatItDoesNotKnowOtherDerivations) {
  EXPECT_EQ(code_of("pbkdf2:sha512:1000:00:" + kDigest), Errc::unsupported);
  EXPECT_EQ(code_of("argon2id:sha256:1000:00:" + kDigest), Errc::unsupported);
}

}  // namespace
}  // namespace cv::crypt
