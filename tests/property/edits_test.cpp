// Random sequences of edits: whatever they do, extents and IVs are never used twice.
//
// CVM_SEED=N repeats a run; the seed is part of every failure's message.
#include <cstdlib>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "metadata/check.h"
#include "metadata/group_text.h"
#include "metadata/iv_space.h"
#include "metadata/usage.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::IsEmpty;

class RandomEdits {
 public:
  explicit RandomEdits(std::uint64_t seed) : random_(seed), ids_(counting_ids()) {
    vg_ = group_with({40, 60, 25});
    vg_.extent_size = pick(2) == 0 ? Sectors(8192) : Sectors(256);
    for (PhysicalVolume& pv : vg_.pvs) pv.dev_size = pv.pe_start + to_sectors(pv.pe_count, vg_.extent_size);
  }

  /// One edit; those that can't be done for want of space change nothing.
  void step() {
    const VolumeGroup before = vg_;
    try {
      edit();
    } catch (const Error& error) {
      ASSERT_TRUE(error.code() == Errc::no_space || error.code() == Errc::refused) << error.what();
      ASSERT_EQ(vg_, before);
    }
    remember_ivs();
  }

  const VolumeGroup& vg() const { return vg_; }

 private:
  std::uint64_t pick(std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_);
  }

  std::string some_store() const {
    for (const LogicalVolume& lv : vg_.lvs)
      if (keystore_of(lv) != nullptr && !keystore_of(lv)->erasing) return lv.name;
    return {};
  }

  void edit() {
    std::vector<std::string> visible;
    for (const LogicalVolume& lv : vg_.lvs)
      if (is_visible(lv)) visible.push_back(lv.name);
    const std::string name = "v" + std::to_string(next_++);
    switch (pick(visible.empty() ? 3 : 6)) {
      case 0: {
        NewVolume wanted = volume_called(name, 1 + pick(8));
        wanted.placement.stripes = 1 + static_cast<std::uint32_t>(pick(3));
        wanted.placement.stripe_size = Sectors(128);
        vg_ = create_plain(vg_, wanted, ids_);
        break;
      }
      case 1: {
        NewKeystore store = pick(2) == 0 ? luks_store("cryptostore" + std::to_string(next_))
                                         : plain_store("cryptostore" + std::to_string(next_));
        store.region = store.region.n == 0 ? Bytes(0) : Bytes(100000);
        if (pick(3) == 0) store.sector_bytes = 4096;
        if (pick(3) == 0) store.cipher = "aes-xts-plain";
        VolumeGroup vg = create_store(vg_, store, ids_);
        vg_ = create_crypt(vg, crypt_volume(name, 1 + pick(6), store.name), ids_);
        break;
      }
      case 2: {
        const std::string store = some_store();
        if (!store.empty()) vg_ = create_crypt(vg_, crypt_volume(name, 1 + pick(6), store), ids_);
        break;
      }
      case 3:
      case 4: vg_ = extend(vg_, visible[pick(visible.size())], Extents(1 + pick(5)), {}); break;
      default: {
        vg_ = remove_volume(vg_, visible[pick(visible.size())], pick(2) == 0);
        for (const std::string& store : stores_being_erased(vg_)) vg_ = remove_store(vg_, store);
        break;
      }
    }
  }

  /// An IV range that appears must be one that this store never had, whoever used it.
  void remember_ivs() {
    for (const LogicalVolume& lv : vg_.lvs) {
      for (const Segment& segment : lv.segments) {
        const auto* crypt = std::get_if<Crypt>(&segment.kind);
        if (crypt == nullptr) continue;
        const SectorRange range = iv_range(vg_, lv, segment);
        const LvId store = lv_at(vg_, crypt->store).id;
        SectorSet& own = of_volume_[{store, lv.id}];
        SectorSet fresh;
        fresh.add(range);
        for (const SectorRange& known : own.ranges()) fresh.remove(known);
        for (const SectorRange& added : fresh.ranges()) {
          ASSERT_FALSE(of_store_[store].overlap(added)) << lv.name << " uses IVs again";
          of_store_[store].add(added);
          own.add(added);
        }
      }
    }
  }

  std::mt19937_64 random_;
  NewId ids_;
  VolumeGroup vg_;
  std::uint64_t next_ = 0;
  std::map<LvId, SectorSet> of_store_;
  std::map<std::pair<LvId, LvId>, SectorSet> of_volume_;
};

std::uint64_t first_seed() {
  const char* given = std::getenv("CVM_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

TEST(Edits, NeverUseAnExtentOrAnIvTwiceAndPrintWhatTheyRead) {
  const std::uint64_t seed = first_seed();
  for (std::uint64_t run = 0; run < 40; ++run) {
    SCOPED_TRACE("CVM_SEED=" + std::to_string(seed + run));
    RandomEdits edits(seed + run);
    for (int step = 0; step < 60; ++step) {
      edits.step();
      if (::testing::Test::HasFatalFailure()) return;
      std::vector<Damage> damage = check(edits.vg());
      std::erase_if(damage, [](const Damage& one) { return one.severity == Severity::warning; });
      ASSERT_THAT(damage, IsEmpty());
      Extents used;
      for (const PvUsage& pv : usage_of(edits.vg()).pvs)
        for (const Taken& taken : pv.taken) used += taken.extents.length();
      ASSERT_EQ(used + free_extents(edits.vg()), Extents(125));
    }
    EXPECT_EQ(read_group(print_group(edits.vg(), {})), edits.vg());
  }
}

}  // namespace
}  // namespace cv::metadata
