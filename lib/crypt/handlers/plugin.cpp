// A handler in a shared object, each call of which runs in a process of its own.
#include <algorithm>
#include <cctype>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/crypt/handlers/external.h"
#include "lib/crypt/plugin_child.h"
#include "lib/crypt/plugin_interface/cvm-key-handler.h"
#include "lib/crypt/trusted_path.h"

namespace cv::crypt {

namespace {

/// More than any store has.
constexpr std::size_t kLongestMessage = std::size_t{64} << 20;

/// What a call brought back.
struct Answer {
  std::uint8_t outcome = CVM_KEY_FAILED;
  std::uint64_t number = 0;
  std::vector<std::byte> store;
  std::optional<SecureBytes> key;
  std::string reason;  ///< the last line that was logged as an error
};

std::string path_of(const std::string& dir, const std::string& name) {
  return fmt::format("{}/{}.so", dir, name);
}

std::string printable(std::string_view text) {
  std::string line;
  for (const char c : text)
    if (std::iscntrl(static_cast<unsigned char>(c)) == 0) line += c;
  return line;
}

class Plugin final : public ExternalHandler {
 public:
  Plugin(const std::string& name, const ExternalHandlers& settings)
      : ExternalHandler(name), settings_(settings), path_(path_of(settings.plugin_dir, name)) {}

  bool needs_secret() const override { return (flags() & kAsksNoSecret) == 0; }

 protected:
  Bytes region_of(const StoreAttributes& attributes) const override {
    PluginCall call = call_for(PluginTask::min_region);
    call.attributes = attributes;
    return Bytes(done(call, {}).number);
  }

  Made make(const FormatRequest& request, const SecureBytes& secret) const override {
    PluginCall call = call_for(PluginTask::format);
    call.attributes = request.attributes;
    call.kdf = request.kdf;
    call.region = request.region.n;
    Answer answer = done(call, secret.bytes());
    if (!answer.key) throw nonsense();
    return {std::move(answer.store), std::move(*answer.key)};
  }

  std::optional<SecureBytes> open(std::span<const std::byte> store, const StoreAttributes& attributes,
                                  const SecureBytes& secret) const override {
    PluginCall call = call_for(PluginTask::unlock);
    call.store = store;
    call.attributes = attributes;
    Answer answer = done(call, secret.bytes());
    if (answer.outcome == CVM_KEY_WRONG) return std::nullopt;
    if (!answer.key) throw nonsense();
    return std::move(answer.key);
  }

  std::optional<bool> is_key(std::span<const std::byte> store, const StoreAttributes& attributes,
                             const SecureBytes& key) const override {
    if (!can_tell_keys()) return std::nullopt;
    PluginCall call = call_for(PluginTask::verify);
    call.store = store;
    call.attributes = attributes;
    return done(call, key.bytes()).outcome == CVM_KEY_OK;
  }

  bool can_tell_keys() const override { return (flags() & kCanVerify) != 0; }

 private:
  PluginCall call_for(PluginTask task) const {
    PluginCall call;
    call.name = name();
    call.task = task;
    return call;
  }

  std::uint64_t flags() const {
    if (!flags_) flags_ = done(call_for(PluginTask::describe), {}).number;
    return *flags_;
  }

  Error nonsense() const {
    return Error(Errc::unsupported, "the key handler {} says what makes no sense", path_);
  }

  /// A call that came to CVM_KEY_OK or CVM_KEY_WRONG; everything else is thrown.
  Answer done(const PluginCall& call, std::span<const std::byte> secret) const {
    Answer answer = answer_to(call, secret);
    const bool may_be_wrong = call.task == PluginTask::unlock || call.task == PluginTask::verify;
    if (answer.outcome == CVM_KEY_OK || (answer.outcome == CVM_KEY_WRONG && may_be_wrong)) return answer;
    if (answer.outcome >= static_cast<std::uint8_t>(PluginFlaw::not_loadable))
      throw flawed(static_cast<PluginFlaw>(answer.outcome), answer.reason);
    throw Error(kind_of(answer.outcome), "the key handler {} can't do it: {}", name(),
                answer.reason.empty() ? "it does not say why" : answer.reason);
  }

  static Errc kind_of(std::uint8_t outcome) {
    switch (outcome) {
      case CVM_KEY_WRONG: return Errc::key_wrong;
      case CVM_KEY_DAMAGED: return Errc::damaged;
      case CVM_KEY_BAD_SECRET: return Errc::key_file;
      case CVM_KEY_NO_ROOM: return Errc::no_space;
      case CVM_KEY_NO_SECRET: return Errc::key_missing;
      default: return Errc::unsupported;
    }
  }

  Error flawed(PluginFlaw what, const std::string& reason) const {
    const auto error = [&](std::string_view why) {
      return Error(Errc::no_handler, "the key handler {} can't be used: {}", path_, why)
          .advise("install a build of it for this version of cvm");
    };
    switch (what) {
      case PluginFlaw::not_loadable: return error("it can't be loaded: " + reason);
      case PluginFlaw::no_symbol: return error("it has no symbol " CVM_KEY_SYMBOL " and is no key handler");
      case PluginFlaw::other_version: return error("it was built for another version of the interface");
      case PluginFlaw::no_handler: return error("it says that it can't work with this cvm");
      case PluginFlaw::other_name: return error("the name in it is another one");
      case PluginFlaw::too_small: return error("it lacks a part of the interface");
    }
    return nonsense();
  }

  Answer answer_to(const PluginCall& call, std::span<const std::byte> secret) const {
    const Fd object = open_trusted(path_, settings_.owner);
    Ends ends = make_socket_pair();
    const std::vector<int> descriptors = {-1, -1, -1, ends.second.get(), object.get()};
    static_assert(kPluginSocket == 3 && kPluginObject == 4);
    HelperProcess process(descriptors, [&] { run_plugin(call); });
    ends.second.reset();
    const timeval while_sending{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(ends.first.get(), SOL_SOCKET, SO_SNDTIMEO, &while_sending, sizeof while_sending);
    send_message(ends.first.get(), Note::secret, secret);
    Answer answer;
    const bool is_done =
        during(fmt::format("the key handler {}", name()), [&] { return listen(ends.first.get(), answer); });
    const int status = process.stop();
    if (!is_done)
      throw Error(Errc::unsupported, "the key handler {} {}", name(), describe_end(status))
          .advise("this is a fault in {}; nothing was changed", path_);
    return answer;
  }

  /// Serves the plugin until it is done; false where it went away before.
  bool listen(int socket, Answer& answer) const {
    auto deadline = std::chrono::steady_clock::now() + settings_.plugin_patience;
    while (auto message = next_message(socket, deadline)) {
      SecureBytes& body = message->body;
      switch (message->note) {
        case Note::ask: {
          const auto before = std::chrono::steady_clock::now();
          answer_question(socket, printable({body.data(), body.size()}));
          deadline += std::chrono::steady_clock::now() - before;
          break;
        }
        case Note::log: take_line(body, answer.reason); break;
        case Note::number:
          if (body.size() != sizeof(le64)) throw nonsense();
          answer.number = reinterpret_cast<const le64*>(body.data())->value();
          break;
        case Note::store: answer.store.assign(body.bytes().begin(), body.bytes().end()); break;
        case Note::key: answer.key = std::move(body); break;
        case Note::done:
          if (body.size() != 1) throw nonsense();
          answer.outcome = std::to_integer<std::uint8_t>(body.bytes().front());
          return true;
        case Note::secret:
        case Note::answer:
        case Note::no_answer: throw nonsense();
      }
    }
    return false;
  }

  std::optional<Message> next_message(int socket, Deadline deadline) const {
    if (std::chrono::steady_clock::now() < deadline)
      return receive_message(socket, deadline, kLongestMessage);
    throw Error(Errc::io, "it does not come to an end");
  }

  void answer_question(int socket, const std::string& prompt) const {
    const auto answer = settings_.ask ? settings_.ask(prompt) : std::nullopt;
    if (answer)
      send_message(socket, Note::answer, answer->bytes());
    else
      send_message(socket, Note::no_answer, {});
  }

  void take_line(const SecureBytes& body, std::string& reason) const {
    if (body.empty()) throw nonsense();
    const std::string line = printable({body.data() + 1, body.size() - 1});
    switch (body.data()[0]) {
      case CVM_KEY_LOG_ERROR: reason = line; break;
      case CVM_KEY_LOG_WARNING: log::warning("{}: {}", name(), line); break;
      case CVM_KEY_LOG_VERBOSE: log::verbose("{}: {}", name(), line); break;
      case CVM_KEY_LOG_DEBUG: log::debug("{}: {}", name(), line); break;
    }
  }

  const ExternalHandlers& settings_;
  std::string path_;
  mutable std::optional<std::uint64_t> flags_;  ///< of the object, asked for once
};

}  // namespace

std::unique_ptr<KeyHandler> plugin_handler(const std::string& name, const ExternalHandlers& settings) {
  if (settings.plugin_dir.empty() || !is_handler_name(name)) return nullptr;
  if (::access(path_of(settings.plugin_dir, name).c_str(), F_OK) != 0) return nullptr;
  return std::make_unique<Plugin>(name, settings);
}

}  // namespace cv::crypt
