// A token plugin for libcryptsetup, as others install them: {"type":"cvmtest","secret":"...","pin":"..."}
// gives its secret, for its PIN where it has one.
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <libcryptsetup.h>

namespace {

std::string value(std::string_view json, const std::string& key) {
  const std::string before = "\"" + key + "\":\"";
  const auto at = json.find(before);
  if (at == std::string_view::npos) return "";
  const auto rest = json.substr(at + before.size());
  return std::string(rest.substr(0, rest.find('"')));
}

}  // namespace

extern "C" {

int cryptsetup_token_open_pin(crypt_device* device, int token, const char* pin, std::size_t pin_size,
                              char** buffer, std::size_t* length, void*) {
  const char* text = nullptr;
  if (crypt_token_json_get(device, token, &text) < 0) return -EINVAL;
  const std::string wanted = value(text, "pin");
  if (!wanted.empty() && (pin == nullptr || std::string_view(pin, pin_size) != wanted)) return -ENOANO;
  const std::string secret = value(text, "secret");
  if (secret.empty()) return -EAGAIN;
  *buffer = ::strdup(secret.c_str());
  *length = secret.size();
  return *buffer == nullptr ? -ENOMEM : 0;
}

int cryptsetup_token_open(crypt_device* device, int token, char** buffer, std::size_t* length,
                          void* pointer) {
  return cryptsetup_token_open_pin(device, token, nullptr, 0, buffer, length, pointer);
}

void cryptsetup_token_buffer_free(void* buffer, std::size_t length) {
  ::explicit_bzero(buffer, length);
  std::free(buffer);
}

const char* cryptsetup_token_version() {
  return "1";
}

}  // extern "C"
