// Where keys are kept, and for how long.
#include "activate/key_cache.h"

#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/fake_mapper.h"
#include "tests/support/group_builder.h"
#include "tests/support/memory_keyring.h"
#include "tests/support/temp_dir.h"

namespace cv::activate {

using namespace cv::test;
using std::chrono::seconds;

namespace {

SharedKey key_of(unsigned seed) {
  return std::make_shared<const crypt::SecureBytes>(sample_key(64, seed));
}

class KeyCacheTest : public testing::Test {
 protected:
  KeyCache::Settings settings() {
    KeyCache::Settings settings;
    settings.run_dir = run_dir_.path("run");
    return settings;
  }

  const StoreId id_{id_of<VgId>(1), id_of<LvId>(2)};
  const std::string description_ = key_description(id_);
  TempDir run_dir_;
  MemoryKeyring keyring_;
};

}  // namespace

TEST_F(KeyCacheTest, NamesAKeyByGroupAndStore) {
  EXPECT_EQ(description_, "cv:" + id_.vg.plain() + id_.store.plain());
}

TEST_F(KeyCacheTest, HandsAKeyOutInHexWhereThereIsNoKeyring) {
  KeyCache cache(nullptr, settings());
  EXPECT_THROW(cache.table_key(id_, 64, false), Error);

  cache.put(id_, key_of(1));

  EXPECT_EQ(cache.table_key(id_, 64, false), TableKey(HexKey{key_of(1)}));
  EXPECT_FALSE(cache.in_keyring(id_, true));
}

TEST_F(KeyCacheTest, MovesAKeyIntoTheKeyringWithALimit) {
  KeyCache cache(&keyring_, settings());
  cache.put(id_, key_of(1));

  const auto key = cache.table_key(id_, 64, false);

  EXPECT_EQ(key, TableKey(KeyringKey{64, description_}));
  EXPECT_EQ(keyring_.time_left(description_), seconds(150));
  EXPECT_EQ(cache.in_process(id_), nullptr);
  EXPECT_TRUE(cache.in_keyring(id_, false));
  cache.hold(id_);
  EXPECT_EQ(keyring_.time_left(description_), std::nullopt);
  EXPECT_TRUE(keyring_.find(description_));
}

TEST_F(KeyCacheTest, NeedsNoLimitWhereAVolumeIsLive) {
  KeyCache cache(&keyring_, settings());
  cache.put(id_, key_of(1));

  cache.table_key(id_, 64, true);

  EXPECT_TRUE(keyring_.find(description_));
  EXPECT_EQ(keyring_.time_left(description_), std::nullopt);
}

TEST_F(KeyCacheTest, TakesBackAKeyThatNobodyCameToUse) {
  {
    KeyCache cache(&keyring_, settings());
    cache.put(id_, key_of(1));
    cache.table_key(id_, 64, false);
    EXPECT_TRUE(keyring_.find(description_));
  }

  EXPECT_FALSE(keyring_.find(description_));
}

TEST_F(KeyCacheTest, LeavesAKeyThatAnotherCommandCameToUse) {
  {
    KeyCache first(&keyring_, settings());
    first.put(id_, key_of(1));
    first.table_key(id_, 64, false);

    KeyCache second(&keyring_, settings());
    EXPECT_TRUE(second.in_keyring(id_, false));
    second.hold(id_);
  }

  EXPECT_TRUE(keyring_.find(description_));
}

TEST_F(KeyCacheTest, DoesNotTrustAKeyWhoseVolumesStockClosed) {
  {
    KeyCache cache(&keyring_, settings());
    cache.put(id_, key_of(1));
    cache.table_key(id_, 64, false);
    cache.hold(id_);
  }
  KeyCache later(&keyring_, settings());

  EXPECT_TRUE(later.in_keyring(id_, true));
  EXPECT_FALSE(later.in_keyring(id_, false));
}

TEST_F(KeyCacheTest, SaysSoWhenTheKeyHasLeftTheKeyring) {
  KeyCache cache(&keyring_, settings());
  cache.put(id_, key_of(1));
  cache.table_key(id_, 64, false);

  keyring_.advance(seconds(151));

  EXPECT_FALSE(cache.in_keyring(id_, false));
  EXPECT_THROW(cache.table_key(id_, 64, false), Error);
}

TEST_F(KeyCacheTest, ForgetsAKeyEverywhere) {
  KeyCache cache(&keyring_, settings());
  cache.put(id_, key_of(1));
  cache.table_key(id_, 64, true);
  cache.put(id_, key_of(1));

  cache.forget(id_);

  EXPECT_EQ(cache.in_process(id_), nullptr);
  EXPECT_FALSE(keyring_.find(description_));
}

TEST_F(KeyCacheTest, GoesWithoutALockWhereThereCanBeNone) {
  auto unwritable = settings();
  unwritable.run_dir = "/proc/no-such-folder";
  const KeyCache cache(&keyring_, unwritable);

  EXPECT_FALSE(cache.lock(id_).is_held());
  EXPECT_TRUE(KeyCache(&keyring_, settings()).lock(id_).is_held());
}

TEST_F(KeyCacheTest, NamesKeysOnlyWhereKeyringAndKernelCan) {
  FakeMapper mapper;
  const auto absent = absent_mapper();

  EXPECT_TRUE(can_name_keys(mapper, keyring_));
  EXPECT_FALSE(can_name_keys(*absent, keyring_));
  keyring_.set_available(false);
  EXPECT_FALSE(can_name_keys(mapper, keyring_));
}

}  // namespace cv::activate
