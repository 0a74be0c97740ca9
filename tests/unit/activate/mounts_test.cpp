// Where file systems and swap on a device are in use.
#include "activate/mounts.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace cv::activate {

using namespace cv::test;

TEST(Mounts, AreFoundByTheNumberOfTheDevice) {
  TempDir dir;
  write_file(dir.path("mountinfo"),
             "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
             "30 22 253:4 / /mnt/a\\040disk rw shared:1 master:2 - ext4 /dev/mapper/vg0-tst rw\n"
             "31 22 253:4 /sub /mnt/b rw - ext4 /dev/mapper/vg0-tst rw\n"
             "short\n");

  EXPECT_EQ(mount_points({253, 4}, dir.path("mountinfo")),
            (std::vector<std::string>{"/mnt/a disk", "/mnt/b"}));
  EXPECT_EQ(former_source({253, 4}, dir.path("mountinfo")), "/dev/mapper/vg0-tst");
  EXPECT_FALSE(former_source({253, 5}, dir.path("mountinfo")));
  EXPECT_TRUE(mount_points({253, 5}, dir.path("mountinfo")).empty());
  EXPECT_TRUE(mount_points({253, 4}, dir.path("nothing")).empty());
}

TEST(Mounts, OfFileSystemsWithNumbersOfTheirOwnAreFoundByTheirDevice) {
  const auto is_found = [](const std::string& source) {
    TempDir dir;
    write_file(dir.path("mountinfo"), "30 22 0:45 / /data rw - btrfs " + source + " rw\n");
    return !mount_points({7, 0}, dir.path("mountinfo")).empty();
  };
  EXPECT_FALSE(is_found("/dev/null"));
  EXPECT_FALSE(is_found("/dev/no-such-device"));
  EXPECT_FALSE(is_found("none"));
}

}  // namespace cv::activate
