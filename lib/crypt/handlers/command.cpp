// A handler that is a program: it keeps a key that we make, and gives it back.
#include <algorithm>
#include <cstring>

#include <sys/wait.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/command_request.h"
#include "lib/crypt/command_run.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/handlers/external.h"
#include "lib/crypt/handlers/handlers.h"
#include "lib/crypt/helper_process.h"

namespace cv::crypt {

namespace {

constexpr std::string_view kMagic = "CVMCMD01";
constexpr std::size_t kDigestBytes = 32;
constexpr int kSecretWasWrong = 2;

/// What stands before the program's bytes, so that it gets back what it gave, without the padding of a store.
struct Head {
  char magic[8];
  le32 size;
  std::uint8_t digest[kDigestBytes];  ///< SHA-256 of the program's bytes
};
static_assert(sizeof(Head) == 44);

std::vector<std::byte> with_head(std::span<const std::byte> bytes) {
  Head head{};
  std::ranges::copy(kMagic, head.magic);
  head.size = static_cast<std::uint32_t>(bytes.size());
  const auto digest = sha256(bytes);
  std::memcpy(head.digest, digest.data(), kDigestBytes);
  std::vector<std::byte> all(sizeof head + bytes.size());
  std::memcpy(all.data(), &head, sizeof head);
  std::ranges::copy(bytes, all.begin() + sizeof head);
  return all;
}

std::span<const std::byte> without_head(std::string_view handler, std::span<const std::byte> store) {
  Head head{};
  if (store.size() >= sizeof head) std::memcpy(&head, store.data(), sizeof head);
  if (std::string_view(head.magic, sizeof head.magic) != kMagic ||
      head.size.value() > store.size() - sizeof head)
    throw Error(Errc::damaged, "this is no store of the key handler {}", handler)
        .advise("restore the store from a backup");
  const auto bytes = store.subspan(sizeof head, head.size.value());
  const auto digest = sha256(bytes);
  if (!same_secret(digest, std::as_bytes(std::span(head.digest))))
    throw Error(Errc::damaged, "the store of the key handler {} is damaged", handler)
        .advise("restore the store from a backup");
  return bytes;
}

class Command final : public ExternalHandler {
 public:
  Command(const std::string& name, CommandSpec spec, uid_t owner)
      : ExternalHandler(name), spec_(std::move(spec)), owner_(owner) {}

  bool needs_secret() const override { return spec_.asks_secret; }

 protected:
  Bytes region_of(const StoreAttributes&) const override { return Bytes(spec_.region); }

  Made make(const FormatRequest& request, const SecureBytes& secret) const override {
    Made made{.bytes = {}, .key = random_key(request.attributes)};
    const std::uint64_t room = spec_.region - sizeof(Head);
    const auto answer = answer_to({.operation = "format",
                                   .handler = name(),
                                   .attributes = request.attributes,
                                   .room = room,
                                   .key = &made.key,
                                   .secret = needs_secret() ? &secret : nullptr},
                                  room);
    if (!answer || answer->empty())
      throw Error(Errc::key_missing, "the key handler {} did not keep the key: {} wrote nothing", name(),
                  spec_.words[0]);
    made.bytes = with_head(answer->bytes());
    return made;
  }

  std::optional<SecureBytes> open(std::span<const std::byte> store, const StoreAttributes& attributes,
                                  const SecureBytes& secret) const override {
    const std::size_t wanted = attributes.key_bits / 8;
    auto key = answer_to({.operation = "unlock",
                          .handler = name(),
                          .attributes = attributes,
                          .store = without_head(name(), store),
                          .secret = needs_secret() ? &secret : nullptr},
                         wanted);
    if (key && key->size() != wanted)
      throw Error(Errc::key_missing, "the key handler {} gave no key: {} wrote {} bytes, {} were asked for",
                  name(), spec_.words[0], key->size(), wanted)
          .advise("a key is written as it is, without a newline");
    return key;
  }

  std::optional<bool> is_key(std::span<const std::byte> store, const StoreAttributes&,
                             const SecureBytes&) const override {
    static_cast<void>(without_head(name(), store));
    return std::nullopt;
  }
  bool can_tell_keys() const override { return false; }

 private:
  /// Nothing where the program says that the secret is wrong.
  std::optional<SecureBytes> answer_to(const CommandRequest& request, std::size_t longest) const {
    CommandAnswer answer = during(fmt::format("the key handler {}", name()),
                                  [&] { return ask_program(spec_, owner_, request_text(request), longest); });
    const int status = answer.status;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::move(answer.output);
    const bool may_be_wrong = request.operation == "unlock" && request.secret != nullptr;
    if (may_be_wrong && WIFEXITED(status) && WEXITSTATUS(status) == kSecretWasWrong) return std::nullopt;
    throw Error(Errc::key_missing, "the key handler {} gave no key: {} {}{}{}", name(), spec_.words[0],
                describe_end(status), answer.complaint.empty() ? "" : ": ", answer.complaint)
        .advise("look whether what it needs can be reached");
  }

  CommandSpec spec_;
  uid_t owner_;
};

}  // namespace

std::unique_ptr<KeyHandler> command_handler(const std::string& name, const ExternalHandlers& settings) {
  if (!settings.command || !is_handler_name(name)) return nullptr;
  auto spec = settings.command(name);
  if (!spec) return nullptr;
  return std::make_unique<Command>(name, std::move(*spec), settings.owner);
}

}  // namespace cv::crypt
