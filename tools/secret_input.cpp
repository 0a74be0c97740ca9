#include "tools/secret_input.h"

#include <cstdlib>

#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/crypt/key_file.h"
#include "lib/crypt/swap_space.h"
#include "tools/common_options.h"

namespace cv::tools {

namespace {

using activate::SecretRequest;
using crypt::SecureBytes;

std::string store_name(const SecretRequest& request) {
  return fmt::format("{}/{}", request.vg, request.store);
}

/// A plain store has no passphrase: its secret is the key itself, which people type in hex.
bool wants_hex(const SecretRequest& request) {
  return request.handler == "plain";
}

/// Before the secret is read.
void warn_of_swap(const SecretRequest& request) {
  if (request.attempt > 1) return;
  const auto why = crypt::why_secrets_may_be_swapped();
  if (!why) return;
  log::warning("secrets can't be locked in memory ({}), so that they may be written to swap space", *why);
  log::warning("raise the limit (ulimit -l), run it with CAP_IPC_LOCK, or encrypt the swap space");
}

std::string prompt_for(const SecretRequest& request) {
  if (wants_hex(request)) {
    return fmt::format("Key of {} as {} hex digits: ", store_name(request), request.attributes.key_bits / 4);
  }
  return fmt::format("Passphrase of {}: ", store_name(request));
}

Error nothing_there(const SecretRequest& request, std::string_view why) {
  return Error(Errc::key_missing, "there is no key for {}: {}", store_name(request), why)
      .advise("give one with --keyfile, or run it at a terminal");
}

int hex_digit(std::byte character) {
  const auto c = static_cast<char>(character);
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// What a person or a program wrote in a line, as the bytes that the handler takes.
SecureBytes from_line(const SecretRequest& request, SecureBytes line) {
  if (!wants_hex(request)) return line;
  auto key = key_from_hex(line);
  if (key) return std::move(*key);
  throw Error(Errc::key_file,
              "the key of {} has {} hex digits; what was given has {} characters and is no such key",
              store_name(request), request.attributes.key_bits / 4, line.size())
      .advise("give the key itself as a file with --keyfile");
}

}  // namespace

std::optional<SecureBytes> key_from_hex(const SecureBytes& digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  SecureBytes key(digits.size() / 2);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const int high = hex_digit(digits.bytes()[2 * i]);
    const int low = hex_digit(digits.bytes()[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    key.bytes()[i] = static_cast<std::byte>(high * 16 + low);
  }
  return key;
}

namespace {

SecretSettings settings_of(const Arguments& arguments, const Option& file, const Option& offset,
                           const Option& size) {
  SecretSettings settings;
  settings.key_file = arguments.text(file);
  for (const Option& part : {offset, size}) {
    if (arguments.has(part) && !settings.key_file) {
      throw Error(Errc::usage, "--{} without --{} says nothing", part.name, file.name)
          .advise("name the file with --{}", file.name);
    }
  }
  settings.offset = Bytes(arguments.number(offset).value_or(0));
  if (const auto bytes = arguments.number(size)) settings.size = Bytes(*bytes);
  constexpr std::uint64_t kMostTries = 100;
  settings.tries = static_cast<unsigned>(arguments.number(kTries, kMostTries).value_or(settings.tries));
  settings.may_ask = !arguments.has(kNoAskPassword);
  return settings;
}

}  // namespace

SecretSettings secret_settings(const Arguments& arguments) {
  SecretSettings settings = settings_of(arguments, kKeyFile, kKeyFileOffset, kKeyFileSize);
  if (const char* folder = std::getenv("CREDENTIALS_DIRECTORY")) settings.credentials = folder;
  return settings;
}

SecretSettings new_secret_settings(const Arguments& arguments) {
  return settings_of(arguments, kNewKeyFile, kNewKeyFileOffset, kNewKeyFileSize);
}

SecretInput::SecretInput(Console& console, SecretSettings settings)
    : console_(console), settings_(std::move(settings)) {}

std::optional<SecureBytes> SecretInput::next(const SecretRequest& request) {
  warn_of_swap(request);
  const bool at_terminal = !settings_.key_file && settings_.may_ask && console_.input() == Input::terminal;
  if (!at_terminal) {
    if (request.attempt > 1) return std::nullopt;
    return unattended(request);
  }
  if (request.attempt > settings_.tries) return std::nullopt;
  if (request.attempt > 1) log::error("this opens no key slot of {}; try again", store_name(request));
  return typed(request, prompt_for(request));
}

std::optional<SecureBytes> SecretInput::pin(const SecretRequest& request, const std::string& token) {
  const Input input = console_.input();
  // A line on standard input and a credential are the passphrase.
  if (!settings_.may_ask || input == Input::stream) return std::nullopt;
  const auto prompt =
      fmt::format("PIN of {} for its {} token (none: the passphrase): ", store_name(request), token);
  if (input != Input::terminal) {
    if (request.attempt > 1 || from_credential(request)) return std::nullopt;
    return console_.ask_agent(prompt, store_name(request));
  }
  if (request.attempt > settings_.tries) return std::nullopt;
  if (request.attempt > 1)
    log::error("the {} token of {} refuses this PIN; try again", token, store_name(request));
  return console_.ask_hidden(prompt);
}

SecureBytes SecretInput::fresh(const SecretRequest& request) {
  warn_of_swap(request);
  const bool at_terminal = !settings_.key_file && settings_.may_ask && console_.input() == Input::terminal;
  SecureBytes secret = at_terminal ? typed_twice(request) : unattended(request);
  if (secret.empty()) {
    throw Error(Errc::key_missing, "the secret for {} is empty", store_name(request))
        .advise("give at least one byte");
  }
  return secret;
}

void SecretInput::forget() {
  file_.reset();
  line_.reset();
}

std::optional<SecureBytes> SecretInput::further(const std::string& prompt) {
  if (!settings_.may_ask) return std::nullopt;
  switch (console_.input()) {
    case Input::terminal: return console_.ask_hidden(prompt);
    case Input::stream: return console_.next_line();
    case Input::none: break;
  }
  return console_.ask_agent(prompt, "key-handler");
}

std::string SecretInput::advice_when_wrong() const {
  if (!file_ || file_->empty() || file_->bytes().back() != std::byte{'\n'}) return {};
  return "the key file ends in a newline, which counts as part of the key; make one without it, or cut it "
         "off "
         "with --keyfile-size";
}

SecureBytes SecretInput::unattended(const SecretRequest& request) {
  if (settings_.key_file) return from_key_file();
  const Input input = console_.input();
  if (settings_.may_ask && input == Input::stream) return from_stream(request);
  if (auto secret = from_credential(request)) return std::move(*secret);
  if (!settings_.may_ask) throw nothing_there(request, "--no-ask-password forbids to ask");
  return from_agent(request);
}

SecureBytes SecretInput::from_key_file() {
  if (!file_) file_ = crypt::read_key_file(*settings_.key_file, settings_.offset, settings_.size);
  return file_->clone();
}

SecureBytes SecretInput::from_stream(const SecretRequest& request) {
  if (!line_) line_ = console_.next_line();
  if (!line_) throw nothing_there(request, "standard input ended before a line");
  return from_line(request, line_->clone());
}

std::optional<SecureBytes> SecretInput::from_credential(const SecretRequest& request) const {
  if (settings_.credentials.empty()) return std::nullopt;
  const std::string path = fmt::format("{}/cvm.{}.{}", settings_.credentials, request.vg, request.store);
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  return crypt::read_key_file(path);
}

SecureBytes SecretInput::from_agent(const SecretRequest& request) {
  auto answer = console_.ask_agent(prompt_for(request), store_name(request));
  if (!answer)
    throw nothing_there(request, "there is no terminal, no line on standard input, and no agent to ask");
  return from_line(request, std::move(*answer));
}

SecureBytes SecretInput::typed(const SecretRequest& request, const std::string& prompt) {
  auto line = console_.ask_hidden(prompt);
  if (!line) throw nothing_there(request, "the terminal gave no line");
  return from_line(request, std::move(*line));
}

SecureBytes SecretInput::typed_twice(const SecretRequest& request) {
  for (unsigned attempt = 1;; ++attempt) {
    SecureBytes first = typed(request, fmt::format("New {}", prompt_for(request)));
    const SecureBytes second = typed(request, "The same again: ");
    if (crypt::same_secret(first.bytes(), second.bytes())) return first;
    if (attempt >= settings_.tries) {
      throw Error(Errc::key_wrong, "the two entries for {} are not the same", store_name(request));
    }
    log::error("the two entries are not the same; try again");
  }
}

}  // namespace cv::tools
