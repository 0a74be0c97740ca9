// What lvm.conf says about devices lets us see what the real LVM2 sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "lib/device/device_id.h"
#include "lib/device/text_file.h"
#include "tests/interop/disk/stock_lvm.h"

namespace cv {
namespace {

using test::StockLvm;

class LvmConf : public testing::Test {
 protected:
  LvmConf() {
    for (unsigned i = 0; i < 2; ++i) {
      lvm_.must("pvcreate " + lvm_.device(i));
      ids_.push_back(lvm_.must("pvs --noheadings -o pv_uuid " + lvm_.device(i)));
    }
  }

  /// Which of both the output names: "0", "1", "01" or nothing.
  std::string seen_in(const std::string& output) const {
    std::string seen;
    for (unsigned i = 0; i < 2; ++i)
      if (output.find(ids_[i]) != std::string::npos) seen += std::to_string(i);
    return seen;
  }
  std::string seen_by_us(const std::string& settings) const {
    const char* program = std::getenv("CVM");
    return seen_in(test::run_program({program != nullptr ? program : "cvm", "pvs", "--noheadings", "-o",
                                      "pv_uuid", "--config", settings})
                       .output);
  }
  std::string seen_by_stock(const std::string& settings) const {
    return seen_in(test::run_program({"lvm", "pvs", "--noheadings", "-o", "pv_uuid", "--driverloaded", "n",
                                      "--config", settings})
                       .output);
  }

  StockLvm lvm_{2};
  std::vector<std::string> ids_;
};

TEST_F(LvmConf, ChoosesDevicesAsForLvm2) {
  const test::TempDir room;
  std::filesystem::create_directory(room.path("scan"));
  std::filesystem::create_symlink(lvm_.device(0), room.path("scan/one"));
  const auto scan = fmt::format("devices/scan=[\"{}\"] ", room.path("scan"));
  const std::string all = "devices/filter=\"a|.*|\" devices/global_filter=\"a|.*|\" ";
  const std::string system_dir = std::getenv("LVM_SYSTEM_DIR");
  device::make_private_directory(system_dir + "/devices");
  test::write_file(system_dir + "/devices/system.devices",
                   std::string_view(fmt::format("IDTYPE=loop_file IDNAME={} DEVNAME={} PVID=.\n",
                                                device::device_id_of(lvm_.device(1)).name, lvm_.device(1))));
  const std::pair<std::string, std::string> cases[] = {
      {"devices/use_devicesfile=0", "01"},
      {fmt::format("devices/filter=\"r|{}$|\"", lvm_.device(0)), "1"},
      {fmt::format("devices/filter=[\"a|{}$|\", \"r|.*|\"]", lvm_.device(0)), "0"},
      {fmt::format("devices/global_filter=[\"a|{}$|\", \"r/.*/\"]", lvm_.device(1)), "1"},
      {"devices/filter=5", ""},
      {"devices/filter=[]", ""},
      {"devices/filter=\"x\"", ""},
      {scan + all, "0"},
      {scan, ""},  // the filters know no such name
      {scan + "devices/global_filter=\"a|.*|\" devices/filter=\"r|one|\"", ""},
      {scan + "devices/global_filter=\"a|.*|\" devices/filter=[\"a|/one$|\", \"r|.*|\"]", "0"},
      {"devices/scan=5", ""},
      {fmt::format("devices/scan=[\"{}\"]", room.path("nowhere")), ""},
      {"devices/use_devicesfile=1", "1"},
      {"devices/use_devicesfile=\"yes\"", "1"},
      {"devices/use_devicesfile=\"off\"", "01"},
      {"devices/use_devicesfile=1 devices/devicesfile=\"none.devices\"", "01"},
      {"devices/use_devicesfile=1 " + scan, ""},
  };
  for (const auto& [settings, seen] : cases) {
    EXPECT_EQ(seen_by_stock(settings), seen) << settings;
    EXPECT_EQ(seen_by_us(settings), seen) << settings;
  }
}

TEST_F(LvmConf, PassesOverWhatItDoesNotUnderstandAsLvm2Does) {
  for (const char* settings : {"devices/use_devicesfile=\"perhaps\"", "global/locking_dir=5",
                               "global/wait_for_locks=\"perhaps\"", "devices/use_devicesfile=1.0"}) {
    EXPECT_EQ(seen_by_stock(settings), "01") << settings;
    EXPECT_EQ(seen_by_us(settings), "01") << settings;
  }
}

}  // namespace
}  // namespace cv
