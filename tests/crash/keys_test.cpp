// Power cuts while the secrets of a keystore change: at each point a secret opens the store that opened it
// before, or that was asked for.
#include <functional>
#include <unordered_map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/crypt/key_handler.h"
#include "metadata/check.h"
#include "metadata/store_bytes.h"
#include "metadata/volume_bytes.h"
#include "tests/support/crash_device.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/in_process.h"

namespace cv {
namespace {

using namespace metadata;
using test::CrashDevice;
using test::CrashImages;
using test::CrashLog;
using test::Disk;
using Words = std::vector<std::string>;

/// An image costs a key derivation.
constexpr test::CrashSampling kFew{.seed = 20261121, .all_up_to = 4, .samples = 12};

constexpr test::CrashSampling kMore{.seed = 20261121, .all_up_to = 4, .samples = 40};

/// What damaged copies make the program say, thousands of times.
class Silence final : public log::Sink {
 public:
  void line(log::Level, std::string_view) noexcept override {}
};

class KeysInAPowerCut : public testing::TestWithParam<std::string> {
 protected:
  KeysInAPowerCut() {
    disks_ = test::disks_with_pvs(2, Bytes(8 << 20));
    auto store = test::store_on(disks_);
    create_group(store, disks_);
    program_.run(disks_, {"cvcreate", "-an", "--crypt", "--handler", GetParam(), "--key-size", "256",
                          "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--keyfile", file("a"),
                          "-l", "1", "-n", "tst", "vg0"});
  }

  std::string file(const std::string& secret) { return program_.key_file(secret); }

  Words cheap(Words words) {
    for (const char* word : {"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "vg0/cryptostore1"})
      words.emplace_back(word);
    return words;
  }
  Words add(const std::string& known, const std::string& added) {
    return cheap({"cvkey", "add", "--keyfile", file(known), "--new-keyfile", file(added)});
  }

  /// Whether one of `secrets` opens the store, as the program does it: the next copy where one is damaged.
  bool opens(const std::vector<Disk>& disks, const std::vector<std::string>& secrets) const {
    auto devices = test::store_on(disks);
    const Scan scan = devices.scan();
    EXPECT_EQ(scan.groups.size(), 1U);
    if (scan.groups.size() != 1) return false;
    const FoundGroup& group = scan.groups.front();
    const LogicalVolume& store = lv_at(group.vg, "cryptostore1");
    const Keystore& keystore = *keystore_of(store);
    const crypt::StoreAttributes attributes{.cipher = keystore.cipher,
                                            .key_bits = keystore.key_bits,
                                            .hash = keystore.key_hash.value_or(""),
                                            .sector_bytes = keystore.sector_bytes.value_or(512),
                                            .key_check = std::nullopt};
    const auto copies = read_copies(group.vg, group.devices, store);
    const auto open_one = [&](const std::string& secret) {
      for (const StoreCopy& copy : copies) {
        try {
          return handlers_.at(keystore.handler)
              .unlock(copy.bytes, attributes, test::secret(secret))
              .has_value();
        } catch (const Error&) {
          continue;
        }
      }
      return false;
    };
    // Most cuts leave the copies that are in use as they were.
    std::string case_of = keystore.handler;
    for (const StoreCopy& copy : copies)
      case_of.append(reinterpret_cast<const char*>(copy.bytes.data()), copy.bytes.size());
    for (const std::string& secret : secrets) case_of += secret + ',';
    const auto known = answers_.find(std::hash<std::string>{}(case_of));
    if (known != answers_.end()) return known->second;
    const bool answer = std::ranges::any_of(secrets, open_one);
    answers_.emplace(std::hash<std::string>{}(case_of), answer);
    return answer;
  }

  /// Cuts the power everywhere in `words`, where whole stores are written at each 4 KiB; one of `secrets`
  /// must open the store each time.
  void cut(const Words& words, const std::vector<std::string>& secrets, bool everywhere = true) {
    cut(words, everywhere, [&](CrashImages::Disks& disks) { return opens(disks, secrets); });
  }

  /// The same, where `is_good` judges the disks.
  void cut(const Words& words, bool everywhere, const std::function<bool(CrashImages::Disks&)>& is_good) {
    Silence silence;
    const log::Redirect redirect(silence);
    std::vector<test::MemoryDevice*> all;
    for (const Disk& disk : disks_) all.push_back(disk.get());
    CrashImages::Disks before = copy_of(all);
    CrashLog log;
    {
      std::size_t number = 0;
      program_.run(disks_, words, [&](test::MemoryDevice& disk) {
        return std::make_unique<CrashDevice>(disk, number++, log);
      });
    }
    CrashImages images(std::move(before), std::move(log));
    const auto look = [&](CrashImages::Disks& disks, const std::string& what_was_kept) {
      if (HasFailure()) return;
      EXPECT_TRUE(is_good(disks)) << "nothing opens the store after " << what_was_kept;
    };
    unsigned count = images.each_prefix(look, everywhere ? 0 : 4096);
    count += images.each_subset(look, everywhere ? kFew : kMore);
    EXPECT_GT(count, 100U);
    RecordProperty("images", static_cast<int>(count));
  }

  std::vector<Disk> disks_;
  test::InProcess program_;
  crypt::HandlerList handlers_;
  mutable std::unordered_map<std::size_t, bool>
      answers_;  ///< of opens(), by a hash of all that it depends on
};

TEST_P(KeysInAPowerCut, OpenWhileASecretIsAdded) {
  cut(add("a", "b"), {"a"});
  EXPECT_TRUE(opens(disks_, {"b"}));
}

TEST_P(KeysInAPowerCut, OpenWhileASecretIsRemoved) {
  program_.run(disks_, add("a", "b"));
  cut({"cvkey", "remove", "--keyfile", file("a"), "vg0/cryptostore1"}, {"b"});
  EXPECT_FALSE(opens(disks_, {"a"}));
}

TEST_P(KeysInAPowerCut, OpenWhileASecretIsChanged) {
  cut(cheap({"cvkey", "change", "--keyfile", file("a"), "--new-keyfile", file("b")}), {"a", "b"});
  EXPECT_FALSE(opens(disks_, {"a"}));
  EXPECT_TRUE(opens(disks_, {"b"}));
}

TEST_P(KeysInAPowerCut, OpenWhileTheStoreIsConverted) {
  cut({"cvkey", "convert", "--keyfile", file("a"), "vg0/cryptostore1"}, {"a"}, false);
  EXPECT_TRUE(opens(disks_, {"a"}));
}

TEST_P(KeysInAPowerCut, OpenWhileTheStoreIsRestored) {
  const std::string backup = file("a") + ".backup";
  program_.run(disks_, {"cvkey", "backup", "--file", backup, "vg0/cryptostore1"});
  program_.run(disks_, add("a", "b"));
  program_.run(disks_, {"cvkey", "remove", "--keyfile", file("a"), "vg0/cryptostore1"});
  ASSERT_FALSE(opens(disks_, {"a"}));

  cut({"cvkey", "restore", "-y", "--file", backup, "vg0/cryptostore1"}, {"a", "b"}, false);

  EXPECT_TRUE(opens(disks_, {"a"}));
  EXPECT_FALSE(opens(disks_, {"b"}));
}

// The group goes on, and once more makes an end of it.
TEST_P(KeysInAPowerCut, CanBeErasedAgain) {
  const Words erase{"cvkey", "erase", "--force", "vg0/cryptostore1"};

  cut(erase, false, [&](CrashImages::Disks& disks) {
    program_.run(disks, erase);
    return !opens(disks, {"a"});
  });

  EXPECT_FALSE(opens(disks_, {"a"}));
}

TEST_P(KeysInAPowerCut, OpenWhileACopyIsHealed) {
  const auto spoil = [&] {
    auto devices = test::store_on(disks_);
    const Scan scan = devices.scan();
    const FoundGroup& group = scan.groups.front();
    const auto copy = open_volume(group.vg, group.devices, data_lv_name("cryptostore1", 1));
    std::vector<std::byte> noise(copy->size().n);
    fill_random(noise);
    copy->write(Bytes(0), noise);
  };
  spoil();
  cut({"cvck", "--repair", "vg0"}, {"a"}, false);

  auto devices = test::store_on(disks_);
  const Scan scan = devices.scan();
  const FoundGroup& group = scan.groups.front();
  for (const StoreCopy& copy : read_copies(group.vg, group.devices, lv_at(group.vg, "cryptostore1")))
    EXPECT_TRUE(copy.intact) << copy.number;
}

INSTANTIATE_TEST_SUITE_P(Luks, KeysInAPowerCut, testing::Values("luks1", "luks2"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace cv
