// Whole commands on disks that fail: whichever write fails or is the last, the group is the old or the new
// one, and what could be read before can be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/luks_header.h"
#include "metadata/check.h"
#include "metadata/store_bytes.h"
#include "metadata/volume_bytes.h"
#include "tests/support/fault_device.h"
#include "tests/support/in_process.h"

namespace cv {
namespace {

using namespace metadata;
using test::Disk;
using test::FaultPlan;
using Words = std::vector<std::string>;

constexpr const char* kSecret = "correct horse";

class FailingDisks : public testing::Test {
 protected:
  FailingDisks() {
    disks_ = test::disks_with_pvs(2, Bytes(12 << 20));
    auto store = test::store_on(disks_);
    create_group(store, disks_);
    key_file_ = program_.key_file(kSecret);
  }

  Words crypt(Words more) const {
    Words words{"cvcreate", "-an", "--crypt", "--keyfile", key_file_};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Words crypt_luks1(Words more) const {
    Words words = crypt({"--handler", "luks1", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  static std::vector<std::vector<std::byte>> contents(const std::vector<Disk>& disks) {
    std::vector<std::vector<std::byte>> all;
    for (const Disk& disk : disks) all.push_back(disk->content());
    return all;
  }

  /// What a person could read: of each visible volume the bytes, and the key that opens it.
  struct Readable {
    std::vector<std::byte> data;
    std::vector<std::byte> key;
  };

  std::vector<std::byte> key_of(const VolumeGroup& vg, const PvDevices& devices,
                                const std::string& name) const {
    const LogicalVolume& store = lv_at(vg, name);
    const Keystore& keystore = *keystore_of(store);
    const crypt::KeyHandler& handler = handlers_.at(keystore.handler);
    crypt::StoreAttributes attributes{.cipher = keystore.cipher,
                                      .key_bits = keystore.key_bits,
                                      .hash = keystore.key_hash.value_or(""),
                                      .sector_bytes = keystore.sector_bytes.value_or(512),
                                      .key_check = keystore.key_check};
    const auto secret = crypt::SecureBytes::copy_of(bytes_of(kSecret));
    std::vector<std::byte> bytes;
    if (!keystore.copies.empty()) bytes = read_copies(vg, devices, store).front().bytes;
    const auto unlocked = handler.unlock(bytes, attributes, secret);
    EXPECT_TRUE(unlocked) << name << " does not open any more";
    if (!unlocked) return {};
    return {unlocked->key.bytes().begin(), unlocked->key.bytes().end()};
  }

  std::map<std::string, Readable> readable(const FoundGroup& group) const {
    std::map<std::string, Readable> all;
    for (const LogicalVolume& lv : group.vg.lvs) {
      if (!is_visible(lv)) continue;
      Readable& here = all[lv.name];
      const auto volume = open_volume(group.vg, group.devices, lv.name);
      std::vector<std::byte> bytes(volume->size().n);
      volume->read(Bytes(0), bytes);
      // An import leaves the payload where it is; what stood before it is the header.
      here.data.assign(bytes.begin() + static_cast<std::ptrdiff_t>(to_bytes(payload_offset_of(lv)).n),
                       bytes.end());
      if (const Crypt* crypt = crypt_of(lv)) here.key = key_of(group.vg, group.devices, crypt->store);
    }
    return all;
  }

  static std::vector<std::string> visible_names(const VolumeGroup& vg) {
    std::vector<std::string> names;
    for (const LogicalVolume& lv : vg.lvs)
      if (is_visible(lv)) names.push_back(fmt::format("{}:{}", lv.name, size_of(lv).n));
    std::ranges::sort(names);
    return names;
  }

  FoundGroup group_on(metadata::MetadataStore& store) const {
    const auto scan = store.scan();
    EXPECT_EQ(scan.groups.size(), 1U);
    return scan.groups.at(0);
  }

  /// Runs `words` with a fault of each kind at the 1st, 2nd, ... write or flush until a run gets through, and
  /// looks at the disks after each. `look` gets the group there and what could be read before.
  using Look =
      std::function<void(const FoundGroup& now, const std::map<std::string, Readable>& before, bool done)>;
  void fail_everywhere(const Words& words, const Look& look) {
    const auto start = contents(disks_);
    std::map<std::string, Readable> before;
    std::vector<std::string> names_before;
    {
      auto store = test::store_on(disks_);
      before = readable(group_on(store));
      names_before = visible_names(group_on(store).vg);
    }
    program_.run(disks_, words);
    std::vector<std::string> names_after;
    {
      auto store = test::store_on(disks_);
      names_after = visible_names(group_on(store).vg);
    }
    for (const auto kind :
         {FaultPlan::Kind::fails_once, FaultPlan::Kind::dies, FaultPlan::Kind::dies_midway}) {
      for (unsigned long at = 1;; ++at) {
        SCOPED_TRACE(fmt::format("kind {}, operation {}", static_cast<int>(kind), at));
        for (std::size_t i = 0; i < disks_.size(); ++i) disks_[i]->content() = start[i];
        FaultPlan plan{.kind = kind, .at = at};
        bool done = true;
        try {
          program_.run(disks_, words, [&](test::MemoryDevice& disk) {
            return std::make_unique<test::FaultDevice>(disk, plan);
          });
        } catch (const Error& error) {
          done = false;
          EXPECT_STRNE(error.what(), "");
        }
        auto store = test::store_on(disks_);
        const FoundGroup now = group_on(store);
        const auto names = visible_names(now.vg);
        EXPECT_TRUE(names == names_before || names == names_after)
            << fmt::format("{}", fmt::join(names, " "));
        if (done) {
          EXPECT_EQ(names, names_after);
        }
        for (const Damage& damage : check(now.vg))
          EXPECT_NE(damage.severity, Severity::error) << damage.sentence;
        look(now, before, names == names_after);
        if (HasFailure()) return;
        if (!plan.has_struck()) break;
      }
    }
  }

  /// Every volume that is still there gives what it gave before.
  void expect_unharmed(const FoundGroup& now, const std::map<std::string, Readable>& before) const {
    for (const auto& [name, there] : readable(now)) {
      const auto known = before.find(name);
      if (known == before.end()) continue;
      ASSERT_GE(there.data.size(), known->second.data.size()) << name;
      EXPECT_TRUE(std::equal(known->second.data.begin(), known->second.data.end(), there.data.begin()))
          << name;
      EXPECT_EQ(there.key, known->second.key) << name;
    }
  }

  std::vector<Disk> disks_;
  test::InProcess program_;
  std::string key_file_;
  crypt::HandlerList handlers_;
};

TEST_F(FailingDisks, LeaveTheOldOrTheNewGroupBehindACreationWithAStore) {
  program_.run(disks_, {"cvcreate", "-L", "256k", "-an", "-n", "plain", "vg0"});
  fail_everywhere(crypt_luks1({"-L", "256k", "-n", "a", "vg0"}),
                  [&](const FoundGroup& now, const auto& before, bool) { expect_unharmed(now, before); });
}

TEST_F(FailingDisks, LeaveTheOldOrTheNewGroupBehindACreationOnAnExistingStore) {
  program_.run(disks_, crypt_luks1({"-L", "256k", "-n", "a", "vg0"}));
  fail_everywhere({"cvcreate", "-an", "--keystore", "cryptostore1", "-L", "256k", "-n", "b", "vg0"},
                  [&](const FoundGroup& now, const auto& before, bool) { expect_unharmed(now, before); });
}

TEST_F(FailingDisks, LeaveTheOldOrTheNewGroupBehindAnExtension) {
  program_.run(disks_, crypt_luks1({"-L", "256k", "-n", "a", "vg0"}));
  fail_everywhere({"cvextend", "-L", "+256k", "vg0/a"},
                  [&](const FoundGroup& now, const auto& before, bool) { expect_unharmed(now, before); });
}

TEST_F(FailingDisks, LeaveTheOldOrTheNewGroupBehindARemoval) {
  program_.run(disks_, crypt_luks1({"-L", "256k", "-n", "a", "vg0"}));
  program_.run(disks_, crypt_luks1({"-L", "256k", "-n", "b", "vg0"}));
  fail_everywhere({"cvremove", "vg0/a"}, [&](const FoundGroup& now, const auto& before, bool) {
    expect_unharmed(now, before);
    // Whatever was begun is finished by the next change.
    if (find_lv(now.vg, "a") != nullptr) return;
    program_.run(disks_, {"cvcreate", "-an", "-l", "1", "-n", "next", "vg0"});
    auto store = test::store_on(disks_);
    EXPECT_EQ(find_lv(group_on(store).vg, "cryptostore1"), nullptr);
  });
}

class FailingImport : public FailingDisks {
 protected:
  /// vg0/old with a LUKS1 header and a payload that begins at this sector.
  void make_luks_volume(std::uint32_t payload_sector) {
    program_.run(disks_, {"cvcreate", "-an", "-L", "5m", "-n", "old", "vg0"});
    auto store = test::store_on(disks_);
    const FoundGroup group = group_on(store);
    crypt::FormatRequest request;
    request.kdf = {.type = "pbkdf2", .iterations = 1000};
    request.region = Bytes(2068480);
    const auto made = handlers_.at("luks1").format(request, crypt::SecureBytes::copy_of(bytes_of(kSecret)));
    master_key_.assign(made.key.bytes().begin(), made.key.bytes().end());
    std::vector<std::byte> header = made.bytes;
    for (unsigned i = 0; i < 4; ++i)
      header[104 + i] = static_cast<std::byte>(payload_sector >> (24 - (8 * i)));
    const auto volume = open_volume(group.vg, group.devices, "old");
    std::vector<std::byte> everything(volume->size().n);
    fill_random(everything);
    std::ranges::copy(header, everything.begin());
    volume->write(Bytes(0), everything);
    payload_.assign(everything.begin() + payload_sector * 512, everything.end());
  }

  void expect_readable(const FoundGroup& now, bool imported) const {
    const auto volume = open_volume(now.vg, now.devices, "old");
    std::vector<std::byte> bytes(volume->size().n);
    volume->read(Bytes(0), bytes);
    ASSERT_GE(bytes.size(), payload_.size());
    EXPECT_TRUE(std::equal(payload_.begin(), payload_.end(),
                           bytes.end() - static_cast<std::ptrdiff_t>(payload_.size())));
    const Crypt* crypt = crypt_of(lv_at(now.vg, "old"));
    ASSERT_EQ(crypt != nullptr, imported);
    if (imported) {
      EXPECT_EQ(key_of(now.vg, now.devices, crypt->store), master_key_);
    } else {
      const auto unlocked = crypt::LuksHeader(bytes).unlock(crypt::SecureBytes::copy_of(bytes_of(kSecret)));
      ASSERT_TRUE(unlocked);
      EXPECT_TRUE(std::ranges::equal(unlocked->key.bytes(), master_key_));
    }
  }

  void fail_import(std::uint32_t payload_sector) {
    make_luks_volume(payload_sector);
    fail_everywhere({"cvconvert", "--import-luks", "vg0/old"}, [&](const FoundGroup& now, const auto&, bool) {
      expect_readable(now, crypt_of(lv_at(now.vg, "old")) != nullptr);
    });
  }

  std::vector<std::byte> master_key_;
  std::vector<std::byte> payload_;
};

TEST_F(FailingImport, LeavesAVolumeThatOpensWhereTheHeaderIsCopied) {
  fail_import(4041);
}

TEST_F(FailingImport, LeavesAVolumeThatOpensWhereTheHeaderStaysInPlace) {
  fail_import(4096);
}

}  // namespace
}  // namespace cv
