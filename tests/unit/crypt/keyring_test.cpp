#include "lib/crypt/keyring.h"

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include <keyutils.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/support/memory_keyring.h"
#include "tests/unit/crypt/keyring_contract.h"

namespace cv::test {
namespace {

/// The line of a key in /proc/keys, split at blanks: id, flags, usage, time left ("perm", "2m", "30s"),
/// permissions, uid, gid, type, description.
std::vector<std::string> proc_line(const std::string& description) {
  std::ifstream keys("/proc/keys");
  for (std::string line; std::getline(keys, line);) {
    if (line.find(" logon ") == std::string::npos || line.find(description + ":") == std::string::npos)
      continue;
    std::vector<std::string> words;
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
    return words;
  }
  return {};
}

struct Memory {
  crypt::Keyring& keyring() { return keyring_; }
  std::optional<std::chrono::seconds> time_left(const std::string& description) {
    return keyring_.time_left(description);
  }
  MemoryKeyring keyring_;
};

struct Kernel {
  crypt::Keyring& keyring() { return *keyring_; }
  std::optional<std::chrono::seconds> time_left(const std::string& description) {
    const auto words = proc_line(description);
    if (words.size() < 4 || words[3] == "perm") return std::nullopt;
    const int number = std::stoi(words[3]);
    return std::chrono::seconds(words[3].back() == 'm' ? number * 60 : number);
  }
  std::unique_ptr<crypt::Keyring> keyring_ = crypt::kernel_keyring();
};

INSTANTIATE_TYPED_TEST_SUITE_P(InMemory, KeyringContract, Memory);
INSTANTIATE_TYPED_TEST_SUITE_P(OfTheKernel, KeyringContract, Kernel);

/// The exit status of `work` in a process of its own; 99 where it throws.
int status_in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      ::_exit(work());
    } catch (const std::exception&) {
      ::_exit(99);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Refuses a system call with `error_number` from now on, as container runtimes do.
bool refuse_system_call(unsigned number, unsigned error_number) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error_number),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{.len = 4, .filter = code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0L, 0L) == 0;
}

TEST(KernelKeyring, IsNotAvailableWhereTheKernelHasNone) {
  for (const unsigned error_number : {ENOSYS, EPERM, ENODEV}) {
    const int status = status_in_child([&] {
      if (!refuse_system_call(__NR_add_key, error_number)) return 2;
      return crypt::kernel_keyring()->available() ? 1 : 0;
    });

    EXPECT_EQ(status, 0) << error_number;
  }
}

/// A key in the kernel's user keyring for the time of one test.
class AddedKey {
 public:
  explicit AddedKey(const char* end) : name_("cvmtest:" + std::to_string(::getpid()) + end) {
    keyring_->add(name_, sample_key(64), std::chrono::seconds(150));
  }
  ~AddedKey() { keyring_->invalidate(name_); }
  AddedKey(const AddedKey&) = delete;
  AddedKey& operator=(const AddedKey&) = delete;

  const std::string& name() const { return name_; }

 private:
  std::unique_ptr<crypt::Keyring> keyring_ = crypt::kernel_keyring();
  std::string name_;
};

/// As dm-crypt looks for a key while it loads a table.
bool table_load_finds(const std::string& name) {
  return ::request_key("logon", name.c_str(), nullptr, 0) >= 0;
}

// systemd gives services a session keyring of their own that does not lead to the user keyring.
TEST(KernelKeyring, LeadsATableLoadToTheKeyFromAPrivateSession) {
  const AddedKey key("private");

  const int status = status_in_child([&] {
    if (::keyctl_join_session_keyring(nullptr) < 0) return 2;
    if (table_load_finds(key.name())) return 3;
    if (!crypt::kernel_keyring()->find(key.name())) return 4;
    return table_load_finds(key.name()) ? 0 : 1;
  });

  EXPECT_EQ(status, 0);
}

TEST(KernelKeyring, ChangesAndForgetsAKeyFromAPrivateSession) {
  const AddedKey key("change");

  const int status = status_in_child([&] {
    if (::keyctl_join_session_keyring(nullptr) < 0) return 2;
    const auto keyring = crypt::kernel_keyring();
    keyring->set_limit(key.name(), std::nullopt);
    keyring->add(key.name(), sample_key(64, 2), std::nullopt);
    if (!keyring->find(key.name())) return 3;
    keyring->invalidate(key.name());
    return keyring->find(key.name()) ? 1 : 0;
  });

  EXPECT_EQ(status, 0);
  EXPECT_FALSE(crypt::kernel_keyring()->find(key.name()));
}

TEST(KernelKeyring, GivesTheKeyBackToNobody) {
  const AddedKey key("read");

  const long serial = ::keyctl_search(KEY_SPEC_USER_KEYRING, "logon", key.name().c_str(), 0);
  char bytes[64];

  ASSERT_GE(serial, 0);
  EXPECT_LT(::keyctl_read(static_cast<key_serial_t>(serial), bytes, sizeof bytes), 0);
  EXPECT_EQ(proc_line(key.name()).at(4), "3f000000");
}

TEST(KernelKeyring, SaysSoWhereAKeyIsRefused) {
  const int status = status_in_child([] {
    if (!refuse_system_call(__NR_add_key, EPERM)) return 2;
    try {
      crypt::kernel_keyring()->add("cvmtest:refused", sample_key(64), std::nullopt);
    } catch (const Error& error) {
      return error.code() == Errc::kernel && !error.advice().empty() ? 0 : 3;
    }
    return 1;
  });

  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace cv::test
