// Which devices are looked at: a sysfs of our own.
#include "lib/device/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lib/base/error.h"
#include "tests/support/temp_dir.h"

namespace cv::device {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CandidateDevices : public testing::Test {
 protected:
  /// A node below /sys/block and its file below /dev.
  void add(const std::string& node, std::uint64_t sectors, const std::string& dev_name = "") {
    set(node, "size", std::to_string(sectors));
    const auto name = dev_name.empty() ? std::filesystem::path(node).filename().string() : dev_name;
    std::filesystem::create_directories(std::filesystem::path(dir_.path("dev/" + name)).parent_path());
    test::write_file(dir_.path("dev/" + name), std::string_view());
  }
  void set(const std::string& node, const std::string& attribute, const std::string& value) {
    const std::filesystem::path path = dir_.path("sys/block/" + node + "/" + attribute);
    std::filesystem::create_directories(path.parent_path());
    test::write_file(path.string(), std::string_view(value + "\n"));
  }
  std::vector<std::string> found() const {
    auto paths = candidate_devices({.sysfs = dir_.path("sys"), .dev = dir_.path("dev")});
    for (auto& path : paths) path = path.substr(dir_.path("dev/").size());
    return paths;
  }

  test::TempDir dir_;
};

TEST_F(CandidateDevices, AreDisksThatAreLargeEnough) {
  add("vda", 2097152);
  add("sdb", 1023);
  add("sdc", 0);
  add("sdd", 1024);

  EXPECT_THAT(found(), ElementsAre("sdd", "vda"));
}

TEST_F(CandidateDevices, ArePartitionsInsteadOfTheirDisk) {
  add("sda", 2097152);
  add("sda/sda1", 1048576);
  set("sda/sda1", "partition", "1");
  add("sda/sda2", 2);
  set("sda/sda2", "partition", "2");

  EXPECT_THAT(found(), ElementsAre("sda1"));
}

TEST_F(CandidateDevices, AreLoopDevicesWithAFile) {
  add("loop0", 131072);
  set("loop0", "loop/backing_file", "/tmp/pv");
  add("loop1", 131072);

  EXPECT_THAT(found(), ElementsAre("loop0"));
}

TEST_F(CandidateDevices, AreDmDevicesThatAreNoVolumes) {
  add("dm-0", 131072, "mapper/vg0-lv");
  set("dm-0", "dm/name", "vg0-lv");
  set("dm-0", "dm/uuid", "LVM-abc");
  add("dm-1", 131072, "mapper/luks-home");
  set("dm-1", "dm/name", "luks-home");
  set("dm-1", "dm/uuid", "CRYPT-LUKS2-abc");
  add("dm-2", 131072, "mapper/stopped");
  set("dm-2", "dm/name", "stopped");
  set("dm-2", "dm/uuid", "mpath-abc");
  set("dm-2", "dm/suspended", "1");

  EXPECT_THAT(found(), ElementsAre("mapper/luks-home"));
}

TEST_F(CandidateDevices, AreNotMembersOfMdOrMultipath) {
  add("sda", 131072);
  set("sda", "holders/md0/size", "1");
  add("sdb", 131072);
  set("sdb", "holders/dm-5/dm/uuid", "mpath-3600");
  add("sdc", 131072);
  set("sdc", "holders/dm-6/dm/uuid", "LVM-abc");
  add("md0", 131072);

  EXPECT_THAT(found(), ElementsAre("md0", "sdc"));
}

TEST_F(CandidateDevices, AreNeverOpticalDrivesOrZram) {
  for (const auto* name : {"sr0", "fd0", "zram0", "ram0"}) add(name, 131072);

  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(CandidateDevices, HaveSlashesWhereSysfsHasNone) {
  add("cciss!c0d0", 131072, "cciss/c0d0");

  EXPECT_THAT(found(), ElementsAre("cciss/c0d0"));
}

TEST_F(CandidateDevices, AreNoneWithoutSysfs) {
  EXPECT_THAT(candidate_devices({.sysfs = dir_.path("none"), .dev = dir_.path("none")}), IsEmpty());
}

TEST(ListedDevices, AreFilesTooAndEachOnce) {
  const test::TempDir dir;
  test::write_file(dir.path("pv0"), std::string_view("x"));
  test::write_file(dir.path("pv1"), std::string_view("x"));
  std::filesystem::create_symlink(dir.path("pv0"), dir.path("link"));

  EXPECT_THAT(listed_devices({dir.path("pv1"), dir.path("pv0"), dir.path("link"), dir.path("pv1")}),
              ElementsAre(dir.path("pv1"), dir.path("pv0")));
  EXPECT_THROW(listed_devices({dir.path("none")}), Error);
  EXPECT_THROW(listed_devices({"/dev/null"}), Error);
}

TEST(HeldDevices, AreNeverRegularFiles) {
  const test::TempDir dir;
  test::write_file(dir.path("pv0"), std::string_view("x"));

  EXPECT_FALSE(is_held(dir.path("pv0")));
  EXPECT_FALSE(is_held(dir.path("none")));
  EXPECT_EQ(topology_of(dir.path("pv0")).optimal_io, Bytes(0));
}

}  // namespace
}  // namespace cv::device
