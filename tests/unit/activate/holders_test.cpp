// Who keeps a device open.
#include "activate/holders.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace cv::activate {

using namespace cv::test;

TEST(Holders, NamesMountPointsAndDevicesAbove) {
  TempDir dir;
  std::filesystem::create_directories(dir.path("sys/dev/block/253:4/holders/dm-7/dm"));
  std::filesystem::create_directories(dir.path("sys/dev/block/253:4/holders/md0"));
  write_file(dir.path("sys/dev/block/253:4/holders/dm-7/dm/name"), "luks-home\n");
  std::filesystem::create_directories(dir.path("proc/self"));
  write_file(dir.path("proc/self/mountinfo"),
             "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
             "30 22 253:4 / /mnt/a\\040disk rw - ext4 /dev/mapper/vg0-tst rw\n");
  write_file(dir.path("proc/swaps"), "Filename Type Size Used Priority\n");
  const SystemFiles files{dir.path("sys"), dir.path("proc")};

  EXPECT_EQ(holders_of({253, 4}, files), "mounted on /mnt/a disk, used by luks-home and md0");
  EXPECT_EQ(holders_of({253, 5}, files), "");
}

TEST(Holders, NameProcessesThatMountItWhereWeDoNotLook) {
  TempDir dir;
  for (const std::string process : {"self", "17", "170", "171", "172", "173", "9"})
    std::filesystem::create_directories(dir.path("proc/" + process));
  for (const std::string process : {"17", "170", "171", "172", "173"}) {
    write_file(dir.path("proc/" + process + "/mountinfo"), "30 22 253:4 / /mnt rw - ext4 /dev/dm-4 rw\n");
    write_file(dir.path("proc/" + process + "/comm"), "box\n");
  }

  EXPECT_EQ(
      holders_of({253, 4}, {dir.path("sys"), dir.path("proc")}),
      "mounted in the mount namespace of box (17) and box (170) and box (171) and box (172) and 1 more");
}

}  // namespace cv::activate
