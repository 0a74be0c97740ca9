// Commands and the archive beside their disks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/device/text_file.h"
#include "metadata/archive.h"
#include "tests/unit/tools/command_harness.h"

namespace cv {
namespace {

using metadata::archived_files;
using testing::IsEmpty;
using testing::SizeIs;

class ArchivedCommands : public testing::Test {
 protected:
  ArchivedCommands() {
    const auto disk = shop_.disk("pv");
    EXPECT_EQ(shop_.run({"vgcreate", "vg0", disk}).status, 0);
  }
  std::vector<std::string> archive() const { return archived_files(shop_.path("archive"), "vg0"); }
  std::string described(const std::string& file) const {
    return metadata::read_backup_head(*device::read_text_file(file)).stamp.description;
  }

  test::Workshop shop_;
};

TEST_F(ArchivedCommands, SayInTheFilesHowTheyWereCalled) {
  EXPECT_THAT(archive(), IsEmpty());
  ASSERT_EQ(shop_.run({"cvcreate", "-an", "-l", "1", "-n", "a", "vg0"}).status, 0);

  ASSERT_THAT(archive(), SizeIs(1));
  const auto disk = shop_.path("pv");
  EXPECT_EQ(described(archive()[0]),
            "Created *before* executing 'cvm cvcreate --devices " + disk + " -an -l 1 -n a vg0'");
  EXPECT_EQ(described(shop_.path("backup/vg0")),
            "Created *after* executing 'cvm cvcreate --devices " + disk + " -an -l 1 -n a vg0'");
}

TEST_F(ArchivedCommands, LeaveTheFilesAloneWhereTheyAreToldTo) {
  const auto before = device::read_text_file(shop_.path("backup/vg0"));
  ASSERT_EQ(shop_.run({"cvcreate", "-A", "n", "-an", "-l", "1", "-n", "a", "vg0"}).status, 0);
  EXPECT_THAT(archive(), IsEmpty());
  EXPECT_EQ(device::read_text_file(shop_.path("backup/vg0")), before);

  ASSERT_EQ(
      shop_.run({"cvcreate", "-an", "-l", "1", "-n", "b", "--config", "backup { archive=0 }", "vg0"}).status,
      0);
  EXPECT_THAT(archive(), IsEmpty());
  EXPECT_NE(device::read_text_file(shop_.path("backup/vg0")), before);

  ASSERT_EQ(
      shop_.run({"cvcreate", "-Ay", "-an", "-l", "1", "-n", "c", "--config", "backup { archive=0 }", "vg0"})
          .status,
      0);
  EXPECT_THAT(archive(), SizeIs(1));
}

TEST_F(ArchivedCommands, WriteNothingForATest) {
  ASSERT_EQ(shop_.run({"cvcreate", "--test", "-an", "-l", "1", "-n", "a", "vg0"}).status, 0);
  EXPECT_THAT(archive(), IsEmpty());
}

TEST_F(ArchivedCommands, PassOverSettingsThatMakeNoSense) {
  const auto outcome =
      shop_.run({"cvcreate", "-an", "-l", "1", "-n", "a", "--config", "backup { retain_min = -1 }", "vg0"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.messages, testing::HasSubstr("backup/retain_min = -1 is out of range"));
}

}  // namespace
}  // namespace cv
