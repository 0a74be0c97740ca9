// One devices file, kept by the real LVM2 and by us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "lib/device/devices_file.h"
#include "lib/device/text_file.h"
#include "tests/interop/disk/stock_lvm.h"

namespace cv {
namespace {

using test::StockLvm;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class StockDevicesFile : public testing::Test {
 protected:
  /// StockLvm says so to everybody.
  static std::string system_dir() { return std::getenv("LVM_SYSTEM_DIR"); }

  StockDevicesFile() {
    device::make_private_directory(system_dir() + "/devices");
    test::write_file(path_, std::string_view());
  }

  test::ProgramResult cvm(std::vector<std::string> words) const {
    const char* program = std::getenv("CVM");
    words.insert(words.begin(), program != nullptr ? program : "cvm");
    words.insert(words.begin() + 2, {"--devicesfile", "t.devices"});
    return test::run_program(words);
  }
  void cvm_must(const std::vector<std::string>& words) const {
    const auto result = cvm(words);
    EXPECT_EQ(result.status, 0) << result.output;
  }
  /// In what it prints, that a filter is set beside the file is left out.
  std::string stock(const std::string& command) const {
    auto words = lvm_.must(command + " --devicesfile t.devices");
    for (const char* key : {"global_filter", "filter"}) {
      const auto note =
          fmt::format("Please remove the lvm.conf {}, it is ignored with the devices file.", key);
      if (const auto at = words.find(note); at != std::string::npos) words.erase(at, note.size());
    }
    return words.substr(std::min(words.find_first_not_of(' '), words.size()));
  }
  std::vector<device::ListedDevice> listed() const {
    return device::parse_devices_file(*device::read_text_file(path_));
  }

  StockLvm lvm_{3};
  const std::string path_ = system_dir() + "/devices/t.devices";
};

TEST_F(StockDevicesFile, IsFilledByBoth) {
  cvm_must({"pvcreate", lvm_.device(0)});
  stock("pvcreate " + lvm_.device(1));

  const auto lines = listed();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].id.type, lines[1].id.type);
  EXPECT_EQ(lines[0].path, lvm_.device(0));
  EXPECT_EQ(device::device_id_of(lvm_.device(1)), lines[1].id) << "we call it as LVM2 does";
  const auto pvs = stock("pvs --noheadings -o pv_name");
  EXPECT_THAT(pvs, HasSubstr(lvm_.device(0)));
  EXPECT_THAT(pvs, HasSubstr(lvm_.device(1)));
  EXPECT_THAT(cvm({"pvs", "--noheadings", "-o", "pv_name"}).output, HasSubstr(lvm_.device(1)));
  EXPECT_THAT(stock("lvmdevices"), HasSubstr("PVID=" + lines[0].pv_id));

  cvm_must({"vgcreate", "vg0", lvm_.device(0), lvm_.device(1), lvm_.device(2)});
  EXPECT_THAT(listed(), SizeIs(3));
  EXPECT_THAT(stock("vgs --noheadings -o vg_name,pv_count"), HasSubstr("vg0 3"));
  EXPECT_THAT(*device::read_text_file(path_), HasSubstr("VERSION=1.1.3"));
}

TEST_F(StockDevicesFile, GetsPvsThatWereNotListed) {
  for (unsigned i = 0; i < 3; ++i) lvm_.must("pvcreate " + lvm_.device(i));  // without the file
  cvm_must({"vgcreate", "vg0", lvm_.device(0)});
  cvm_must({"vgextend", "vg0", lvm_.device(1)});
  stock("vgextend vg0 " + lvm_.device(2));

  EXPECT_THAT(listed(), SizeIs(3));
  EXPECT_THAT(stock("vgs --noheadings -o vg_name,pv_count"), HasSubstr("vg0 3"));
  EXPECT_EQ(cvm({"vgs", "--noheadings", "-o", "vg_name,pv_count"}).status, 0);
}

TEST_F(StockDevicesFile, LosesThePvAndKeepsTheDeviceAsWithLvm2) {
  stock("pvcreate " + lvm_.device(0));
  stock("pvcreate " + lvm_.device(1));
  stock("pvremove " + lvm_.device(0));
  cvm_must({"pvremove", lvm_.device(1)});

  const auto lines = listed();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].pv_id, "");
  EXPECT_EQ(lines[1].pv_id, "");
  EXPECT_THAT(stock("pvs"), IsEmpty());
}

TEST_F(StockDevicesFile, HoldsUnderEachIdWhatItHoldsForLvm2) {
  lvm_.must("pvcreate " + lvm_.device(0));
  const auto id = lvm_.must("pvs --noheadings -o pv_uuid " + lvm_.device(0));
  std::string plain = id;
  std::erase(plain, '-');
  const std::string file = device::device_id_of(lvm_.device(0)).name;
  const std::string other(32, 'x');
  const std::string path = lvm_.device(0);
  const struct {
    std::string type, name, path, pv;
    bool listed;
  } cases[] = {
      {"loop_file", file, path, plain, true},
      {"loop_file", file, "/dev/none", ".", true},
      {"loop_file", file, path, other, true},
      {"loop_file", "/none", path, plain, false},
      {"devname", path, path, plain, true},
      {"devname", path, path, ".", true},
      {"devname", path, path, other, false},                // another disk by now
      {"devname", "/dev/none", "/dev/none", plain, false},  // this one has a better name
      {"sys_wwid", file, path, plain, false},
      {"invented", file, path, plain, false},
  };
  for (const auto& one : cases) {
    const auto line =
        fmt::format("IDTYPE={} IDNAME={} DEVNAME={} PVID={}\n", one.type, one.name, one.path, one.pv);
    SCOPED_TRACE(line);
    test::write_file(path_, std::string_view(line));

    const testing::Matcher<std::string> has = HasSubstr(id);
    const testing::Matcher<std::string> shown = one.listed ? has : Not(has);
    EXPECT_THAT(stock("pvs --noheadings -o pv_uuid"), shown);
    EXPECT_THAT(cvm({"pvs", "--noheadings", "-o", "pv_uuid"}).output, shown);
  }
}

TEST_F(StockDevicesFile, HidesWhatItDoesNotList) {
  cvm_must({"pvcreate", lvm_.device(0)});
  lvm_.must("pvcreate " + lvm_.device(1));  // without the file

  EXPECT_THAT(cvm({"pvs"}).output, Not(HasSubstr(lvm_.device(1))));
  EXPECT_THAT(stock("pvs"), Not(HasSubstr(lvm_.device(1))));
}

}  // namespace
}  // namespace cv
