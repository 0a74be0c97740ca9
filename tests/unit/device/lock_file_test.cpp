// LVM2's lock files.
#include "lib/device/lock_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "lib/base/error.h"
#include "tests/support/temp_dir.h"

namespace cv::device {
namespace {

class LockFiles : public testing::Test {
 protected:
  test::TempDir dir_;
  LockSettings settings_{.directory = dir_.path("lvm"), .enabled = true, .wait = false};

  bool is_free(LockMode mode) const {
    try {
      const LockFile lock(settings_, "V_vg0", mode);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::locked);
      return false;
    }
  }
};

TEST_F(LockFiles, HeldExclusivelyKeepEverybodyOut) {
  const LockFile lock(settings_, "V_vg0", LockMode::exclusive);

  EXPECT_TRUE(lock.is_held());
  EXPECT_FALSE(is_free(LockMode::exclusive));
  EXPECT_FALSE(is_free(LockMode::shared));
}

TEST_F(LockFiles, SharedLetReadersIn) {
  const LockFile lock(settings_, "V_vg0", LockMode::shared);

  EXPECT_TRUE(is_free(LockMode::shared));
  EXPECT_FALSE(is_free(LockMode::exclusive));
}

TEST_F(LockFiles, OfOtherNamesAreIndependent) {
  const LockFile lock(settings_, kGlobalLock, LockMode::exclusive);

  EXPECT_TRUE(is_free(LockMode::exclusive));
}

TEST_F(LockFiles, AreGoneWhenNobodyHoldsThem) {
  {
    const LockFile lock(settings_, "V_vg0", LockMode::exclusive);
    EXPECT_TRUE(std::filesystem::exists(dir_.path("lvm/V_vg0")));
    EXPECT_FALSE(std::filesystem::exists(dir_.path("lvm/V_vg0:aux")));
  }

  EXPECT_TRUE(std::filesystem::is_empty(dir_.path("lvm")));
}

TEST_F(LockFiles, LieInADirectoryForTheirOwnerOnly) {
  const LockFile lock(settings_, "V_vg0", LockMode::exclusive);

  struct stat info {};
  ASSERT_EQ(::stat(settings_.directory.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(LockFiles, AreNotTakenWhileAWriterWaitsInFront) {
  std::filesystem::create_directory(settings_.directory);
  const Fd aux(::open(dir_.path("lvm/V_vg0:aux").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0700));
  ASSERT_EQ(::flock(aux.get(), LOCK_EX), 0);

  EXPECT_FALSE(is_free(LockMode::shared));
  EXPECT_FALSE(is_free(LockMode::exclusive));
}

TEST_F(LockFiles, AreWaitedForWhereThatIsWanted) {
  settings_.wait = true;
  LockFile lock(settings_, "V_vg0", LockMode::exclusive);
  std::atomic<bool> released = false;
  std::atomic<bool> was_released_first = false;
  std::thread other([&] {
    const LockFile mine(settings_, "V_vg0", LockMode::exclusive);
    was_released_first = released.load();
  });

  released = true;
  lock.release();
  other.join();

  EXPECT_TRUE(was_released_first);
}

TEST_F(LockFiles, HandedOnAreStillHeld) {
  LockFile first(settings_, "V_vg0", LockMode::exclusive);

  LockFile second;
  second = std::move(first);

  EXPECT_TRUE(second.is_held());
  EXPECT_FALSE(is_free(LockMode::shared));
  second.release();
  EXPECT_TRUE(is_free(LockMode::exclusive));
}

TEST_F(LockFiles, KeepManyWritersApart) {
  settings_.wait = true;
  int counter = 0;  // guarded by the lock file alone
  const auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      const LockFile lock(settings_, "V_vg0", LockMode::exclusive);
      const int seen = counter;
      std::this_thread::yield();
      counter = seen + 1;
    }
  };

  std::thread one(work);
  std::thread two(work);
  work();
  one.join();
  two.join();

  EXPECT_EQ(counter, 600);
}

TEST_F(LockFiles, SwitchedOffTouchNothing) {
  settings_.enabled = false;

  const LockFile lock(settings_, "V_vg0", LockMode::exclusive);

  EXPECT_FALSE(lock.is_held());
  EXPECT_FALSE(std::filesystem::exists(settings_.directory));
}

}  // namespace
}  // namespace cv::device
