// Names and uuids of devices.
#include "activate/device_name.h"

#include <gtest/gtest.h>

#include "activate/device_number.h"
#include "lib/base/error.h"
#include "tests/support/group_builder.h"

namespace cv::activate {

TEST(DeviceName, DoublesEveryHyphenInsideAPart) {
  EXPECT_EQ(dm_name("vg0", "tst"), "vg0-tst");
  EXPECT_EQ(dm_name("my-vg", "a--b"), "my--vg-a----b");
  EXPECT_EQ(dm_name("vg", "lv.1+x"), "vg-lv.1+x");
}

TEST(DeviceName, AppendsALayer) {
  EXPECT_EQ(dm_name("vg-0", "lv", "real"), "vg--0-lv-real");
  EXPECT_EQ(dm_name("vg", "pool", "_tmeta"), "vg-pool_tmeta");
}

TEST(DeviceName, MakesLvm2sUuidOfBothIdsWithoutHyphens) {
  const auto vg = *VgId::parse("QkyQnM-vqtg-gpxV-6aCC-5vj6-ajiy-A3KfWJ");
  const auto lv = *LvId::parse("ONqIFB-p2vX-rQ2V-B9Yg-0kPB-uKbh-NWIssL");

  EXPECT_EQ(dm_uuid(vg, lv), "LVM-QkyQnMvqtggpxV6aCC5vj6ajiyA3KfWJONqIFBp2vXrQ2VB9Yg0kPBuKbhNWIssL");
  EXPECT_EQ(dm_uuid(vg, lv, "real"),
            "LVM-QkyQnMvqtggpxV6aCC5vj6ajiyA3KfWJONqIFBp2vXrQ2VB9Yg0kPBuKbhNWIssL-real");
}

TEST(DeviceNumber, IsReadAsItIsWritten) {
  EXPECT_EQ(to_text({253, 17}), "253:17");
  EXPECT_EQ(parse_device_number("253:17"), (DeviceNumber{253, 17}));
}

TEST(DeviceNumber, IsNotReadFromAnythingElse) {
  for (const char* text : {"", ":", "253", "253:", ":17", "253:17 ", "-1:2", "a:b", "253:99999999999"})
    EXPECT_FALSE(parse_device_number(text)) << text;
}

TEST(DeviceNumber, OfSomethingThatIsNoBlockDeviceIsRefusedWithAWayOut) {
  try {
    device_number_of("/dev/null");
    FAIL() << "a character device was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unsupported);
    EXPECT_NE(error.advice().find("losetup"), std::string::npos);
  }
}

}  // namespace cv::activate
