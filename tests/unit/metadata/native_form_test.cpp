// From the RFC's form to the native one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/edit.h"
#include "metadata/iv_space.h"
#include "metadata/usage.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NativeForm, MovesNoExtentAndStatesEveryIv) {
  const VolumeGroup seed = rfc_group();

  const VolumeGroup vg = to_native(seed, counting_ids());

  EXPECT_TRUE(is_native(vg));
  EXPECT_EQ(free_extents(vg), free_extents(seed));
  EXPECT_THAT(names_of(vg), ElementsAre("tst_crdata", "luks1_crdata", "cryptostore2_crdata", "cryptostore1",
                                        "cryptostore2", "tst", "luks1"));
  const auto& data = std::get<Striped>(lv_at(vg, "tst_crdata").segments.front().kind);
  EXPECT_EQ(std::get<PhysicalArea>(data.stripes.front()), (PhysicalArea{seed.pvs[2].id, Extents(12)}));
  EXPECT_EQ(crypt_in(vg, "tst").iv_offset, Sectors(0));
  EXPECT_EQ(store_in(vg).iv_next, Sectors(4 * 8192));
  EXPECT_EQ(size_of(lv_at(vg, "cryptostore1")), Extents(1));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(NativeForm, OfANativeGroupIsTheSameGroup) {
  const VolumeGroup vg = group_with_crypt();

  EXPECT_EQ(to_native(vg, counting_ids()), vg);
}

TEST(NativeForm, KeepsTheWarningThatTwoRfcVolumesShareIvsAndNeverLengthensIt) {
  VolumeGroup seed = rfc_group();
  std::get<Crypt>(find_lv(seed, "luks1")->segments.front().kind).store = "cryptostore1";
  find_lv(seed, "cryptostore1")->segments.front().count = Extents(1);
  std::get<Keystore>(find_lv(seed, "cryptostore1")->segments.front().kind).cipher = "aes-xts-plain64";

  VolumeGroup vg = to_native(seed, counting_ids());
  vg = extend(vg, "tst", Extents(2), {});
  vg = extend(vg, "luks1", Extents(2), {});

  EXPECT_GE(*crypt_in(vg, "tst", 1).iv_offset, kIvWindow);
  EXPECT_GE(*crypt_in(vg, "luks1", 1).iv_offset, kIvWindow);
  const auto damage = check(vg);
  EXPECT_EQ(std::ranges::count(damage, "IV-OVERLAP-SEED", &Damage::id), 1);
  EXPECT_EQ(std::ranges::count(damage, Severity::error, &Damage::severity), 0);
}

}  // namespace
}  // namespace cv::metadata
