// Locks: a process of the real LVM2 holds one and we keep out, we hold one and it keeps out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "metadata/edit.h"
#include "tests/interop/disk/stock_lvm.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using device::LockFile;
using device::LockMode;
using test::StockLvm;
using testing::HasSubstr;

const BeginOptions kMembership{.membership = true, .despite = {}};

/// A command of the real LVM2 that goes on while this lives: it waits for an answer, or is slow.
class Running {
 public:
  explicit Running(const std::string& command)
      : process_(::popen((command + " --driverloaded n >/dev/null 2>&1").c_str(), "w")) {}

 private:
  CHandle<std::FILE, ::pclose> process_;
};

/// A process that stands still while this lives, with what it holds.
class Stopped {
 public:
  explicit Stopped(pid_t process) : process_(process) { ::kill(process_, SIGSTOP); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;
  ~Stopped() { ::kill(process_, SIGCONT); }

 private:
  pid_t process_;
};

class StockLocks : public testing::Test {
 protected:
  StockLocks() {
    lvm_.must("vgcreate vg0 " + lvm_.device(0));
    lvm_.must("lvcreate -an -Zn -Wn -n a -l 1 vg0");
    impatient_ = lvm_.locks();
    impatient_.wait = false;
  }

  MetadataStore impatient_store() const {
    std::vector<std::unique_ptr<device::BlockDevice>> opened;
    opened.push_back(device::open_device(lvm_.device(0), device::Access::read_write));
    StoreOptions options;
    options.locks = impatient_;
    return {std::move(opened), std::move(options)};
  }

  struct Holder {
    LockMode mode;
    pid_t process;
  };
  /// Who holds the lock now: as the kernel lists it, since a lock of our own, however short, would turn
  /// away the command that is waited for.
  std::optional<Holder> holder(std::string_view name) const {
    struct stat file {};
    if (::stat((impatient_.directory + "/" + std::string(name)).c_str(), &file) != 0) return std::nullopt;
    const auto inode = fmt::format(":{}", file.st_ino);
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
      std::istringstream fields(line);  // 1: FLOCK ADVISORY WRITE 4711 fe:00:1234 0 EOF
      std::string number, kind, force, mode, place;
      pid_t process = 0;
      fields >> number >> kind >> force >> mode >> process >> place;
      if (kind != "FLOCK" || !place.ends_with(inode)) continue;
      return Holder{mode == "WRITE" ? LockMode::exclusive : LockMode::shared, process};
    }
    return std::nullopt;
  }
  /// Waits until a process holds the lock in this mode, and stops it there; null after a minute.
  std::unique_ptr<Stopped> becomes_held(std::string_view name, LockMode mode) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < end) {
      const auto found = holder(name);
      if (found && found->mode == mode) return std::make_unique<Stopped>(found->process);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return nullptr;
  }
  template <class Work>
  static void expect_locked(Work work) {
    try {
      work();
      ADD_FAILURE() << "went on in spite of the lock";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::locked) << error.what();
    }
  }

  StockLvm lvm_{1};
  device::LockSettings impatient_;
};

TEST_F(StockLocks, KeepUsOutWhereOneIsExclusive) {
  auto store = impatient_store();
  {
    const Running removal("lvm vgremove vg0");  // asks, and holds both locks meanwhile
    const auto stopped = becomes_held(device::group_lock("vg0"), LockMode::exclusive);
    ASSERT_TRUE(stopped);

    expect_locked([&] { store.begin("vg0"); });
    expect_locked([&] { store.begin("vg0", kMembership); });
    expect_locked([&] { store.read("vg0"); });
    expect_locked([&] { store.begin_new("vg1"); });
    expect_locked([&] { store.report(); });
    expect_locked([&] { store.remove_pv(lvm_.device(0)); });
  }
  EXPECT_EQ(store.begin("vg0").current().lvs.size(), 1U);
}

TEST_F(StockLocks, KeepWritersOutWhereOneIsShared) {
  auto store = impatient_store();
  {
    const Running report(
        "strace -f -o /dev/null -e trace=flock -e inject=flock:delay_exit=700000 lvm lvs vg0");
    const auto stopped = becomes_held(device::group_lock("vg0"), LockMode::shared);
    ASSERT_TRUE(stopped);

    expect_locked([&] { store.begin("vg0"); });
    EXPECT_EQ(store.read("vg0").group.vg.lvs.size(), 1U);
  }
  {
    const Running report("strace -f -o /dev/null -e trace=flock -e inject=flock:delay_exit=700000 lvm pvs");
    const auto stopped = becomes_held(device::kGlobalLock, LockMode::shared);
    ASSERT_TRUE(stopped);

    expect_locked([&] { store.begin_new("vg1"); });
    EXPECT_EQ(store.report().groups.size(), 1U);
  }
}

TEST_F(StockLocks, AreWaitedForWhereThatIsWanted) {
  auto store = lvm_.store();
  auto removal = std::make_unique<Running>("lvm vgremove vg0");
  ASSERT_TRUE(becomes_held(device::group_lock("vg0"), LockMode::exclusive));  // goes on at once
  std::thread answer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    removal.reset();  // the end of its input is a no
  });

  const auto change = store.begin("vg0");

  answer.join();
  EXPECT_EQ(change.current().lvs.size(), 1U);
}

TEST_F(StockLocks, OfOursKeepItOut) {
  struct Case {
    std::string command;
    bool reads;
    std::string lock;
  };
  const std::string group = device::group_lock("vg0");
  const std::string global(device::kGlobalLock);
  const Case cases[] = {{"vgs vg0", true, group},
                        {"lvs vg0", true, group},
                        {"lvcreate -an -Zn -Wn -l 1 -n b vg0", false, group},
                        {"vgchange --addtag x vg0", false, group},
                        {"vgrename vg0 vg1", false, group},
                        {"pvs", true, global},
                        {"vgs", true, global},
                        {"vgcreate vg2 " + lvm_.device(0), false, global},
                        {"vgremove -y vg0", false, global},
                        {"pvremove " + lvm_.device(0), false, global}};
  for (const auto& [command, reads, lock] : cases) {
    {
      const LockFile held(lvm_.locks(), lock, LockMode::exclusive);
      const auto refused = lvm_.run(command);  // its wait_for_locks is 0
      EXPECT_NE(refused.status, 0) << command;
      EXPECT_THAT(refused.output, HasSubstr("lock")) << command;
    }
    const LockFile held(lvm_.locks(), lock, LockMode::shared);
    const auto outcome = lvm_.run(command);
    if (reads) {
      EXPECT_EQ(outcome.status, 0) << command << ": " << outcome.output;
    } else {
      EXPECT_NE(outcome.status, 0) << command;
      EXPECT_THAT(outcome.output, HasSubstr("lock")) << command;
    }
  }
  EXPECT_EQ(lvm_.must("vgs --noheadings -o vg_name,lv_count,vg_tags"), "vg0 1");
}

}  // namespace
}  // namespace cv::metadata
