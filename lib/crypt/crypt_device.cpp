#include "lib/crypt/crypt_device.h"

#include <algorithm>
#include <cctype>
#include <new>
#include <string_view>

#include "lib/base/log.h"

namespace cv::crypt {

namespace {

std::string_view without_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '.' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  return text;
}

log::Level level_of(int level) noexcept {
  return level == CRYPT_LOG_DEBUG || level == CRYPT_LOG_DEBUG_JSON ? log::Level::trace : log::Level::debug;
}

void forward(int level, const char* message, void*) noexcept {
  log::line(level_of(level), without_end(message));
}

void forward_and_remember(int level, const char* message, void* complaint) noexcept {
  forward(level, message, nullptr);
  if (level != CRYPT_LOG_ERROR) return;
  try {
    *static_cast<std::string*>(complaint) = without_end(message);
  } catch (const std::bad_alloc&) {
    // The message is lost; the result code still says that something failed.
  }
}

}  // namespace

CryptDevice::CryptDevice() : CryptDevice(nullptr, nullptr) {}

CryptDevice::CryptDevice(const std::string& header) : CryptDevice(header.c_str(), nullptr) {}

CryptDevice::CryptDevice(const std::string& header, const std::string& data)
    : CryptDevice(header.c_str(), data.c_str()) {}

CryptDevice::CryptDevice(const char* header, const char* data) : complaint_(std::make_unique<std::string>()) {
  // Without a global hook libcryptsetup prints what it says before there is a context.
  crypt_set_log_callback(nullptr, forward, nullptr);
  crypt_set_debug_level(CRYPT_DEBUG_ALL);
  crypt_device* raw = nullptr;
  const int result = data == nullptr ? crypt_init(&raw, header) : crypt_init_data_device(&raw, header, data);
  device_.reset(raw);
  if (result < 0) {
    throw Error(Errc::io, "libcryptsetup can't open {}: {}", header == nullptr ? "a context" : header,
                errno_text(-result))
        .advise("/proc must be mounted");
  }
  crypt_set_log_callback(raw, forward_and_remember, complaint_.get());
  crypt_set_rng_type(raw, CRYPT_RNG_URANDOM);
}

std::string CryptDevice::reason(int result) const {
  if (complaint_->empty()) return errno_text(-result);
  // libcryptsetup comes to device-mapper only when neither its crypto library nor AF_ALG has the cipher.
  if (complaint_->starts_with("Cannot initialize device-mapper")) {
    return "neither the crypto library nor the kernel's crypto API (AF_ALG, dm-crypt) does this cipher here";
  }
  std::string clause = *complaint_;
  // A clause in a sentence; abbreviations such as "LUKS" keep their capitals.
  const bool word = clause.size() > 1 && std::islower(static_cast<unsigned char>(clause[1])) != 0;
  if (word) clause[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(clause[0])));
  std::replace(clause.begin(), clause.end(), '\n', ' ');
  return clause;
}

}  // namespace cv::crypt
