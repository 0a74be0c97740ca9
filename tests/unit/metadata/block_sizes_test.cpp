// Devices with larger blocks in one group with others.
#include "metadata/block_sizes.h"

#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "metadata/edit_pvs.h"
#include "tests/support/fixture_disk.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

const BlocksOfDevice kSmall{"/dev/small", Bytes(512)};
const BlocksOfDevice kLarge{"/dev/large", Bytes(4096)};
constexpr Sectors kExtent{8192};

std::string refusal(const std::vector<BlocksOfDevice>& members, const std::vector<BlocksOfDevice>& joining,
                    Sectors extent, bool mixed) {
  try {
    require_fitting_blocks(members, joining, extent, mixed);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::refused);
    return error.what();
  }
}

TEST(BlockSizes, AreTheSameInAGroupUnlessOthersAreAllowed) {
  EXPECT_EQ(refusal({kSmall}, {kSmall}, kExtent, false), "");
  EXPECT_EQ(refusal({kLarge}, {kLarge}, kExtent, false), "");
  EXPECT_EQ(refusal({}, {kLarge, kSmall}, kExtent, false),
            "/dev/small has blocks of 512 bytes, /dev/large has blocks of 4096");
  EXPECT_EQ(refusal({kSmall}, {kLarge}, kExtent, false),
            "/dev/large has blocks of 4096 bytes, /dev/small has blocks of 512");
  EXPECT_EQ(refusal({kSmall}, {kLarge}, kExtent, true), "");
}

TEST(BlockSizes, OfMembersAreNotJudged) {
  EXPECT_EQ(refusal({kSmall, kLarge}, {kSmall, kLarge}, kExtent, false), "");
  EXPECT_EQ(refusal({kSmall, kLarge}, {}, Sectors(2), false), "");
}

TEST(BlockSizes, AreNoLargerThanAnExtentWhateverIsAllowed) {
  EXPECT_EQ(refusal({}, {kSmall}, Sectors(2), true), "");
  EXPECT_NE(refusal({}, {kLarge}, Sectors(2), true), "");
  EXPECT_NE(refusal({}, {kLarge}, Sectors(12), true), "");
  EXPECT_EQ(refusal({}, {kLarge}, Sectors(8), true), "");
}

TEST(Transaction, TakesNoPvWithOtherBlocks) {
  auto disks = test::disks_with_pvs(1);
  auto large = test::disks_with_pvs(2, Bytes(4 << 20), Bytes(4096));
  disks.push_back(std::move(large[1]));
  for (const bool allowed : {false, true}) {
    auto options = test::quiet_options();
    options.allow_mixed_block_sizes = allowed;
    auto store = test::store_on(disks, options);
    auto change = store.begin_new("vg0");
    auto vg = test::group_with({});
    vg.extent_size = Sectors(128);
    for (const auto& disk : disks) vg.pvs.push_back(change.new_member(disk->path(), vg.extent_size));

    if (!allowed) {
      EXPECT_THROW(change.prepare(vg, "created"), Error);
      EXPECT_TRUE(store.scan().groups.empty());
      continue;
    }
    change.prepare(vg, "created");
    change.commit();
    EXPECT_EQ(store.scan().groups.at(0).vg.pvs.size(), 2U);
  }
}

}  // namespace
}  // namespace cv::metadata
