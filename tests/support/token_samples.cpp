#include "tests/support/token_samples.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <libcryptsetup.h>

#include "lib/base/error.h"
#include "lib/crypt/crypt_device.h"
#include "lib/crypt/memory_file.h"

namespace cv::test {

namespace {

int open_token(crypt_device* device, int token, char** buffer, std::size_t* length, void*) noexcept {
  const char* text = nullptr;
  if (crypt_token_json_get(device, token, &text) < 0) return -EINVAL;
  const std::string_view json(text);
  if (json.find("\"pin\"") != std::string_view::npos) return -ENOANO;
  constexpr std::string_view kBefore = "\"secret ";
  const auto at = json.find(kBefore);
  if (at == std::string_view::npos) return -EAGAIN;
  const auto rest = json.substr(at + kBefore.size());
  const auto secret = rest.substr(0, rest.find('"'));
  *buffer = ::strndup(secret.data(), secret.size());
  *length = secret.size();
  return 0;
}

void register_driver() {
  static const crypt_token_handler driver{
      .name = "cvm-test", .open = open_token, .buffer_free = nullptr, .validate = nullptr, .dump = nullptr};
  static const int outcome = crypt_token_register(&driver);
  if (outcome < 0) throw Error(Errc::io, "the token driver can't be registered: {}", errno_text(-outcome));
}

}  // namespace

std::string test_token(const std::string& says) {
  return R"({"type":"cvm-test","keyslots":["0"],"says":")" + says + R"("})";
}

std::vector<std::byte> with_token(const std::vector<std::byte>& store, const std::string& token) {
  register_driver();
  const auto file = crypt::MemoryFile::copy_of(store);
  const crypt::CryptDevice device(file.path());
  int result = crypt_load(device.get(), CRYPT_LUKS2, nullptr);
  if (result >= 0) result = crypt_token_json_set(device.get(), CRYPT_ANY_TOKEN, token.c_str());
  if (result < 0) throw Error(Errc::io, "the token can't be added: {}", device.reason(result));
  return file.contents();
}

}  // namespace cv::test
