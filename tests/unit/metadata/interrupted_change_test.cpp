// Ctrl-C in the middle of a change: it waits until the change is complete.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/support/broken_split.h"
#include "tests/support/fixture_disk.h"

namespace cv::metadata {
namespace {

volatile std::sig_atomic_t arrived = 0;

/// A disk during whose every write somebody presses Ctrl-C.
class ImpatientDisk final : public device::BlockDevice {
 public:
  explicit ImpatientDisk(test::MemoryDevice& disk) : BlockDevice(disk.path()), disk_(disk) {}
  Bytes size() const override { return disk_.size(); }
  Bytes block_size() const override { return disk_.block_size(); }
  void read(Bytes at, std::span<std::byte> into) override { disk_.read(at, into); }
  void write(Bytes at, std::span<const std::byte> from) override {
    std::raise(SIGINT);
    EXPECT_EQ(arrived, 0) << "torn at " << at.n;
    disk_.write(at, from);
  }
  void flush() override { disk_.flush(); }

 private:
  test::MemoryDevice& disk_;
};

class InterruptedChange : public testing::Test {
 protected:
  InterruptedChange() {
    arrived = 0;
    former_ = std::signal(SIGINT, [](int) { arrived = arrived + 1; });
  }
  ~InterruptedChange() override { std::signal(SIGINT, former_); }

  MetadataStore impatient_store() const {
    return test::store_on(disks_, test::quiet_options(),
                          [](test::MemoryDevice& disk) { return std::make_unique<ImpatientDisk>(disk); });
  }

  std::vector<test::Disk> disks_ = test::disks_with_pvs(2);

 private:
  void (*former_)(int) = nullptr;
};

TEST_F(InterruptedChange, IsCompletedBeforeTheSignalTakesEffect) {
  {
    auto store = test::store_on(disks_);
    create_group(store, disks_);
  }
  auto store = impatient_store();
  {
    auto change = store.begin("vg0");
    change.prepare(test::with_volume(change.current(), "a", 1), "made a");
    EXPECT_EQ(arrived, 0) << "between the two it could leave the change half done";
    std::raise(SIGINT);
    EXPECT_EQ(arrived, 0);

    change.commit();
    EXPECT_EQ(arrived, 1);
  }
  EXPECT_EQ(store.scan().groups.at(0).vg.lvs.size(), 1U);
}

TEST_F(InterruptedChange, IsTakenBackBeforeTheSignalTakesEffect) {
  {
    auto store = test::store_on(disks_);
    create_group(store, disks_);
  }
  auto store = impatient_store();
  auto change = store.begin("vg0");
  change.prepare(test::with_volume(change.current(), "a", 1), "made a");

  change.abandon();

  EXPECT_EQ(arrived, 1);
  EXPECT_TRUE(store.scan().groups.at(0).vg.lvs.empty());
}

TEST_F(InterruptedChange, MayBeOneOfTwoThatBelongTogether) {
  {
    auto store = test::store_on(disks_);
    create_group(store, disks_);
  }
  auto store = impatient_store();
  {
    auto change = store.begin_with_new("vg0", "vg1", {.membership = true});
    test::prepare_split(change);

    change.other.commit();
    EXPECT_EQ(arrived, 0) << "the old group is still to go on without the PV";
    change.one.commit();
  }
  EXPECT_EQ(arrived, 1);
}

TEST_F(InterruptedChange, MayBeThatOfAPvOrTheRemovalOfAGroup) {
  {
    auto store = test::store_on(disks_);
    create_group(store, disks_);
  }
  auto store = impatient_store();
  {
    auto change = store.begin("vg0", {.membership = true, .despite = {}});
    change.remove_group();
  }
  EXPECT_EQ(arrived, 1);
  EXPECT_TRUE(store.scan().groups.empty());

  arrived = 0;
  store.remove_pv(disks_[0]->path());
  EXPECT_EQ(arrived, 1);

  arrived = 0;
  store.create_pv(disks_[0]->path(), {.id = PvId::random(), .layout = {}});
  EXPECT_EQ(arrived, 1);
}

}  // namespace
}  // namespace cv::metadata
