// Volumes of types that only LVM2 manages, renamed, tagged and removed by us on disks that it made: it finds
// nothing wrong with the group after each step and sees the same volumes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "lib/base/error.h"
#include "metadata/edit_properties.h"
#include "metadata/edit_remove.h"
#include "metadata/edit_rename.h"
#include "metadata/references.h"
#include "tests/interop/disk/stock_lvm.h"
#include "tests/support/fixture_disk.h"

namespace cv::metadata {
namespace {

using test::StockLvm;

constexpr Bytes kSize(128 << 20);

class ForeignTypes : public testing::TestWithParam<const char*> {
 protected:
  ForeignTypes()
      : disks_(test::fixture_disks(GetParam())), lvm_(static_cast<unsigned>(disks_.size()), kSize) {
    for (std::size_t i = 0; i < disks_.size(); ++i) {
      const auto device = device::open_device(lvm_.device(i), device::Access::read_write);
      device->write(Bytes(0), disks_[i]->content());
      device->flush();
    }
    vg_ = lvm_.must("vgs --noheadings -o vg_name");
  }

  void change(const std::function<VolumeGroup(VolumeGroup)>& edit) {
    {
      auto store = lvm_.store();
      auto tx = store.begin(vg_);
      tx.prepare(edit(tx.current()), "changed by a test");
      tx.commit();
    }
    judge(current());
  }

  void judge(const VolumeGroup& vg) {
    const auto vgck = lvm_.run("vgck " + vg_);
    EXPECT_EQ(vgck.status, 0) << vgck.output;
    std::set<std::string> theirs;
    std::istringstream words(lvm_.must("lvs -a --noheadings -o lv_uuid " + vg_));
    for (std::string word; words >> word;) theirs.insert(word);
    for (const LogicalVolume& lv : vg.lvs) {
      // What ties a snapshot to its origin is not shown.
      const bool is_tie = std::string_view(lv.name).starts_with("snapshot");
      EXPECT_TRUE(is_tie || theirs.contains(lv.id.text())) << lv.name;
      theirs.erase(lv.id.text());
    }
    EXPECT_TRUE(theirs.empty()) << "volumes that only LVM2 sees";
  }

  VolumeGroup current() { return lvm_.store().read(vg_).group.vg; }

  std::vector<test::Disk> disks_;
  StockLvm lvm_;
  std::string vg_;
};

TEST_P(ForeignTypes, AreRenamedAndTagged) {
  unsigned number = 0;
  for (const std::string& name : in_order_of_removal(current())) {
    const std::string other = fmt::format("other-{}", number++);
    change([&](VolumeGroup vg) { return rename_volume(std::move(vg), name, other); });
    change([&](VolumeGroup vg) { return change_properties(std::move(vg), other, {.add_tags = {"ours"}}); });

    EXPECT_EQ(lvm_.must("lvs --noheadings -o lv_tags " + vg_ + "/" + other), "ours");
  }
  EXPECT_GT(number, 0U);
}

TEST_P(ForeignTypes, GoOneAfterTheOther) {
  unsigned removed = 0;
  unsigned refused = 0;
  for (const std::string& name : in_order_of_removal(current())) {
    try {
      change([&](VolumeGroup vg) { return remove_volume(std::move(vg), name, false); });
      ++removed;
    } catch (const Error& error) {
      // A pool takes one message, and stays while it holds volumes.
      ASSERT_TRUE(error.code() == Errc::refused) << error.what();
      ++refused;
    }
  }

  EXPECT_GT(removed, 0U);
  const bool has_thin = std::string(GetParam()) == "thin" || std::string(GetParam()) == "history";
  EXPECT_EQ(refused > 0, has_thin);
  EXPECT_EQ(lvm_.must("lvs -a --noheadings " + vg_).empty(), !has_thin);
}

TEST_P(ForeignTypes, GoAllAtOnce) {
  change([&](VolumeGroup vg) {
    const auto names = in_order_of_removal(vg);
    return remove_volumes(std::move(vg), names, false);
  });

  EXPECT_EQ(lvm_.must("lvs -a --noheadings " + vg_), "");
}

/// Pools stay, with a message for each volume that they held.
TEST_P(ForeignTypes, GoAllAtOnceButForPools) {
  change([&](VolumeGroup vg) {
    auto names = in_order_of_removal(vg);
    std::erase_if(names, [&](const std::string& name) { return type_of(lv_at(vg, name)) == "thin-pool"; });
    return remove_volumes(std::move(vg), names, false);
  });

  const bool has_thin = std::string(GetParam()) == "thin" || std::string(GetParam()) == "history";
  EXPECT_EQ(lvm_.must("lvs -a --noheadings " + vg_).empty(), !has_thin);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ForeignTypes,
                         testing::Values("thin", "cache", "raid", "snapshot", "mirror", "history"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace cv::metadata
