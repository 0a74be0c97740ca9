// LVM2's devices file, read and kept up to date.
#include "lib/device/devices_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/device/text_file.h"
#include "tests/support/temp_dir.h"

namespace cv::device {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kStock =
    "# LVM uses devices listed in this file.\n"
    "# Created by LVM command vgcreate pid 1427 at Fri Nov 20 09:29:35 2026\n"
    "VERSION=1.1.2\n"
    "IDTYPE=loop_file IDNAME=/run/p0.img DEVNAME=/dev/loop0 PVID=JdE4U15MTfn7hdXRk33YatFxd67ksP1h\n"
    "IDTYPE=sys_wwid IDNAME=naa.5000 DEVNAME=/dev/sda1 PVID=. PART=1\n";
const ListedDevice kLoop{.id = {.type = "loop_file", .name = "/run/p0.img", .part = 0},
                         .path = "/dev/loop0",
                         .pv_id = "JdE4U15MTfn7hdXRk33YatFxd67ksP1h"};
const ListedDevice kDisk{
    .id = {.type = "sys_wwid", .name = "naa.5000", .part = 1}, .path = "/dev/sda1", .pv_id = ""};

TEST(DevicesFile, IsReadAsLvm2WritesIt) {
  EXPECT_THAT(parse_devices_file(kStock), ElementsAre(kLoop, kDisk));
}

TEST(DevicesFile, PassesOverWhatItDoesNotKnow) {
  EXPECT_THAT(parse_devices_file(""), IsEmpty());
  EXPECT_THAT(parse_devices_file("SYSTEMID=here\nIDTYPE=x\n#IDTYPE=x IDNAME=y\n\n  \nHASH=12\n"), IsEmpty());
  EXPECT_THAT(parse_devices_file("IDTYPE=devname IDNAME=/dev/x PART=no DEVNAME=."),
              ElementsAre(ListedDevice{.id = {"devname", "/dev/x", 0}, .path = "", .pv_id = ""}));
}

TEST(DevicesFile, GetsALineForANewPv) {
  const ListedDevice added{.id = {"devname", "/dev/sdx", 0}, .path = "/dev/sdx", .pv_id = "abc"};

  const auto text = with_change(kStock, {.pvs = {added}, .gone_pv_ids = {}});

  EXPECT_THAT(parse_devices_file(text), ElementsAre(kLoop, kDisk, added));
  EXPECT_NE(text.find("VERSION=1.1.3\n"), std::string::npos);
  EXPECT_EQ(text.find("VERSION=1.1.2"), std::string::npos);
  EXPECT_TRUE(text.starts_with("# LVM uses devices listed in this file.\n"));
  EXPECT_TRUE(text.ends_with("IDTYPE=devname IDNAME=/dev/sdx DEVNAME=/dev/sdx PVID=abc\n"));
}

TEST(DevicesFile, ChangesTheLineOfADeviceThatItHas) {
  auto disk = kDisk;
  disk.path = "/dev/sdb1";
  disk.pv_id = kLoop.pv_id;  // copied from there: a PV is on one device only
  auto loop = kLoop;
  loop.pv_id.clear();

  EXPECT_THAT(parse_devices_file(with_change(kStock, {.pvs = {disk}, .gone_pv_ids = {}})),
              ElementsAre(loop, disk));
}

TEST(DevicesFile, ForgetsAPvAndKeepsItsDevice) {
  auto loop = kLoop;
  loop.pv_id.clear();

  const auto text = with_change(kStock, {.pvs = {}, .gone_pv_ids = {kLoop.pv_id}});

  EXPECT_THAT(parse_devices_file(text), ElementsAre(loop, kDisk));
  EXPECT_NE(text.find("DEVNAME=/dev/loop0 PVID=.\n"), std::string::npos);
}

TEST(DevicesFile, MayBeEmptyAtFirst) {
  EXPECT_EQ(with_change("", {.pvs = {kLoop}, .gone_pv_ids = {}}),
            "VERSION=1.1.1\n"
            "IDTYPE=loop_file IDNAME=/run/p0.img DEVNAME=/dev/loop0 "
            "PVID=JdE4U15MTfn7hdXRk33YatFxd67ksP1h\n");
}

TEST(DevicesFile, HasOneLineForADeviceThatGetsABetterName) {
  const ListedDevice by_path{
      .id = {.type = "devname", .name = "/dev/loop0", .part = 0}, .path = "/dev/loop0", .pv_id = ""};
  auto text = with_change("", {.pvs = {by_path}, .gone_pv_ids = {}});
  text += text;

  EXPECT_THAT(parse_devices_file(with_change(text, {.pvs = {kLoop}, .gone_pv_ids = {}})), ElementsAre(kLoop));
}

TEST(DevicesFile, StaysAsItIsWhereNothingIsToBeChanged) {
  EXPECT_EQ(with_change(kStock, {.pvs = {kLoop}, .gone_pv_ids = {"another"}}), kStock);
  EXPECT_EQ(with_change("", {.pvs = {}, .gone_pv_ids = {}}), "");
}

TEST(DevicesFile, IsReplacedUnderItsLock) {
  const test::TempDir room;
  const std::string path = room.path("test.devices");
  auto disk = kDisk;
  disk.pv_id = "abc";
  test::write_file(path, std::string_view(kStock));
  const LockSettings locks{.directory = room.path("locks"), .enabled = true, .wait = false};

  const DevicesFileChange change{.pvs = {disk}, .gone_pv_ids = {kLoop.pv_id}};

  change_devices_file(path, locks, change);

  const auto text = *read_text_file(path);
  EXPECT_NE(text.find("VERSION=1.1.3"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_TRUE(std::filesystem::exists(room.path("locks/D_test.devices")));

  const Fd held(::open(room.path("locks/D_test.devices").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX | LOCK_NB), 0) << "the lock was left behind";
  EXPECT_THROW(change_devices_file(path, locks, {.pvs = {}, .gone_pv_ids = {"abc"}}), Error);
  EXPECT_EQ(*read_text_file(path), text);
}

TEST(DeviceIds, AreThePathsOfWhatIsNoBlockDevice) {
  EXPECT_EQ(device_id_of("/dev/null"), (DeviceId{.type = "devname", .name = "/dev/null", .part = 0}));
  EXPECT_EQ(device_id_name("/nowhere", "sys_wwid"), std::nullopt);
  EXPECT_EQ(device_id_name("/nowhere", "invented"), std::nullopt);
  EXPECT_EQ(partition_number("/nowhere"), 0U);
}

}  // namespace
}  // namespace cv::device
