// What every keyring must do.
#pragma once

#include <chrono>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/crypt/keyring.h"
#include "tests/support/crypt_samples.h"

namespace cv::test {

/// Instantiate with a type that has `crypt::Keyring& keyring()`; what a test adds is invalidated after it.
template <class Provider>
class KeyringContract : public ::testing::Test {
 protected:
  ~KeyringContract() override {
    provider_.keyring().invalidate(name("a"));
    provider_.keyring().invalidate(name("b"));
  }

  crypt::Keyring& keyring() { return provider_.keyring(); }
  /// A description that no other process uses.
  std::string name(const std::string& end) const { return "cvmtest:" + std::to_string(::getpid()) + end; }

  Provider provider_;
};

TYPED_TEST_SUITE_P(KeyringContract);

TYPED_TEST_P(KeyringContract, FindsWhatWasAdded) {
  EXPECT_TRUE(this->keyring().available());
  EXPECT_FALSE(this->keyring().find(this->name("a")));

  this->keyring().add(this->name("a"), sample_key(64), std::nullopt);

  EXPECT_TRUE(this->keyring().find(this->name("a")));
  EXPECT_FALSE(this->keyring().find(this->name("b")));
}

TYPED_TEST_P(KeyringContract, ReplacesAKeyOfTheSameName) {
  this->keyring().add(this->name("a"), sample_key(64), std::chrono::seconds(150));

  this->keyring().add(this->name("a"), sample_key(32, 2), std::nullopt);

  EXPECT_TRUE(this->keyring().find(this->name("a")));
}

TYPED_TEST_P(KeyringContract, ForgetsWhatIsInvalidated) {
  this->keyring().add(this->name("a"), sample_key(64), std::nullopt);
  this->keyring().add(this->name("b"), sample_key(64, 2), std::nullopt);

  this->keyring().invalidate(this->name("a"));
  this->keyring().invalidate(this->name("a"));

  EXPECT_FALSE(this->keyring().find(this->name("a")));
  EXPECT_TRUE(this->keyring().find(this->name("b")));
}

TYPED_TEST_P(KeyringContract, TakesAKeyAgainAfterItWasInvalidated) {
  this->keyring().add(this->name("a"), sample_key(64), std::nullopt);
  this->keyring().invalidate(this->name("a"));

  this->keyring().add(this->name("a"), sample_key(64), std::nullopt);

  EXPECT_TRUE(this->keyring().find(this->name("a")));
}

TYPED_TEST_P(KeyringContract, LimitsAKeyAndLiftsTheLimit) {
  this->keyring().add(this->name("a"), sample_key(64), std::chrono::seconds(150));
  EXPECT_LE(this->provider_.time_left(this->name("a")), std::chrono::seconds(150));
  EXPECT_GT(this->provider_.time_left(this->name("a")), std::chrono::seconds(60));

  this->keyring().set_limit(this->name("a"), std::nullopt);
  EXPECT_EQ(this->provider_.time_left(this->name("a")), std::nullopt);

  this->keyring().set_limit(this->name("a"), std::chrono::seconds(30));
  EXPECT_LE(this->provider_.time_left(this->name("a")), std::chrono::seconds(30));
  EXPECT_NO_THROW(this->keyring().set_limit(this->name("b"), std::nullopt));
}

TYPED_TEST_P(KeyringContract, RefusesNamesAndKeysThatTheKernelRefuses) {
  EXPECT_THROW(this->keyring().add("without colon", sample_key(64), std::nullopt), Error);
  EXPECT_THROW(this->keyring().add(this->name("a"), crypt::SecureBytes(), std::nullopt), Error);
  EXPECT_THROW(this->keyring().add(this->name("a"), sample_key(40000), std::nullopt), Error);
}

REGISTER_TYPED_TEST_SUITE_P(KeyringContract, FindsWhatWasAdded, ReplacesAKeyOfTheSameName,
                            ForgetsWhatIsInvalidated, TakesAKeyAgainAfterItWasInvalidated,
                            LimitsAKeyAndLiftsTheLimit, RefusesNamesAndKeysThatTheKernelRefuses);

}  // namespace cv::test
