#include "lib/crypt/luks_tokens.h"

#include <gmock/gmock.h>

#include "lib/base/error.h"
#include "lib/crypt/luks_header.h"
#include "lib/crypt/luks_slots.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/token_samples.h"

namespace cv::crypt {
namespace {

using test::sample_key;
using test::secret;
using test::test_token;
using test::with_token;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Store = std::vector<std::byte>;

class TokensOfLuks : public testing::Test {
 protected:
  TokensOfLuks() {
    FormatRequest request = test::cheap_request();
    request.attributes.hash = "sha256";
    request.region = min_luks_region(LuksVersion::luks2, request.attributes);
    store_ = format_luks(LuksVersion::luks2, request, sample_key(64), secret("first"));
  }

  TokenAnswer answer_to(const std::string& says, const SecureBytes* pin = nullptr) const {
    return tokens_.ask(with_token(store_, test_token(says)), 0, pin);
  }

  Store store_;
  LuksTokens tokens_;
};

TEST_F(TokensOfLuks, AreNoneInANewStore) {
  EXPECT_THAT(tokens_.list(store_), IsEmpty());
}

TEST_F(TokensOfLuks, AreThoseThatSomethingHereCanAsk) {
  Store store = with_token(store_, R"({"type":"cvm-slot-name","keyslots":["0"],"name":"ann"})");
  store = with_token(store, R"({"type":"nobody-knows","keyslots":["0"]})");
  store = with_token(store, test_token("away"));
  store = with_token(store, R"({"type":"luks2-keyring","keyslots":["0"],"key_description":"cvm:none"})");

  EXPECT_THAT(tokens_.list(store), ElementsAre(KeyToken{2, "cvm-test"}, KeyToken{3, "luks2-keyring"}));
}

TEST_F(TokensOfLuks, OpenTheStore) {
  const TokenAnswer answer = answer_to("secret first");

  ASSERT_TRUE(answer.unlocked);
  EXPECT_TRUE(test::equal_bytes(answer.unlocked->key, sample_key(64)));
  EXPECT_EQ(answer.unlocked->slot, 0);
  EXPECT_FALSE(answer.wants_pin);
}

TEST_F(TokensOfLuks, OpenNothingWithAWrongSecretOrWithoutTheirDevice) {
  for (const char* says : {"secret wrong", "away"}) {
    const TokenAnswer answer = answer_to(says);

    EXPECT_FALSE(answer.unlocked) << says;
    EXPECT_FALSE(answer.wants_pin) << says;
  }
}

TEST_F(TokensOfLuks, OpenNoSlotThatTheyDoNotBelongTo) {
  const auto with_second =
      LuksSlots(LuksVersion::luks2)
          .add(store_, sample_key(64), secret("second"), {.kdf = test::cheap_kdf(), .number = 1, .name = {}})
          .bytes;

  EXPECT_FALSE(tokens_.ask(with_token(with_second, test_token("secret second")), 0, nullptr).unlocked);
}

TEST_F(TokensOfLuks, MayWantAPin) {
  const TokenAnswer answer = answer_to("pin");

  EXPECT_TRUE(answer.wants_pin);
  EXPECT_FALSE(answer.unlocked);
}

TEST_F(TokensOfLuks, AreGoneWithTheirSlotAndStayWithOthers) {
  const LuksSlots slots(LuksVersion::luks2);
  Store store = with_token(store_, test_token("secret first"));
  store =
      slots.add(store, sample_key(64), secret("second"), {.kdf = test::cheap_kdf(), .number = 1, .name = {}})
          .bytes;

  EXPECT_TRUE(tokens_.ask(slots.remove(store, 1), 0, nullptr).unlocked);
  EXPECT_FALSE(tokens_.ask(slots.remove(store, 0), 0, nullptr).unlocked);
}

TEST_F(TokensOfLuks, AreSoughtInHeadersOnly) {
  EXPECT_THROW(static_cast<void>(tokens_.list(Store(1 << 20))), Error);
  EXPECT_THROW(static_cast<void>(tokens_.ask(Store(1 << 20), 0, nullptr)), Error);
}

}  // namespace
}  // namespace cv::crypt
