#include "lib/crypt/command_request.h"

#include <algorithm>

#include <openssl/evp.h>
#include <nlohmann/json.hpp>

#include "lib/base/bytes.h"

namespace cv::crypt {

namespace {

constexpr int kVersion = 1;

std::size_t base64_size(std::size_t size) {
  return (size + 2) / 3 * 4;
}

/// Puts text together in one piece of memory.
class Text {
 public:
  explicit Text(std::size_t most) : bytes_(most) {}

  void add(std::string_view text) {
    std::ranges::copy(bytes_of(text), bytes_.bytes().begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
  }
  void add_base64(std::span<const std::byte> bytes) {
    auto* const to = reinterpret_cast<unsigned char*>(bytes_.data() + size_);
    // It writes a NUL behind what it counts.
    size_ += static_cast<std::size_t>(EVP_EncodeBlock(
        to, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size())));
  }
  SecureBytes take() && {
    bytes_.shrink(size_);
    return std::move(bytes_);
  }

 private:
  SecureBytes bytes_;
  std::size_t size_ = 0;
};

}  // namespace

SecureBytes request_text(const CommandRequest& request) {
  nlohmann::ordered_json open{{"version", kVersion},
                              {"operation", request.operation},
                              {"handler", request.handler},
                              {"cipher", request.attributes.cipher},
                              {"key_size", request.attributes.key_bits / 8},
                              {"hash", request.attributes.hash},
                              {"sector_size", request.attributes.sector_bytes}};
  if (request.room > 0) open["room"] = request.room;
  std::string head = open.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  head.pop_back();  // the brace; what is long or secret follows, and is never in a string
  const auto size_of = [](const SecureBytes* bytes) {
    return bytes == nullptr ? 0 : base64_size(bytes->size());
  };
  Text text(head.size() + base64_size(request.store.size()) + size_of(request.key) + size_of(request.secret) +
            64);
  text.add(head);
  const auto field = [&](std::string_view name, std::span<const std::byte> bytes) {
    text.add(",\"");
    text.add(name);
    text.add("\":\"");
    text.add_base64(bytes);
    text.add("\"");
  };
  if (!request.store.empty()) field("store", request.store);
  if (request.key != nullptr) field("key", request.key->bytes());
  if (request.secret != nullptr) field("secret", request.secret->bytes());
  text.add("}\n");
  return std::move(text).take();
}

}  // namespace cv::crypt
