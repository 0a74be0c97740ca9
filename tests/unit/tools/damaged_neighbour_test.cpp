// Reports on what is sound, beside a disk that is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/disk/metadata_area.h"
#include "tests/unit/tools/command_harness.h"

using namespace cv;
using test::Workshop;
using testing::HasSubstr;

namespace {

/// vg0 on pv0 is sound, the only copy of vg1, on pv1, is not.
class DamagedNeighbour : public testing::Test {
 protected:
  DamagedNeighbour() {
    workshop_.run({"pvcreate", sound_});
    workshop_.run({"pvcreate", damaged_});
    workshop_.run({"vgcreate", "vg0", sound_});
    workshop_.run({"vgcreate", "vg1", damaged_});
    workshop_.run({"cvcreate", "-an", "-l", "1", "-n", "lin", "vg0"});
    const auto device = device::open_device(damaged_, device::Access::read_write);
    const auto header = metadata::disk::read_area_header(*device, {Bytes(4096), Bytes(1044480)});
    device->write(header.start + header.committed.offset + Bytes(20), std::array<std::byte, 4>{});
  }

  int status(const std::vector<std::string>& words) {
    const auto outcome = workshop_.run(words);
    EXPECT_THAT(outcome.messages, HasSubstr("WARNING: the copy of the metadata on " + damaged_))
        << words.front();
    return outcome.status;
  }

  Workshop workshop_;
  const std::string sound_ = workshop_.disk("pv0");
  const std::string damaged_ = workshop_.disk("pv1");
};

TEST_F(DamagedNeighbour, IsWarnedOfWhereSomethingElseIsNamed) {
  EXPECT_EQ(status({"vgs", "vg0"}), 0);
  EXPECT_EQ(status({"cvs", "vg0"}), 0);
  EXPECT_EQ(status({"cvs", "vg0/lin"}), 0);
  EXPECT_EQ(status({"cvs", "--tree", "vg0"}), 0);
  EXPECT_EQ(status({"pvs", sound_}), 0);
}

TEST_F(DamagedNeighbour, FailsAReportOnEverythingAndOnItself) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"vgs"},
                                                                 {"cvs"},
                                                                 {"cvs", "--tree"},
                                                                 {"pvs"},
                                                                 {"vgs", "vg1"},
                                                                 {"vgs", "vg0", "vg1"},
                                                                 {"cvs", "vg1"},
                                                                 {"pvs", damaged_}})
    EXPECT_EQ(status(words), 5) << words.front() << " " << words.back();
}

}  // namespace
