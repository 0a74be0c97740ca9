// The way to a master key: what is at hand first, the person last.
#include "activate/unlock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activate/activator.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/fake_mapper.h"
#include "tests/support/memory_keyring.h"
#include "tests/support/sample_group.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_samples.h"

namespace cv::activate {

using namespace cv::test;
using metadata::VolumeGroup;

namespace {

class Lines final : public log::Sink {
 public:
  void line(log::Level level, std::string_view text) noexcept override {
    if (level == log::Level::verbose && text.find("key of ") != std::string_view::npos)
      keys.emplace_back(text);
    if (level == log::Level::warning) warnings.emplace_back(text);
  }
  std::vector<std::string> keys;
  std::vector<std::string> warnings;
};

/// Gives one secret after the other and counts how often it is asked.
class ListedSecrets final : public SecretSource {
 public:
  std::optional<crypt::SecureBytes> next(const SecretRequest& request) override {
    ++asked;
    last_attempt = request.attempt;
    if (secrets.empty()) return std::nullopt;
    auto first = std::move(secrets.front());
    secrets.erase(secrets.begin());
    return first;
  }
  std::string advice_when_wrong() const override { return "mind the keyboard layout"; }
  bool allows_tokens() const override { return tokens_allowed; }
  std::optional<crypt::SecureBytes> pin(const SecretRequest& request, const std::string& token) override {
    asked_pin_of.push_back(fmt::format("{} {}", token, request.attempt));
    if (pins.empty()) return std::nullopt;
    auto first = std::move(pins.front());
    pins.erase(pins.begin());
    return first;
  }

  std::vector<crypt::SecureBytes> secrets;
  std::vector<crypt::SecureBytes> pins;
  std::vector<std::string> asked_pin_of;
  bool tokens_allowed = true;
  unsigned asked = 0;
  unsigned last_attempt = 0;
};

class UnlockTest : public testing::Test {
 protected:
  UnlockTest() {
    mapper_.use_keyring(keyring_);
    restart();
  }

  /// As another command: nothing kept in this process.
  void restart(bool use_keyring = true, bool use_cached = true) {
    unlocker_.reset();
    activator_.reset();
    cache_.reset();
    KeyCache::Settings settings;
    settings.run_dir = run_dir_.path("run");
    cache_ = std::make_unique<KeyCache>(use_keyring ? &keyring_ : nullptr, settings);
    activator_ = std::make_unique<Activator>(mapper_, cache_.get());
    const auto copies = [this](const VolumeGroup&, const metadata::LogicalVolume&) { return copies_; };
    unlocker_ = std::make_unique<Unlocker>(handlers_, copies, secrets_, *cache_, mapper_,
                                           Unlocker::Settings{use_cached});
  }

  /// group_with_tst() with a luks2 store that "sesame" opens.
  VolumeGroup luks_group() {
    const auto made = handlers_.at("luks2").format(cheap_request(), secret("sesame"));
    copies_ = {made.bytes};
    auto vg = group_with_tst();
    auto& store = keystore(vg);
    store.handler = "luks2";
    return vg;
  }

  /// group_with_tst() with a plain store, whose key is sample_key(64), with or without a check.
  VolumeGroup plain_group(bool key_check) {
    auto request = cheap_request();
    request.key_check = key_check;
    const auto made = handlers_.at("plain").format(request, sample_key(64));
    copies_.clear();
    auto vg = group_with_tst();
    keystore(vg).key_check = made.attributes.key_check;
    return vg;
  }

  static metadata::Keystore& keystore(VolumeGroup& vg) {
    return std::get<metadata::Keystore>(metadata::find_lv(vg, "cryptostore1")->segments.front().kind);
  }

  void activate(const VolumeGroup& vg, const std::string& lv = "tst") {
    auto inputs = inputs_for(vg);
    inputs.keys = unlocker_->open(vg, std::vector<std::string>{"cryptostore1"});
    activator_->activate(vg, {lv}, inputs);
  }

  Errc error_of_opening(const VolumeGroup& vg, std::string* sentence = nullptr,
                        std::string* advice = nullptr) {
    try {
      unlocker_->open(vg, "cryptostore1");
    } catch (const Error& error) {
      if (sentence != nullptr) *sentence = error.what();
      if (advice != nullptr) *advice = error.advice();
      return error.code();
    }
    ADD_FAILURE() << "it opened";
    return Errc::io;
  }

  Lines lines_;
  log::Redirect redirect_{lines_};
  TempDir run_dir_;
  crypt::HandlerList handlers_;
  MemoryKeyring keyring_;
  FakeMapper mapper_;
  ListedSecrets secrets_;
  std::vector<std::vector<std::byte>> copies_;
  std::unique_ptr<KeyCache> cache_;
  std::unique_ptr<Activator> activator_;
  std::unique_ptr<Unlocker> unlocker_;
};

}  // namespace

TEST_F(UnlockTest, DerivesAKeyAndSaysSoOnce) {
  const auto vg = luks_group();
  secrets_.secrets.push_back(secret("sesame"));

  const auto key = unlocker_->open(vg, "cryptostore1");

  EXPECT_EQ(key.key,
            TableKey(KeyringKey{64, key_description({vg.id, metadata::lv_at(vg, "cryptostore1").id})}));
  EXPECT_EQ(key.cipher, "aes-xts-plain64");
  EXPECT_THAT(lines_.keys, testing::ElementsAre("derived key of vg0/cryptostore1 (slot 0)"));
}

TEST_F(UnlockTest, NamesNoSlotWhereThereIsNone) {
  const auto vg = plain_group(true);
  secrets_.secrets.push_back(sample_key(64));

  unlocker_->open(vg, "cryptostore1");

  EXPECT_THAT(lines_.keys, testing::ElementsAre("derived key of vg0/cryptostore1"));
}

TEST_F(UnlockTest, AsksNobodyWhileAVolumeOfTheStoreIsUp) {
  auto vg = luks_group();
  add_volume(vg, "two", true, {encrypted(0, 2, on_pv(1, 0), kWindow * 2)});
  secrets_.secrets.push_back(secret("sesame"));
  activate(vg);

  restart();
  activate(vg, "two");

  EXPECT_EQ(secrets_.asked, 1U);
  EXPECT_THAT(lines_.keys, testing::ElementsAre("derived key of vg0/cryptostore1 (slot 0)",
                                                "key of vg0/cryptostore1 from keyring"));
}

TEST_F(UnlockTest, AsksAgainWhenTheLastVolumeWasClosed) {
  const auto vg = luks_group();
  secrets_.secrets.push_back(secret("sesame"));
  activate(vg);
  activator_->deactivate(vg, {"tst"});

  restart();

  EXPECT_EQ(error_of_opening(vg), Errc::key_missing);
}

TEST_F(UnlockTest, AsksAgainWhenStockClosedTheVolumes) {
  const auto vg = luks_group();
  secrets_.secrets.push_back(secret("sesame"));
  activate(vg);
  mapper_.run(RemoveDevice{uuid_of(vg, "tst"), {}});

  restart();

  EXPECT_EQ(error_of_opening(vg), Errc::key_missing);
}

TEST_F(UnlockTest, FindsTheKeyInALiveTableThatHoldsItInHex) {
  const auto vg = luks_group();
  restart(false);
  secrets_.secrets.push_back(secret("sesame"));
  activate(vg);

  restart(false);
  const auto key = unlocker_->open(vg, "cryptostore1").key;

  EXPECT_EQ(secrets_.asked, 1U);
  EXPECT_EQ(key, std::get<CryptTarget>(mapper_.live_table(uuid_of(vg, "tst"))->front().target).key);
  EXPECT_EQ(lines_.keys.back(), "key of vg0/cryptostore1 from table");
}

TEST_F(UnlockTest, TakesAHexKeyOverIntoTheKeyring) {
  const auto vg = plain_group(false);
  restart(false);
  secrets_.secrets.push_back(sample_key(64));
  activate(vg);

  restart(true);
  const auto key = unlocker_->open(vg, "cryptostore1").key;

  EXPECT_TRUE(std::holds_alternative<KeyringKey>(key));
  EXPECT_EQ(lines_.keys.back(), "key of vg0/cryptostore1 from table");
}

TEST_F(UnlockTest, DoesNotBelieveATableThatHoldsAnotherKey) {
  const auto vg = luks_group();
  auto inputs = inputs_for(vg);
  inputs.keys["cryptostore1"].key = HexKey{std::make_shared<const crypt::SecureBytes>(sample_key(64, 9))};
  activator_->activate(vg, {"tst"}, inputs);

  EXPECT_EQ(error_of_opening(vg), Errc::key_missing);
}

TEST_F(UnlockTest, WantsTheSecretAllTheSameWithNocache) {
  const auto vg = luks_group();
  secrets_.secrets.push_back(secret("sesame"));
  activate(vg);

  restart(true, false);
  secrets_.secrets.push_back(secret("wrong"));

  EXPECT_EQ(error_of_opening(vg), Errc::key_wrong);
  EXPECT_EQ(secrets_.asked, 3U);
}

TEST_F(UnlockTest, TriesAsLongAsTheSourceHasSecrets) {
  const auto vg = luks_group();
  secrets_.secrets.push_back(secret("wrong"));
  secrets_.secrets.push_back(secret("sesame"));

  EXPECT_NO_THROW(unlocker_->open(vg, "cryptostore1"));

  EXPECT_EQ(secrets_.last_attempt, 2U);
}

TEST_F(UnlockTest, SaysThatTheKeyIsWrongAndWhatTheSourceAdvises) {
  const auto vg = luks_group();
  secrets_.secrets.push_back(secret("wrong"));
  std::string sentence;
  std::string advice;

  EXPECT_EQ(error_of_opening(vg, &sentence, &advice), Errc::key_wrong);

  EXPECT_EQ(sentence, "the key does not open vg0/cryptostore1");
  EXPECT_EQ(advice, "mind the keyboard layout");
  EXPECT_EQ(keyring_.size(), 0U);
}

TEST_F(UnlockTest, SaysWhichSizeAPlainKeyMustHave) {
  const auto vg = plain_group(true);
  secrets_.secrets.push_back(sample_key(10));
  std::string sentence;

  EXPECT_EQ(error_of_opening(vg, &sentence), Errc::key_file);

  EXPECT_THAT(sentence, testing::AllOf(testing::HasSubstr("vg0/cryptostore1"), testing::HasSubstr("10"),
                                       testing::HasSubstr("64")));
}

TEST_F(UnlockTest, OpensWithTheNextCopyWhereOneIsDamaged) {
  const auto vg = luks_group();
  copies_.insert(copies_.begin(), std::vector<std::byte>(copies_.front().size()));
  secrets_.secrets.push_back(secret("sesame"));

  EXPECT_NO_THROW(unlocker_->open(vg, "cryptostore1"));

  EXPECT_EQ(lines_.warnings.size(), 1U);
}

TEST_F(UnlockTest, SaysSoWhereEveryCopyIsDamaged) {
  const auto vg = luks_group();
  for (auto& byte : copies_.front()) byte = std::byte(0);
  secrets_.secrets.push_back(secret("sesame"));

  EXPECT_EQ(error_of_opening(vg), Errc::damaged);
}

TEST_F(UnlockTest, ReadsFromTheHeaderWhatTheMetadataDoesNotSay) {
  auto vg = luks_group();
  keystore(vg).cipher.clear();
  keystore(vg).key_bits = 0;

  const auto attributes = unlocker_->attributes_of(vg, "cryptostore1");

  EXPECT_EQ(attributes.cipher, "aes-xts-plain64");
  EXPECT_EQ(attributes.key_bits, 512U);
}

TEST_F(UnlockTest, DescribesAKeyWithoutASecret) {
  const auto vg = luks_group();

  const auto key = unlocker_->described(vg, "cryptostore1");

  EXPECT_TRUE(std::holds_alternative<KeyringKey>(key.key));
  EXPECT_EQ(secrets_.asked, 0U);
  EXPECT_EQ(keyring_.size(), 0U);
}

TEST_F(UnlockTest, GivesTheKeyItselfToThoseWhoChangeTheStore) {
  const auto vg = plain_group(true);
  secrets_.secrets.push_back(sample_key(64));

  const auto key = unlocker_->master_key(vg, "cryptostore1");
  unlocker_->master_key(vg, "cryptostore1");

  EXPECT_TRUE(equal_bytes(*key, sample_key(64)));
  EXPECT_THAT(lines_.keys,
              testing::ElementsAre("derived key of vg0/cryptostore1", "key of vg0/cryptostore1 from cache"));
  EXPECT_EQ(keyring_.size(), 0U);
}

TEST_F(UnlockTest, TestsASecretWhateverIsAtHand) {
  const auto vg = luks_group();
  secrets_.secrets.push_back(secret("sesame"));
  activate(vg);
  secrets_.secrets.push_back(secret("wrong"));

  EXPECT_THROW(unlocker_->test(vg, "cryptostore1"), Error);
}

TEST_F(UnlockTest, KnowsWhichHandlersThereAre) {
  auto vg = luks_group();
  keystore(vg).handler = "tpm9";
  secrets_.secrets.push_back(secret("sesame"));

  EXPECT_EQ(error_of_opening(vg), Errc::no_handler);
}

TEST_F(UnlockTest, IsToldAboutSomethingThatIsNoStore) {
  const auto vg = luks_group();

  EXPECT_THROW(unlocker_->open(vg, "tst"), Error);
  EXPECT_THROW(unlocker_->open(vg, "nothing"), Error);
}

TEST_F(UnlockTest, TakesATokenBeforeItAsks) {
  const auto vg = luks_group();
  copies_ = {test::with_token(copies_.front(), test::test_token("secret sesame"))};

  unlocker_->open(vg, "cryptostore1");

  EXPECT_EQ(secrets_.asked, 0U);
  EXPECT_THAT(lines_.keys,
              testing::ElementsAre("key of vg0/cryptostore1 by token 0, of type cvm-test (slot 0)"));
}

TEST_F(UnlockTest, AsksWhereNoTokenOpensTheStore) {
  const auto vg = luks_group();
  copies_ = {test::with_token(copies_.front(), test::test_token("away"))};
  copies_ = {test::with_token(copies_.front(), test::test_token("secret wrong"))};
  secrets_.secrets.push_back(secret("sesame"));

  unlocker_->open(vg, "cryptostore1");

  EXPECT_EQ(secrets_.asked, 1U);
}

TEST_F(UnlockTest, AsksNoTokenWhereACertainSecretIsWanted) {
  const auto vg = luks_group();
  copies_ = {test::with_token(copies_.front(), test::test_token("secret sesame"))};
  secrets_.tokens_allowed = false;

  EXPECT_EQ(error_of_opening(vg), Errc::key_missing);
}

TEST_F(UnlockTest, WantsNoPinWhereAnotherTokenDoesWithout) {
  const auto vg = luks_group();
  copies_ = {test::with_token(copies_.front(), test::test_token("pin"))};
  copies_ = {test::with_token(copies_.front(), test::test_token("secret sesame"))};

  unlocker_->open(vg, "cryptostore1");

  EXPECT_THAT(secrets_.asked_pin_of, testing::IsEmpty());
}

TEST_F(UnlockTest, WantsASecretWhereThereIsNoPin) {
  const auto vg = luks_group();
  copies_ = {test::with_token(copies_.front(), test::test_token("pin"))};
  secrets_.secrets.push_back(secret("sesame"));
  secrets_.pins.push_back(crypt::SecureBytes());

  unlocker_->open(vg, "cryptostore1");

  EXPECT_THAT(secrets_.asked_pin_of, testing::ElementsAre("cvm-test 1"));
  EXPECT_EQ(secrets_.asked, 1U);
}

TEST_F(UnlockTest, WantsASecretWhateverATokenKnowsWhereSlotsAreChanged) {
  const auto vg = luks_group();
  copies_ = {test::with_token(copies_.front(), test::test_token("secret sesame"))};
  secrets_.secrets.push_back(secret("sesame"));

  EXPECT_EQ(unlocker_->ask(vg, "cryptostore1").slot, 0);

  EXPECT_EQ(secrets_.asked, 1U);
}

}  // namespace cv::activate
