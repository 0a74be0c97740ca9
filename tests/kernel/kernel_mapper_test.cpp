// The real device-mapper: runs inside the kernel of run-in-kernel, as root, never on a machine's own kernel.
//
// The mapper's contract, then what only the kernel can say: that dm-crypt takes our tables and shows them as
// we write them, that data is where it should be, that nodes and links appear with and without udev.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activate/activator.h"
#include "activate/device_name.h"
#include "activate/dm_mapper.h"
#include "activate/holders.h"
#include "activate/key_cache.h"
#include "activate/unlock.h"
#include "lib/base/bytes.h"
#include "lib/base/handle.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/mapper_contract.h"
#include "tests/support/sample_group.h"
#include "tests/support/temp_dir.h"

namespace cv::test {

namespace {

using namespace cv::activate;
namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string output;
  for (int c = 0; pipe && (c = std::fgetc(pipe.get())) != EOF;) output += static_cast<char>(c);
  while (output.ends_with('\n')) output.pop_back();
  return output;
}

/// A loop device over a sparse file.
class LoopDisk {
 public:
  explicit LoopDisk(std::uintmax_t size) {
    std::ofstream(file_.path("disk")).close();
    fs::resize_file(file_.path("disk"), size);
    path_ = output_of("losetup --find --show " + file_.path("disk"));
    if (path_.empty()) throw std::runtime_error("losetup gave no device");
  }
  ~LoopDisk() { output_of("losetup --detach " + path_); }
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;

  const std::string& path() const { return path_; }
  DeviceNumber number() const { return device_number_of(path_); }

 private:
  TempDir file_;
  std::string path_;
};

class KernelWorld final : public MapperWorld {
 public:
  Mapper& mapper() override { return *mapper_; }
  DeviceNumber disk() override { return disk_.number(); }
  std::shared_ptr<void> hold_open(const DeviceInfo& device) override {
    auto holder = std::make_shared<Fd>(::open(("/dev/mapper/" + device.name).c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(*holder) << errno_text(errno);
    return holder;
  }

 private:
  LoopDisk disk_{64 << 20};
  std::unique_ptr<Mapper> mapper_ = kernel_mapper();
};

std::unique_ptr<MapperWorld> make_kernel_world() {
  return std::make_unique<KernelWorld>();
}

std::vector<std::byte> read_at(const std::string& path, std::uint64_t at, std::size_t size) {
  std::vector<std::byte> bytes(size);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(::pread(fd.get(), bytes.data(), size, static_cast<off_t>(at)), static_cast<ssize_t>(size))
      << path;
  return bytes;
}

void write_at(const std::string& path, std::uint64_t at, const std::vector<std::byte>& bytes) {
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0) << path;
  ASSERT_TRUE(S_ISBLK(status.st_mode)) << path;
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)),
            static_cast<ssize_t>(bytes.size()));
  ASSERT_EQ(::fsync(fd.get()), 0);
}

/// Blocks of 512 bytes, each different from the others.
std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i / 512 * 7 + i) & 0xff);
  return bytes;
}

std::string masked_text(const Table& table) {
  std::string text;
  for (const auto& line : table) text += (text.empty() ? "" : "\n") + activate::masked_text(line);
  return text;
}

/// vg0 of sample_group.h on two loop devices of 100 extents.
class KernelActivation : public testing::Test {
 protected:
  static constexpr std::uintmax_t kDiskSize = std::uintmax_t{101} * 8192 * 512;

  void SetUp() override { restart(); }
  void TearDown() override {
    EXPECT_TRUE(mapper_->list().empty()) << "devices were left behind";
    cache_->forget(store_of(group_with_tst()));
  }

  /// As another command would come to it: nothing kept in this process.
  void restart(bool use_keyring = true) {
    activator_.reset();
    cache_.reset();
    mapper_.reset();
    mapper_ = kernel_mapper();
    KeyCache::Settings settings;
    settings.run_dir = run_dir_.path("run");
    cache_ = std::make_unique<KeyCache>(use_keyring ? keyring_.get() : nullptr, settings);
    activator_ = std::make_unique<Activator>(*mapper_, cache_.get());
  }

  static StoreId store_of(const metadata::VolumeGroup& vg) {
    return {vg.id, metadata::lv_at(vg, "cryptostore1").id};
  }

  TreeInputs inputs(const metadata::VolumeGroup& vg) {
    TreeInputs inputs;
    for (std::size_t i = 0; i < vg.pvs.size(); ++i) inputs.pvs[vg.pvs[i].id] = disks_[i].number();
    const auto id = store_of(vg);
    bool is_live = store_is_live(*mapper_, vg, "cryptostore1");
    if (!cache_->uses_keyring() || !cache_->in_keyring(id, is_live))
      cache_->put(id, std::make_shared<const crypt::SecureBytes>(sample_key(64)));
    inputs.keys["cryptostore1"] = {cache_->table_key(id, 64, is_live), "aes-xts-plain64", 512};
    return inputs;
  }

  std::string dmsetup_table(const std::string& name) { return output_of("dmsetup table " + name); }

  TempDir run_dir_;
  LoopDisk disks_[3]{LoopDisk(kDiskSize), LoopDisk(kDiskSize), LoopDisk(kDiskSize)};
  std::unique_ptr<crypt::Keyring> keyring_ = crypt::kernel_keyring();
  std::unique_ptr<Mapper> mapper_;
  std::unique_ptr<KeyCache> cache_;
  std::unique_ptr<Activator> activator_;
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Kernel, MapperContract, testing::Values(&make_kernel_world));

TEST_F(KernelActivation, HasADmCryptThatTakesKeysByName) {
  EXPECT_TRUE(kernel_has_device_mapper());
  EXPECT_TRUE(can_name_keys(*mapper_, *keyring_));
}

TEST_F(KernelActivation, ShowsTheTableThatWasPlannedAndNoKey) {
  const auto vg = group_with_tst();
  const auto wanted = inputs(vg);
  const auto planned = devices_of(vg, "tst", wanted).back();

  activator_->activate(vg, {"tst"}, wanted);

  EXPECT_EQ(dmsetup_table("vg0-tst"), masked_text(planned.table));
  EXPECT_EQ(output_of("dmsetup table --showkeys vg0-tst"), masked_text(planned.table));
  EXPECT_EQ(output_of("dmsetup info -c --noheadings -o uuid vg0-tst"), uuid_of(vg, "tst"));
  activator_->deactivate(vg, {"tst"});
  EXPECT_FALSE(mapper_->find_uuid(uuid_of(vg, "tst")));
}

TEST_F(KernelActivation, ShowsAHexTableAsPlannedAndMasksIt) {
  restart(false);
  const auto vg = group_with_tst();
  const auto wanted = inputs(vg);
  const auto planned = devices_of(vg, "tst", wanted).back();

  activator_->activate(vg, {"tst"}, wanted);

  EXPECT_EQ(dmsetup_table("vg0-tst"), masked_text(planned.table));
  EXPECT_EQ(mapper_->live_table(uuid_of(vg, "tst")), planned.table);
  activator_->deactivate(vg, {"tst"});
}

TEST_F(KernelActivation, TakesEveryOptionWeWrite) {
  auto vg = group_with_tst();
  auto& crypt = std::get<metadata::Crypt>(metadata::find_lv(vg, "tst")->segments.front().kind);
  crypt.discards = true;
  crypt.inline_workqueues = true;
  auto wanted = inputs(vg);
  wanted.keys["cryptostore1"].sector_bytes = 4096;
  const auto planned = devices_of(vg, "tst", wanted).back();

  activator_->activate(vg, {"tst"}, wanted);

  EXPECT_EQ(dmsetup_table("vg0-tst"), masked_text(planned.table));
  activator_->deactivate(vg, {"tst"});
}

TEST_F(KernelActivation, EncryptsOnTheWayToThePlannedPlace) {
  const auto vg = group_with_tst();
  const auto data = pattern(64 * 1024);
  activator_->activate(vg, {"tst"}, inputs(vg));

  write_at("/dev/vg0/tst", 0, data);

  const std::uint64_t place = (kPeStart.n + 12 * kExtent.n) * 512;
  output_of("blockdev --flushbufs " + disks_[2].path());
  EXPECT_NE(read_at(disks_[2].path(), place, data.size()), data);
  activator_->deactivate(vg, {"tst"});
  // Another judge: cryptsetup with the same key, place and first IV.
  write_file(run_dir_.path("key"), std::span<const std::byte>(sample_key(64).bytes()));
  output_of(
      fmt::format("cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 512 --key-file {} "
                  "--offset {} --skip {} {} judge",
                  run_dir_.path("key"), place / 512, kWindow.n, disks_[2].path()));
  EXPECT_EQ(read_at("/dev/mapper/judge", 0, data.size()), data);
  output_of("cryptsetup close judge");
}

TEST_F(KernelActivation, ReadsTheSameThroughManyPiecesAsThroughOne) {
  const auto whole = group_with_tst();
  auto cut = whole;
  metadata::find_lv(cut, "tst_crdata")->segments = {linear(0, 1, on_pv(2, 12)), linear(1, 3, on_pv(2, 13))};
  metadata::find_lv(cut, "tst")->segments = {
      encrypted(0, 2, metadata::LogicalArea{"tst_crdata", Extents(0)}, kWindow),
      encrypted(2, 2, metadata::LogicalArea{"tst_crdata", Extents(2)}, kWindow + kExtent * 2)};
  const auto data = pattern(4 * kExtent.n * 512);
  activator_->activate(whole, {"tst"}, inputs(whole));
  write_at("/dev/vg0/tst", 0, data);
  activator_->deactivate(whole, {"tst"});

  activator_->activate(cut, {"tst"}, inputs(cut));

  EXPECT_EQ(read_at("/dev/vg0/tst", 0, data.size()), data);
  activator_->deactivate(cut, {"tst"});
}

TEST_F(KernelActivation, GrowsAVolumeThatIsOpenWithoutAskingForItsKey) {
  const auto vg = group_with_tst();
  activator_->activate(vg, {"tst"}, inputs(vg));
  const auto data = pattern(kExtent.n * 512);
  write_at("/dev/vg0/tst", 3 * kExtent.n * 512, data);
  Fd open_all_along(::open("/dev/vg0/tst", O_RDONLY | O_CLOEXEC));
  auto longer = vg;
  metadata::find_lv(longer, "tst_crdata")->segments.push_back(linear(4, 3, on_pv(0, 5)));
  metadata::find_lv(longer, "tst")->segments.front().count = Extents(7);
  restart();

  std::thread another_thread([&] {
    // Thread keyrings are not shared: this one has to find the key as another process would.
    ASSERT_TRUE(cache_->in_keyring(store_of(vg), true));
    auto change = activator_->stage(vg, longer, {"tst"}, inputs(longer));
    change.suspend();
    change.go();
  });
  another_thread.join();

  EXPECT_EQ(output_of("blockdev --getsz /dev/vg0/tst"), std::to_string(7 * kExtent.n));
  EXPECT_EQ(dmsetup_table("vg0-tst"), masked_text(devices_of(longer, "tst", inputs(longer)).back().table));
  EXPECT_EQ(read_at("/dev/vg0/tst", 3 * kExtent.n * 512, data.size()), data);
  open_all_along.reset();
  activator_->deactivate(longer, {"tst"});
}

TEST_F(KernelActivation, LeavesEverythingAsItWasWhenAChangeIsDropped) {
  const auto vg = group_with_tst();
  activator_->activate(vg, {"tst"}, inputs(vg));
  const auto before = dmsetup_table("vg0-tst");
  auto longer = vg;
  metadata::find_lv(longer, "tst_crdata")->segments.push_back(linear(4, 3, on_pv(0, 5)));
  metadata::find_lv(longer, "tst")->segments.front().count = Extents(7);

  {
    auto change = activator_->stage(vg, longer, {"tst"}, inputs(longer));
    change.suspend();
  }

  const auto info = mapper_->find_uuid(uuid_of(vg, "tst"));
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->suspended);
  EXPECT_FALSE(info->has_inactive_table);
  EXPECT_EQ(dmsetup_table("vg0-tst"), before);
  activator_->deactivate(vg, {"tst"});
}

TEST_F(KernelActivation, PutsAStripedVolumesDataIntoAHiddenDevice) {
  auto vg = group_with_tst();
  metadata::find_lv(vg, "tst_crdata")->segments = {striped(0, 4, {on_pv(0, 0), on_pv(1, 0)})};
  const auto data = pattern(1 << 20);

  activator_->activate(vg, {"tst"}, inputs(vg));

  EXPECT_EQ(output_of("dmsetup info -c --noheadings -o uuid vg0-tst_crdata"), uuid_of(vg, "tst_crdata"));
  EXPECT_FALSE(fs::exists("/dev/vg0/tst_crdata"));
  write_at("/dev/vg0/tst", 0, data);
  EXPECT_EQ(read_at("/dev/vg0/tst", 0, data.size()), data);
  auto longer = vg;
  metadata::find_lv(longer, "tst_crdata")->segments.push_back(striped(4, 2, {on_pv(0, 9), on_pv(1, 9)}));
  metadata::find_lv(longer, "tst")->segments.front().count = Extents(6);
  activator_->stage(vg, longer, {"tst"}, inputs(longer)).go();
  EXPECT_EQ(output_of("blockdev --getsz /dev/vg0/tst"), std::to_string(6 * kExtent.n));
  EXPECT_EQ(read_at("/dev/vg0/tst", 0, data.size()), data);
  activator_->deactivate(longer, {"tst"});
  EXPECT_EQ(output_of("dmsetup ls --target striped"), "No devices found");
}

TEST_F(KernelActivation, MakesTheNodeAndTheLinkAndRemovesThem) {
  auto vg = empty_group();
  vg.name = "a-group";
  add_volume(vg, "a-volume", true, {linear(0, 2, on_pv(0, 0))});
  TreeInputs inputs;
  for (std::size_t i = 0; i < vg.pvs.size(); ++i) inputs.pvs[vg.pvs[i].id] = disks_[i].number();

  activator_->activate(vg, {"a-volume"}, inputs);

  EXPECT_TRUE(fs::is_block_file("/dev/mapper/a--group-a--volume"));
  EXPECT_TRUE(fs::is_block_file("/dev/a-group/a-volume"));
  activator_->deactivate(vg, {"a-volume"});
  EXPECT_FALSE(fs::exists(fs::symlink_status("/dev/mapper/a--group-a--volume")));
  EXPECT_FALSE(fs::exists(fs::symlink_status("/dev/a-group/a-volume")));
}

TEST_F(KernelActivation, SaysWhoHoldsAVolumeThatCannotBeClosed) {
  auto vg = empty_group();
  add_volume(vg, "lv", true, {linear(0, 8, on_pv(0, 0))});
  TreeInputs inputs;
  for (std::size_t i = 0; i < vg.pvs.size(); ++i) inputs.pvs[vg.pvs[i].id] = disks_[i].number();
  activator_->activate(vg, {"lv"}, inputs);
  const auto mount_point = run_dir_.path("mnt");
  fs::create_directory(mount_point);
  output_of("mkfs.ext4 -q /dev/vg0/lv && mount /dev/vg0/lv " + mount_point);

  const auto error_of_deactivation = [&] {
    try {
      activator_->deactivate(vg, {"lv"}, {.for_udev = std::chrono::milliseconds(100)});
      return std::string("it went");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::in_use);
      return std::string(error.what());
    }
  };
  EXPECT_EQ(error_of_deactivation(), "vg0/lv is mounted on " + mount_point);
  output_of("umount " + mount_point);
  output_of("dmsetup create above --table '0 8192 linear /dev/vg0/lv 0'");
  EXPECT_EQ(error_of_deactivation(), "vg0/lv is used by above");
  output_of("dmsetup remove above");

  activator_->deactivate(vg, {"lv"});

  EXPECT_FALSE(activator_->is_active(vg, "lv"));
}

TEST_F(KernelActivation, ForgetsTheKeyWithTheLastVolumeOfItsStore) {
  auto vg = group_with_tst();
  add_volume(vg, "two", true, {encrypted(0, 2, on_pv(1, 0), kWindow * 2)});
  activator_->activate(vg, {"tst", "two"}, inputs(vg));

  activator_->deactivate(vg, {"tst"});
  EXPECT_TRUE(keyring_->find(key_description(store_of(vg))));
  activator_->deactivate(vg, {"two"});

  EXPECT_FALSE(keyring_->find(key_description(store_of(vg))));
}

TEST_F(KernelActivation, TakesAVolumeBackWhoseKeyIsNotInTheKeyring) {
  const auto vg = group_with_tst();
  const auto wanted = inputs(vg);
  keyring_->invalidate(key_description(store_of(vg)));

  EXPECT_THROW(activator_->activate(vg, {"tst"}, wanted), Error);

  EXPECT_FALSE(mapper_->find_uuid(uuid_of(vg, "tst")));
}

}  // namespace cv::test
