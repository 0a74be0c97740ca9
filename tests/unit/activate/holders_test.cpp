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
  write_file(dir.path("mountinfo"),
             "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
             "30 22 253:4 / /mnt/a\\040disk rw - ext4 /dev/mapper/vg0-tst rw\n");
  write_file(dir.path("swaps"), "Filename Type Size Used Priority\n");

  EXPECT_EQ(holders_of({253, 4}, dir.path("sys"), dir.path("mountinfo"), dir.path("swaps")),
            "mounted on /mnt/a disk, used by luks-home and md0");
  EXPECT_EQ(holders_of({253, 5}, dir.path("sys"), dir.path("mountinfo"), dir.path("swaps")), "");
}

}  // namespace cv::activate
