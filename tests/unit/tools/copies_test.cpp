// Copies of keystores while physical volumes come and go. Whole commands on files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/store.h"
#include "metadata/store_bytes.h"
#include "metadata/usage.h"
#include "tests/unit/tools/command_harness.h"

using namespace cv;
using namespace cv::metadata;
using test::Workshop;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

class CopiesOfStores : public testing::Test {
 protected:
  CopiesOfStores() {
    for (const char* name : {"pv0", "pv1", "pv2", "pv3"}) disks_.push_back(workshop_.disk(name, 24));
    test::write_file(workshop_.path("key"), std::string_view("key"));
    must({"pvcreate", disks_[0], disks_[1], disks_[2], disks_[3]});
  }

  test::Outcome run(std::vector<std::string> words) { return workshop_.run(std::move(words)); }
  test::Outcome must(std::vector<std::string> words) {
    auto outcome = run(std::move(words));
    EXPECT_EQ(outcome.error, "") << outcome.messages;
    return outcome;
  }
  /// vg0 on the first so many disks with the encrypted volume "home" on the first.
  void group(unsigned disks, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"vgcreate", "-s", "1m", "vg0"};
    words.insert(words.end(), disks_.begin(), disks_.begin() + disks);
    must(std::move(words));
    words = {"cvcreate",
             "-an",
             "--crypt",
             "--handler",
             "luks1",
             "--pbkdf",
             "pbkdf2",
             "--pbkdf-force-iterations",
             "1000",
             "--keyfile",
             workshop_.path("key"),
             "-l",
             "1",
             "-n",
             "home"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"vg0", disks_[0]});
    must(std::move(words));
  }

  /// The disks with copies; every one of them is intact, and the key opens the store.
  std::vector<unsigned> places() {
    std::vector<unsigned> places;
    std::vector<std::unique_ptr<device::BlockDevice>> devices;
    for (const auto& disk : disks_)
      if (std::filesystem::exists(disk))
        devices.push_back(device::open_device(disk, device::Access::read_only));
    MetadataStore store(std::move(devices), {});
    const Scan scan = store.scan();
    const FoundGroup& group = group_at(scan, "vg0");
    const LogicalVolume& lv = lv_at(group.vg, "cryptostore1");
    for (const StoreCopy& copy : read_copies(group.vg, group.devices, lv))
      EXPECT_TRUE(copy.intact) << copy.number << ": " << copy.flaw;
    for (const Area& area : keystore_of(lv)->copies) {
      const PvId pv = pvs_of(lv_at(group.vg, std::get<LogicalArea>(area).lv)).front();
      const auto path = group.devices.at(pv)->path();
      places.push_back(static_cast<unsigned>(std::ranges::find(disks_, path) - disks_.begin()));
    }
    EXPECT_EQ(run({"cvkey", "test", "--keyfile", workshop_.path("key"), "vg0/cryptostore1"}).error, "");
    std::ranges::sort(places);
    return places;
  }
  /// Whether the disk has the magic of a LUKS header or of a trailer anywhere.
  bool has_traces(unsigned disk) {
    const auto bytes = test::read_file(disks_[disk]);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.find("LUKS\xba\xbe") != std::string_view::npos ||
           text.find("CVMSTORE") != std::string_view::npos;
  }
  void lose(unsigned disk) { std::filesystem::remove(disks_[disk]); }

  Workshop workshop_;
  std::vector<std::string> disks_;
};

using Places = std::vector<unsigned>;

TEST_F(CopiesOfStores, ComeWithNewDisksUpToThree) {
  group(1);
  ASSERT_EQ(places(), (Places{0}));

  EXPECT_THAT(must({"vgextend", "vg0", disks_[1]}).messages, HasSubstr("has 2 copies now"));
  EXPECT_EQ(places(), (Places{0, 1}));
  EXPECT_THAT(must({"vgextend", "vg0", disks_[2], disks_[3]}).messages, HasSubstr("has 3 copies now"));
  EXPECT_EQ(places().size(), 3U);
}

TEST_F(CopiesOfStores, StayAsManyAsWereAskedFor) {
  group(1, {"--copies", "1"});

  EXPECT_THAT(must({"vgextend", "vg0", disks_[1]}).messages, Not(HasSubstr("copies")));
  EXPECT_EQ(places(), (Places{0}));
  must({"cvconvert", "--copies", "2", "vg0/cryptostore1"});
  EXPECT_EQ(places(), (Places{0, 1}));
  EXPECT_THAT(must({"vgextend", "vg0", disks_[2]}).messages, Not(HasSubstr("copies")));
  EXPECT_EQ(places(), (Places{0, 1}));
}

TEST_F(CopiesOfStores, LeaveADiskThatLeavesAndNothingStaysThere) {
  group(3, {"--copies", "2"});
  const auto before = places();
  ASSERT_EQ(before.size(), 2U);
  const unsigned leaving = before[1];
  ASSERT_NE(leaving, 0U);

  EXPECT_THAT(must({"vgreduce", "--test", "vg0", disks_[leaving]}).messages, HasSubstr("would move"));
  const auto outcome = must({"vgreduce", "vg0", disks_[leaving]});

  EXPECT_THAT(outcome.messages, HasSubstr("cryptostore1 has its copies elsewhere now"));
  EXPECT_EQ(places(), (Places{0, 3 - leaving}));
  EXPECT_FALSE(has_traces(leaving));
  EXPECT_THAT(must({"cvck", "vg0"}).output, Not(HasSubstr("STORE-")));
}

TEST_F(CopiesOfStores, BecomeFewerWhereNoOtherDiskHasRoomButNeverNone) {
  group(2);
  ASSERT_EQ(places(), (Places{0, 1}));

  EXPECT_THAT(must({"vgreduce", "vg0", disks_[1]}).messages, HasSubstr("goes on with 1 copy instead of 2"));
  EXPECT_EQ(places(), (Places{0}));
  EXPECT_FALSE(has_traces(1));
}

TEST_F(CopiesOfStores, AreCopiedAnewWhereADiskIsLost) {
  group(3, {"--copies", "2"});
  const unsigned lost = places()[1];
  ASSERT_NE(lost, 0U);
  lose(lost);
  workshop_.look_only_at(disks_[0] + "," + disks_[3 - lost] + "," + disks_[3]);

  EXPECT_EQ(run({"cvkey", "erase", "--force", "vg0/cryptostore1"}).status, 5);
  EXPECT_THAT(must({"vgreduce", "--removemissing", "vg0"}).messages,
              AllOf(HasSubstr("whoever finds that disk"), HasSubstr("Wrote out consistent")));
  EXPECT_EQ(places(), (Places{0, 3 - lost}));
  must({"cvkey", "erase", "--force", "vg0/cryptostore1"});
}

TEST_F(CopiesOfStores, GiveWayWhereFewerAreWanted) {
  group(4, {"--copies", "4"});
  ASSERT_EQ(places(), (Places{0, 1, 2, 3}));

  must({"cvconvert", "--copies", "2", "vg0/cryptostore1"});

  const auto left = places();
  EXPECT_EQ(left.size(), 2U);
  for (unsigned disk = 0; disk < disks_.size(); ++disk)
    EXPECT_EQ(has_traces(disk), std::ranges::count(left, disk) == 1) << disk;
}

TEST_F(CopiesOfStores, AreRefusedWhereTheyCantBe) {
  group(2);
  must({"cvcreate", "-an", "--crypt", "--handler", "hashed", "--pbkdf-force-iterations", "1000", "--keyfile",
        workshop_.path("key"), "-l", "1", "-n", "bare", "vg0"});
  const auto refused = [&](const char* count, const char* store) {
    return run({"cvconvert", "--copies", count, store});
  };

  EXPECT_EQ(refused("3", "vg0/cryptostore1").id, "CV-NO-SPACE");
  EXPECT_EQ(refused("0", "vg0/cryptostore1").status, 3);
  EXPECT_EQ(refused("17", "vg0/cryptostore1").status, 3);
  EXPECT_EQ(refused("2", "vg0/cryptostore2").status, 5);
  EXPECT_EQ(refused("2", "vg0/home").status, 5);
  EXPECT_EQ(places(), (Places{0, 1}));
}

}  // namespace
