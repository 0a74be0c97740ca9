#include "lib/crypt/plugin_child.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>

#include "lib/base/bytes.h"
#include "lib/crypt/plugin_interface/cvm-key-handler.h"

namespace cv::crypt {

namespace {

using Entry = const cvm_key_handler*(const cvm_key_host*);

constexpr std::size_t kLongestLine = 1000;
constexpr std::size_t kLongestSecret = std::size_t{8} << 20;

/// One call of a plugin. The functions of the host find it through the struct that they are called with.
class Call {
 public:
  explicit Call(const PluginCall& asked) : asked_(asked) {
    host_.call = this;
    host_.size = sizeof(cvm_key_host);
    host_.abi = CVM_KEY_ABI;
    host_.store_size = [](const cvm_key_host* host) { return of(host).store_size(); };
    host_.store_read = [](const cvm_key_host* host, std::uint64_t offset, void* buffer, std::size_t size) {
      return of(host).read(offset, buffer, size);
    };
    host_.store_write = [](const cvm_key_host* host, std::uint64_t offset, const void* buffer,
                           std::size_t size) { return of(host).write(offset, buffer, size); };
    host_.attribute = [](const cvm_key_host* host, const char* name) { return of(host).attribute(name); };
    host_.ask = [](const cvm_key_host*, const char* prompt, void* buffer, std::size_t size) {
      return ask(prompt, buffer, size);
    };
    host_.log = [](const cvm_key_host*, int level, const char* text) {
      log(static_cast<std::uint8_t>(level), text);
    };
    host_.random = [](const cvm_key_host*, void* buffer, std::size_t size) {
      fill_random({static_cast<std::byte*>(buffer), size});
    };
    name_attributes();
  }

  /// What Note::done carries.
  std::uint8_t run() {
    // First of all: nothing of the plugin's runs while the other side waits for us to read.
    const auto secret = receive_message(kPluginSocket, std::nullopt, kLongestSecret);
    if (!secret) return CVM_KEY_FAILED;
    const cvm_key_handler* handler = nullptr;
    if (const std::uint8_t flaw = load(handler); flaw != 0) return flaw;
    const std::span<const std::byte> given = secret->body.bytes();
    SecureBytes key(asked_.attributes.key_bits / 8);
    int result = CVM_KEY_FAILED;
    switch (asked_.task) {
      case PluginTask::describe: {
        const bool asks_none = (handler->flags & CVM_KEY_ASKS_NO_SECRET) != 0;
        number((asks_none ? kAsksNoSecret : 0) | (handler->verify != nullptr ? kCanVerify : 0));
        return CVM_KEY_OK;
      }
      case PluginTask::min_region: {
        std::uint64_t bytes = 0;
        result = handler->min_region(&host_, &bytes);
        number(bytes);
        break;
      }
      case PluginTask::format:
        result = handler->format(&host_, given.data(), given.size(), key.data(), key.size());
        if (result == CVM_KEY_OK) send_message(kPluginSocket, Note::store, staged_);
        if (result == CVM_KEY_OK) send_message(kPluginSocket, Note::key, key.bytes());
        break;
      case PluginTask::unlock:
        result = handler->unlock(&host_, given.data(), given.size(), key.data(), key.size());
        if (result == CVM_KEY_OK) send_message(kPluginSocket, Note::key, key.bytes());
        break;
      case PluginTask::verify:
        if (handler->verify != nullptr) result = handler->verify(&host_, given.data(), given.size());
        break;
    }
    return static_cast<std::uint8_t>(result < 0 || result > CVM_KEY_FAILED ? CVM_KEY_FAILED : result);
  }

 private:
  struct Host : cvm_key_host {
    Call* call = nullptr;
  };
  static Call& of(const cvm_key_host* host) { return *static_cast<const Host*>(host)->call; }

  static void number(std::uint64_t value) {
    const le64 field = value;
    send_message(kPluginSocket, Note::number, std::as_bytes(std::span(&field, 1)));
  }

  static void log(std::uint8_t level, const char* text) {
    std::string line(1, static_cast<char>(level));
    line.append(text, ::strnlen(text, kLongestLine));
    send_message(kPluginSocket, Note::log, bytes_of(line));
  }

  static long ask(const char* prompt, void* buffer, std::size_t size) {
    send_message(kPluginSocket, Note::ask, bytes_of({prompt, ::strnlen(prompt, kLongestLine)}));
    const auto answer = receive_message(kPluginSocket, std::nullopt, kLongestSecret);
    if (!answer || answer->note != Note::answer || answer->body.size() > size) return -1;
    std::memcpy(buffer, answer->body.data(), answer->body.size());
    return static_cast<long>(answer->body.size());
  }

  static std::uint8_t flaw(PluginFlaw what) { return static_cast<std::uint8_t>(what); }

  std::uint8_t load(const cvm_key_handler*& handler) {
    void* const object =
        ::dlopen(fmt::format("/proc/self/fd/{}", kPluginObject).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) {
      log(CVM_KEY_LOG_ERROR, ::dlerror());
      return flaw(PluginFlaw::not_loadable);
    }
    void* const entry = ::dlvsym(object, CVM_KEY_SYMBOL, CVM_KEY_SYMBOL_VERSION);
    if (entry == nullptr) {
      const bool has_another = ::dlsym(object, CVM_KEY_SYMBOL) != nullptr;
      return flaw(has_another ? PluginFlaw::other_version : PluginFlaw::no_symbol);
    }
    handler = reinterpret_cast<Entry*>(entry)(&host_);
    if (handler == nullptr) return flaw(PluginFlaw::no_handler);
    if (handler->size < sizeof(cvm_key_handler)) return flaw(PluginFlaw::too_small);
    if (handler->abi != CVM_KEY_ABI) return flaw(PluginFlaw::other_version);
    if (handler->min_region == nullptr || handler->format == nullptr || handler->unlock == nullptr)
      return flaw(PluginFlaw::too_small);
    return handler->name != nullptr && handler->name == asked_.name ? 0 : flaw(PluginFlaw::other_name);
  }

  std::uint64_t store_size() const {
    return asked_.task == PluginTask::format ? asked_.region : asked_.store.size();
  }

  int read(std::uint64_t offset, void* buffer, std::size_t size) const {
    if (offset > asked_.store.size() || size > asked_.store.size() - offset) return -1;
    std::memcpy(buffer, asked_.store.data() + offset, size);
    return 0;
  }

  int write(std::uint64_t offset, const void* buffer, std::size_t size) {
    if (asked_.task != PluginTask::format || offset > asked_.region || size > asked_.region - offset)
      return -1;
    if (staged_.size() < offset + size) staged_.resize(offset + size);
    std::memcpy(staged_.data() + offset, buffer, size);
    return 0;
  }

  const char* attribute(const char* name) const {
    const auto found = attributes_.find(name);
    return found == attributes_.end() ? nullptr : found->second.c_str();
  }

  void name_attributes() {
    const StoreAttributes& attributes = asked_.attributes;
    attributes_ = {{"cipher", attributes.cipher},
                   {"key_size", std::to_string(attributes.key_bits)},
                   {"hash", attributes.hash},
                   {"sector_size", std::to_string(attributes.sector_bytes)}};
    if (!asked_.kdf.type.empty()) attributes_["pbkdf"] = asked_.kdf.type;
    const auto number = [&](const char* name, std::uint32_t value) {
      if (value != 0) attributes_[name] = std::to_string(value);
    };
    number("pbkdf_memory", asked_.kdf.memory_kib);
    number("pbkdf_parallel", asked_.kdf.parallel);
    number("pbkdf_iterations", asked_.kdf.iterations);
    number("iter_time", asked_.kdf.milliseconds);
  }

  const PluginCall& asked_;
  Host host_{};
  std::map<std::string, std::string, std::less<>> attributes_;
  std::vector<std::byte> staged_;
};

}  // namespace

void run_plugin(const PluginCall& call) {
  const std::uint8_t outcome = Call(call).run();
  send_message(kPluginSocket, Note::done, std::as_bytes(std::span(&outcome, 1)));
}

}  // namespace cv::crypt
