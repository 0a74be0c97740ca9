#include "lib/crypt/keyring.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include <keyutils.h>

#include "lib/base/error.h"

namespace cv::crypt {

namespace {

constexpr const char* kType = "logon";
// Whoever possesses the key may do all with it; its owner by uid alone, the group and others nothing.
constexpr key_perm_t kPossessorOnly = KEY_POS_ALL;

[[noreturn]] void throw_refused(const char* step, const std::string& description) {
  const int reason = errno;
  const char* const advice = reason == EDQUOT
                                 ? "remove keys of this user, or raise /proc/sys/kernel/keys/maxkeys"
                                 : "set crypt/use_keyring = 0 to do without the kernel's keyring";
  throw Error(Errc::kernel, "the kernel's keyring refused to {} the key {}: {}", step, description,
              errno_text(reason))
      .advise("{}", advice);
}

bool means_no_key(int error_number) {
  return error_number == ENOKEY || error_number == EKEYEXPIRED || error_number == EKEYREVOKED ||
         error_number == EKEYREJECTED;
}

unsigned timeout_of(std::optional<std::chrono::seconds> limit) {
  constexpr std::chrono::seconds kLongest{UINT32_MAX};
  if (!limit) return 0;
  // 0 would mean "never" to the kernel.
  return static_cast<unsigned>(std::clamp(*limit, std::chrono::seconds(1), kLongest).count());
}

/// Logon keys in the user keyring (@u), which every process of the user shares. The session keyring is not
/// used: a private one, as systemd gives to services, does not lead to @u. The thread keyring is where
/// dm-crypt looks first, and to have the key there is to possess it.
class KernelKeyring final : public Keyring {
 public:
  bool available() override {
    // An unknown key type is ENODEV, a kernel without keyrings ENOSYS, a filtered system call EPERM.
    const key_serial_t probe = ::add_key(kType, "cvm:probe", "?", 1, KEY_SPEC_THREAD_KEYRING);
    if (probe < 0) return false;
    ::keyctl_unlink(probe, KEY_SPEC_THREAD_KEYRING);
    return ::keyctl_search(KEY_SPEC_USER_KEYRING, kType, "cvm:probe", 0) >= 0 || errno == ENOKEY;
  }

  void add(const std::string& description, const SecureBytes& key,
           std::optional<std::chrono::seconds> limit) override {
    // Into the thread keyring first: when others can find the key it has its limit already.
    const key_serial_t serial =
        ::add_key(kType, description.c_str(), key.data(), key.size(), KEY_SPEC_THREAD_KEYRING);
    if (serial < 0) throw_refused("take", description);
    if (::keyctl_setperm(serial, kPossessorOnly) != 0) throw_refused("protect", description);
    if (::keyctl_set_timeout(serial, timeout_of(limit)) != 0) throw_refused("limit", description);
    if (::keyctl_link(serial, KEY_SPEC_USER_KEYRING) != 0) throw_refused("share", description);
  }

  bool find(const std::string& description) override { return search(description).has_value(); }

  void set_limit(const std::string& description, std::optional<std::chrono::seconds> limit) override {
    const auto serial = search(description);
    if (!serial) return;
    if (::keyctl_set_timeout(*serial, timeout_of(limit)) != 0) throw_refused("limit", description);
  }

  void invalidate(const std::string& description) override {
    const auto serial = search(description);
    if (!serial) return;
    if (::keyctl_invalidate(*serial) != 0 && !means_no_key(errno)) throw_refused("forget", description);
  }

 private:
  /// Links what it finds to the thread keyring.
  std::optional<key_serial_t> search(const std::string& description) {
    const long serial =
        ::keyctl_search(KEY_SPEC_USER_KEYRING, kType, description.c_str(), KEY_SPEC_THREAD_KEYRING);
    if (serial >= 0) return static_cast<key_serial_t>(serial);
    if (means_no_key(errno)) return std::nullopt;
    throw_refused("search for", description);
  }
};

}  // namespace

std::unique_ptr<Keyring> kernel_keyring() {
  return std::make_unique<KernelKeyring>();
}

}  // namespace cv::crypt
