#include "lib/crypt/secret.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/crypt/digest.h"
#include "tests/support/crypt_samples.h"

namespace cv::crypt {
namespace {

using test::sample_key;
using test::secret;

/// The VmFlags of the mapping that holds `address`, from /proc/self/smaps: "rd wr mr dd wf ...".
std::string flags_of_mapping(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = begin <= wanted && wanted < end;
    if (inside && line.starts_with("VmFlags:")) return line + " ";
  }
  return "";
}

/// What `work` returns in a process of its own.
template <class Work>
int status_in_child(Work&& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SecureBytes, IsEmptyOrFullOfZerosAtFirst) {
  const SecureBytes nothing;
  const SecureBytes some(100);

  EXPECT_TRUE(nothing.empty());
  EXPECT_EQ(nothing.bytes().size(), 0U);
  EXPECT_EQ(some.size(), 100U);
  EXPECT_TRUE(
      std::all_of(some.bytes().begin(), some.bytes().end(), [](auto b) { return b == std::byte{0}; }));
}

TEST(SecureBytes, MovesItsBytesAndLeavesNothingBehind) {
  SecureBytes from = secret("passphrase");
  const void* const place = from.data();

  SecureBytes to = std::move(from);

  EXPECT_EQ(to.data(), place);
  EXPECT_EQ(text_of(to.bytes()), "passphrase");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the promise
  to = secret("another");
  EXPECT_EQ(text_of(to.bytes()), "another");
}

TEST(SecureBytes, CopiesOnlyOnRequest) {
  static_assert(!std::is_copy_constructible_v<SecureBytes> && !std::is_copy_assignable_v<SecureBytes>);
  const SecureBytes original = secret("passphrase");

  const SecureBytes copy = original.clone();

  EXPECT_NE(copy.data(), original.data());
  EXPECT_EQ(text_of(copy.bytes()), "passphrase");
}

template <class T>
concept Comparable = requires(const T& a, const T& b) {
  a == b;
};

TEST(SecureBytes, AreComparedByOneFunctionAndNeverPrinted) {
  static_assert(!Comparable<SecureBytes> && !fmt::is_formattable<SecureBytes>::value);
  // What is derived from a key for its key_check is a secret too, and no array that has an ==.
  static_assert(std::is_same_v<decltype(pbkdf2_sha256({}, {}, 1)), SecureBytes>);
}

TEST(SecureBytes, WipesWhatItIsShrunkBy) {
  SecureBytes bytes = secret("passphrase");
  const std::byte* const all = bytes.bytes().data();

  bytes.shrink(4);

  EXPECT_EQ(text_of(bytes.bytes()), "pass");
  EXPECT_TRUE(std::all_of(all + 4, all + 10, [](auto b) { return b == std::byte{0}; }));
  SecureBytes nothing;
  nothing.shrink(0);
  EXPECT_TRUE(nothing.empty());
}

TEST(SecureBytes, LiesInPagesOfItsOwnThatNoDumpHolds) {
  const SecureBytes bytes = secret("passphrase");

  const std::string flags = flags_of_mapping(bytes.data());

  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;  // do not include into core dump
  EXPECT_NE(flags.find(" wf "), std::string::npos) << flags;  // wipe on fork
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 4096, 0U);
}

TEST(SecureBytes, IsZerosInAForkedChild) {
  const SecureBytes bytes = sample_key(64);

  const int status = status_in_child([&] {
    return std::all_of(bytes.bytes().begin(), bytes.bytes().end(), [](auto b) { return b == std::byte{0}; })
               ? 0
               : 1;
  });

  EXPECT_EQ(status, 0);
}

#if defined(__x86_64__)
TEST(SecureBytes, LeaveNothingInRegistersWhenTheyAreWiped) {
  const auto key = sample_key(16);
  std::array<char, 16> there{};
  std::array<char, 16> left{};
  {
    const SecureBytes copy = key.clone();
    __asm__ volatile("movups (%0), %%xmm15" ::"r"(copy.data()) : "xmm15", "memory");
    __asm__ volatile("movups %%xmm15, %0" : "=m"(there));
    __asm__ volatile("movups (%0), %%xmm15" ::"r"(copy.data()) : "xmm15", "memory");
  }
  __asm__ volatile("movups %%xmm15, %0" : "=m"(left));

  EXPECT_TRUE(std::equal(there.begin(), there.end(), key.data()));
  EXPECT_EQ(left, (std::array<char, 16>{}));
}
#endif

TEST(SecureBytes, WorksWhereNothingMayBeLocked) {
  const int status = status_in_child([] {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 2;
    const SecureBytes bytes = secret("passphrase");
    return text_of(bytes.bytes()) == "passphrase" ? 0 : 1;
  });

  EXPECT_EQ(status, 0);
}

TEST(SameSecret, ComparesLengthAndEveryByte) {
  const SecureBytes key = sample_key(64);
  SecureBytes last_differs = key.clone();
  last_differs.bytes().back() ^= std::byte{1};

  EXPECT_TRUE(same_secret(key.bytes(), key.clone().bytes()));
  EXPECT_FALSE(same_secret(key.bytes(), last_differs.bytes()));
  EXPECT_FALSE(same_secret(key.bytes(), key.bytes().first(63)));
  EXPECT_TRUE(same_secret({}, {}));
}

TEST(ProtectProcess, SwitchesDumpsOffForGood) {
  const int status = status_in_child([] {
    protect_process();
    rlimit core{1, 1};
    ::getrlimit(RLIMIT_CORE, &core);
    return ::prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 ? 0 : 1;
  });

  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace cv::crypt
