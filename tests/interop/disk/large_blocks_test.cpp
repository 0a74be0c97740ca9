// Devices with logical blocks of 4096 bytes: what we write there the real LVM2 reads, and the other way
// round.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "tests/interop/disk/both_reports.h"
#include "tests/interop/disk/stock_view.h"

namespace cv::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr Bytes kSize(64 << 20);
constexpr const char* kQuickStore =
    "--crypt --handler luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --keyfile ";

class LargeBlocks : public ::testing::Test {
 protected:
  explicit LargeBlocks(const std::vector<unsigned>& blocks = {4096, 4096, 4096}) : lvm_(blocks, kSize) {
    write_file(key_, std::string_view("correct horse"));
  }

  /// Both say the same, and nothing is wrong.
  void compare() {
    EXPECT_EQ(as_we_say(lvm_), as_stock_says(lvm_));
    const auto checked = run_cvm("cvck");
    EXPECT_EQ(checked.status, 0) << checked.output;
    EXPECT_THAT(checked.output, Not(HasSubstr("WARNING")));
    EXPECT_THAT(checked.output, Not(HasSubstr("warning")));
    const auto pvs = lvm_.must("pvs --noheadings -o pv_name");
    for (const auto& device : lvm_.devices()) {
      if (pvs.find(device->path()) == std::string::npos) continue;
      const auto headers = lvm_.run("pvck --dump headers " + device->path());
      EXPECT_THAT(headers.output, Not(HasSubstr("WARNING")));
      EXPECT_THAT(headers.output, Not(HasSubstr("CHECK")));
    }
  }
  void we_do(const std::string& command) {
    SCOPED_TRACE("cvm " + command);
    must_cvm(command);
    compare();
  }
  void stock_does(const std::string& command) {
    SCOPED_TRACE("lvm " + command);
    lvm_.must(command);
    compare();
  }
  const std::string& disk(std::size_t number) const { return lvm_.device(number); }

  TempDir room_;
  const std::string key_ = room_.path("key");
  StockLvm lvm_;
};

TEST_F(LargeBlocks, HoldWhatWeMake) {
  must_cvm(fmt::format("pvcreate {} {} {}", disk(0), disk(1), disk(2)));
  we_do(fmt::format("vgcreate -s 1m vg0 {} {}", disk(0), disk(1)));
  we_do("cvcreate -an -l 5 -n lin vg0");
  we_do("cvcreate -an -i 2 -l 4 -n str vg0");
  EXPECT_THAT(BothReports(lvm_).differences(), IsEmpty());
  we_do("cvcreate -an " + std::string(kQuickStore) + key_ + " -L 8m -n tst vg0");
  we_do("cvcreate -an " + std::string(kQuickStore) + key_ + " --sector-size 4096 -L 8m -n large vg0");
  we_do("vgextend vg0 " + disk(2));
  we_do("cvextend -l +3 vg0/lin " + disk(2));
  we_do("cvextend -l +7 vg0/large " + disk(2));
  we_do("cvreduce -y -l -3 vg0/lin");
  we_do("cvrename vg0/lin line");
  we_do("cvremove -y vg0/tst vg0/large");
  we_do("cvremove -y vg0/str");
  for (unsigned i = 0; i < 30; ++i) must_cvm(fmt::format("vgchange --addtag round{} vg0", i));
  compare();
  we_do("vgreduce vg0 " + disk(2));
  we_do("pvremove " + disk(2));
  EXPECT_THAT(BothReports(lvm_).differences(), IsEmpty());
  EXPECT_EQ(lvm_.run("vgck vg0").status, 0);
  we_do("cvremove -y vg0/line");
  we_do("vgremove vg0");
}

TEST_F(LargeBlocks, HoldWhatLvm2MakesAndWeGoOn) {
  lvm_.must("pvcreate --metadatacopies 2 " + disk(0));
  lvm_.must("pvcreate " + disk(1));
  stock_does(fmt::format("vgcreate -s 1m vg0 {} {}", disk(0), disk(1)));
  stock_does("lvcreate -an -Zn -Wn -l 5 -n lin vg0");
  for (unsigned round = 0; round < 20; ++round) {
    must_cvm(fmt::format("cvextend -l +1 vg0/lin"));
    lvm_.must(fmt::format("vgchange --addtag round{} vg0", round));
    if (round % 5 == 0) compare();
  }
  stock_does("vgextend vg0 " + disk(2));
  we_do("cvcreate -an -i 3 -l 6 -n str vg0");
  EXPECT_THAT(BothReports(lvm_).differences(), IsEmpty());
  stock_does("lvremove -y vg0/str");
  we_do("vgreduce vg0 " + disk(2));
  we_do("cvcreate -an " + std::string(kQuickStore) + key_ + " -L 8m -n tst vg0");
  we_do("cvremove -y vg0/tst");
  stock_does("lvremove -y vg0/lin");
}

TEST_F(LargeBlocks, AreWrittenPastThePageCacheInWholeBlocks) {
  const auto device = device::open_device(disk(0), device::Access::read_write);

  // The kernel refuses what is not aligned on a descriptor that goes past the page cache.
  std::vector<std::byte> block(4096);
  unsigned seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code problem;
    if (std::filesystem::read_symlink(entry, problem) != disk(0)) continue;
    const int fd = std::stoi(entry.path().filename().string());
    const int flags = ::fcntl(fd, F_GETFL);
    if ((flags & O_ACCMODE) != O_RDWR) continue;
    ++seen;
    EXPECT_NE(flags & O_DIRECT, 0);
    EXPECT_EQ(::pwrite(fd, block.data(), 512, 512), -1);
  }
  EXPECT_EQ(seen, 1U);
  EXPECT_NO_THROW(device->write(Bytes(512), std::span(block).first(512)));
  EXPECT_NO_THROW(device->write(Bytes(4096 + 3584), std::span(block).first(1024)));
}

class MixedBlocks : public LargeBlocks {
 protected:
  MixedBlocks() : LargeBlocks({512, 4096, 512, 4096}) {}

  /// What neither may do, or both.
  void expect_from_both(bool works, const std::string& command, const std::string& settings) {
    const auto with = settings.empty() ? command : command + " --config " + settings;
    SCOPED_TRACE(with);
    const auto ours = run_cvm(with + " --test");
    EXPECT_EQ(ours.status, works ? 0 : 5) << ours.output;
    EXPECT_EQ(lvm_.run(with + " --test").status, works ? 0 : 5);
  }
  const std::string kAllow = "devices/allow_mixed_block_sizes=1";
};

TEST_F(MixedBlocks, AreNoGroupUnlessTheyAreAllowed) {
  for (std::size_t i = 0; i < 4; ++i) lvm_.must("pvcreate " + disk(i));
  expect_from_both(true, fmt::format("vgcreate vg0 {} {}", disk(0), disk(2)), "");
  expect_from_both(true, fmt::format("vgcreate vg0 {} {}", disk(1), disk(3)), "");
  expect_from_both(false, fmt::format("vgcreate vg0 {} {}", disk(0), disk(1)), "");
  expect_from_both(true, fmt::format("vgcreate vg0 {} {}", disk(0), disk(1)), kAllow);
  expect_from_both(false, fmt::format("vgcreate -s 1k vg0 {}", disk(1)), "");
  expect_from_both(true, fmt::format("vgcreate -s 1k vg0 {}", disk(0)), "");

  must_cvm(fmt::format("vgcreate -s 1m vg0 {} {}", disk(0), disk(2)));
  expect_from_both(false, "vgextend vg0 " + disk(1), "");
  expect_from_both(true, "vgextend vg0 " + disk(1), kAllow);
  we_do(fmt::format("vgextend vg0 {} --config {}", disk(1), kAllow));
  // Such a group goes on without the setting.
  we_do("cvcreate -an -l 5 -n lin vg0");
  we_do("cvcreate -an " + std::string(kQuickStore) + key_ + " -l 100%FREE -n tst vg0");
  we_do("cvremove -y vg0/tst");
  expect_from_both(true, "vgextend vg0 " + disk(3), "");
  must_cvm(fmt::format("vgcreate -s 1m vg1 {}", disk(3)));
  we_do("vgmerge vg0 vg1");
  we_do(fmt::format("vgsplit vg0 vg2 {} {}", disk(2), disk(3)));
  EXPECT_EQ(run_cvm("vgreduce vg0 " + disk(1)).status, 0);
  const auto merged = run_cvm("vgmerge vg0 vg2");
  EXPECT_EQ(merged.status, 5);
  EXPECT_THAT(merged.output, HasSubstr("has blocks of 4096 bytes"));
}

}  // namespace
}  // namespace cv::test
