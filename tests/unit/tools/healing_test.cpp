// Keystores with several copies: any of them may be lost, and comes back. Whole commands on files.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/store.h"
#include "metadata/store_bytes.h"
#include "metadata/volume_bytes.h"
#include "tests/unit/tools/command_harness.h"

using namespace cv;
using namespace cv::metadata;
using test::Workshop;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Content = std::vector<std::byte>;

namespace {

constexpr unsigned kCopies = 3;

class StoreWithCopies : public testing::Test {
 protected:
  StoreWithCopies() {
    for (const char* name : {"pv0", "pv1", "pv2"}) disks_.push_back(workshop_.disk(name));
    for (const char* name : {"one", "two", "none"})
      test::write_file(workshop_.path(name), std::string_view(name));
    must({"pvcreate", disks_[0], disks_[1], disks_[2]});
    must({"vgcreate", "vg0", disks_[0], disks_[1], disks_[2]});
    must({"cvcreate", "-an", "--crypt", "--handler", "luks1", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations",
          "1000", "--keyfile", workshop_.path("one"), "-l", "1", "-n", "home", "vg0"});
  }

  test::Outcome run(std::vector<std::string> words) { return workshop_.run(std::move(words)); }
  void must(std::vector<std::string> words) {
    const auto outcome = run(std::move(words));
    ASSERT_EQ(outcome.error, "") << outcome.messages;
  }
  void slots(const std::string& action, const std::string& known, const std::string& added = {}) {
    std::vector<std::string> words{"cvkey", action, "--keyfile", workshop_.path(known)};
    if (!added.empty())
      words.insert(words.end(), {"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--new-keyfile",
                                 workshop_.path(added)});
    words.emplace_back("vg0/cryptostore1");
    must(std::move(words));
  }
  /// Opens the store without the group's lock.
  test::Outcome tried(const std::string& secret) {
    return run({"cvkey", "test", "--keyfile", workshop_.path(secret), "vg0/cryptostore1"});
  }
  /// Opens it for a change, under the lock.
  test::Outcome changed(const std::string& volume) {
    return run({"cvcreate", "-an", "--crypt", "--keystore", "cryptostore1", "--keyfile",
                workshop_.path("one"), "-l", "1", "-n", volume, "vg0"});
  }
  std::string findings() { return run({"cvck", "vg0"}).output; }

  /// Calls `work` with the device of each copy.
  template <class Work>
  void for_each_copy(Work&& work) {
    std::vector<std::unique_ptr<device::BlockDevice>> devices;
    for (const auto& disk : disks_) devices.push_back(device::open_device(disk, device::Access::read_write));
    MetadataStore store(std::move(devices), {});
    const Scan scan = store.scan();
    const FoundGroup& group = group_at(scan, "vg0");
    for (unsigned number = 1; number <= kCopies; ++number)
      work(number, *open_volume(group.vg, group.devices, data_lv_name("cryptostore1", number)));
  }
  std::vector<Content> copies() {
    std::vector<Content> all;
    for_each_copy([&](unsigned, device::BlockDevice& copy) {
      all.emplace_back(copy.size().n);
      copy.read(Bytes(0), all.back());
    });
    return all;
  }
  void put(unsigned number, const Content& content) {
    for_each_copy([&](unsigned n, device::BlockDevice& copy) {
      if (n == number) copy.write(Bytes(0), content);
    });
  }

  Workshop workshop_;
  std::vector<std::string> disks_;
};

TEST_F(StoreWithCopies, OpensAndHealsWhateverHappensToAllButOne) {
  constexpr unsigned kSeed = 20261121;
  std::mt19937 random(kSeed);
  const auto old = copies();
  slots("add", "one", "two");
  const auto good = copies();
  for (unsigned turn = 0; turn < 12; ++turn) {
    SCOPED_TRACE(fmt::format("seed {}, turn {}", kSeed, turn));
    const auto spared = static_cast<unsigned>(1 + random() % kCopies);
    for (unsigned number = 1; number <= kCopies; ++number) {
      if (number == spared) continue;
      auto content = good[number - 1];
      switch (random() % 4) {
        case 0: std::ranges::fill(content, std::byte{0}); break;
        case 1: content = old[number - 1]; break;
        case 2:
          for (auto& byte : content) byte = static_cast<std::byte>(random());
          break;
        default:
          for (unsigned spot = 0; spot < 20; ++spot)
            content[random() % content.size()] ^= static_cast<std::byte>(1 + random() % 255);
      }
      put(number, content);
    }

    EXPECT_THAT(findings(), AllOf(HasSubstr("STORE-COPY-"), Not(HasSubstr("STORE-NO-COPY"))));
    const auto two = tried("two");
    EXPECT_EQ(two.status, 0) << two.error;
    EXPECT_THAT(two.messages, HasSubstr("of the keystore vg0/cryptostore1 is damaged or old"));
    if (turn % 2 == 0) {
      const auto healed = changed(fmt::format("v{}", turn));
      EXPECT_EQ(healed.status, 0) << healed.error;
      EXPECT_THAT(healed.messages, HasSubstr("of the keystore vg0/cryptostore1 was written anew"));
    } else {
      EXPECT_THAT(run({"cvck", "--repair", "--test", "vg0"}).messages, HasSubstr("would write copy"));
      EXPECT_THAT(run({"cvck", "--repair", "vg0"}).messages, HasSubstr("Repaired: write copy"));
    }

    EXPECT_THAT(findings(), HasSubstr("no damage found"));
    const auto now = copies();
    for (unsigned number = 1; number <= kCopies; ++number) {
      const auto handlers = good[number - 1].size() - kStoreTrailerBytes;
      EXPECT_TRUE(
          std::equal(good[number - 1].begin(), good[number - 1].begin() + handlers, now[number - 1].begin()))
          << "copy " << number;
    }
  }
}

TEST_F(StoreWithCopies, ThatAreAllOldAreNotTakenForGood) {
  slots("add", "one", "two");
  const auto old = copies();
  slots("remove", "two");
  for (unsigned number = 1; number <= kCopies; ++number) put(number, old[number - 1]);

  const auto outcome = tried("two");

  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_THAT(outcome.messages, HasSubstr("passphrases that were removed may open it"));
  EXPECT_THAT(findings(), HasSubstr("STORE-COPY-STALE"));
  run({"cvck", "--repair", "vg0"});
  EXPECT_EQ(copies(), old);
}

TEST_F(StoreWithCopies, ThatHoldAnotherStoreAreLeftAlone) {
  must({"cvcreate", "-an", "--crypt", "--handler", "luks1", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations",
        "1000", "--keyfile", workshop_.path("two"), "-l", "1", "-n", "other", "vg0"});
  Content foreign;
  {
    std::vector<std::unique_ptr<device::BlockDevice>> devices;
    for (const auto& disk : disks_) devices.push_back(device::open_device(disk, device::Access::read_only));
    MetadataStore store(std::move(devices), {});
    const Scan scan = store.scan();
    const FoundGroup& group = group_at(scan, "vg0");
    const auto copy = open_volume(group.vg, group.devices, "cryptostore2_crdata");
    foreign.resize(copy->size().n);
    copy->read(Bytes(0), foreign);
  }
  put(2, foreign);

  EXPECT_EQ(tried("one").status, 0);
  EXPECT_EQ(run({"cvck", "--repair", "vg0"}).status, 5);

  EXPECT_EQ(copies()[1], foreign);
  EXPECT_THAT(findings(), HasSubstr("STORE-COPY-FOREIGN"));
}

}  // namespace
