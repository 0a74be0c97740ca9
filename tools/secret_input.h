// Where a command's secrets come from: a key file, a prompt, a pipe, a credential, the host's agents.
#pragma once

#include <optional>
#include <string>

#include "activate/unlock.h"
#include "lib/base/units.h"
#include "tools/arguments.h"
#include "tools/console.h"

namespace cv::tools {

struct SecretSettings {
  std::optional<std::string> key_file;  ///< "-": standard input
  Bytes offset;
  std::optional<Bytes> size;
  unsigned tries = 3;       ///< at a terminal
  bool may_ask = true;      ///< false: --no-ask-password
  std::string credentials;  ///< the folder; empty: none
};
/// From --keyfile and its like; the credentials folder from the environment. Throws Errc::usage for an offset
/// or size without a file.
SecretSettings secret_settings(const Arguments& arguments);

/// The same for the new secret of a command that asks for an old one too: --new-keyfile and its like. There
/// is no credential of a new secret.
SecretSettings new_secret_settings(const Arguments& arguments);

/// For one command: the same file or line serves each store that is asked for.
class SecretInput final : public activate::SecretSource {
 public:
  SecretInput(Console& console, SecretSettings settings);

  /// Throws Errc::key_missing where nobody can be asked or nobody answers, Errc::key_file for a file that
  /// can't be read and for what was typed as a plain key and is none.
  std::optional<crypt::SecureBytes> next(const activate::SecretRequest& request) override;
  std::string advice_when_wrong() const override;
  bool allows_tokens() const override { return !settings_.key_file; }
  /// At a terminal, or of the agents where nothing else could give the passphrase. An empty one prefers that.
  std::optional<crypt::SecureBytes> pin(const activate::SecretRequest& request,
                                        const std::string& token) override;

  /// The secret of a store that is being made; typed twice at a terminal.
  crypt::SecureBytes fresh(const activate::SecretRequest& request);

  /// Wipes what was read. For commands that have every key they need: they ask no more.
  void forget();

  /// What a key handler wants beside the secret, as a PIN: from the terminal, the next line, or an agent.
  /// Nothing where nobody may be asked or nobody answers.
  std::optional<crypt::SecureBytes> further(const std::string& prompt);

  /// Whether a key file was named, so that a key is there without asking.
  bool has_key_file() const { return settings_.key_file.has_value(); }

 private:
  crypt::SecureBytes from_key_file();
  crypt::SecureBytes from_stream(const activate::SecretRequest& request);
  std::optional<crypt::SecureBytes> from_credential(const activate::SecretRequest& request) const;
  crypt::SecureBytes from_agent(const activate::SecretRequest& request);
  crypt::SecureBytes typed(const activate::SecretRequest& request, const std::string& prompt);
  crypt::SecureBytes typed_twice(const activate::SecretRequest& request);
  /// All but the terminal.
  crypt::SecureBytes unattended(const activate::SecretRequest& request);

  Console& console_;
  SecretSettings settings_;
  std::optional<crypt::SecureBytes> file_;  ///< read once: standard input can't be read again
  std::optional<crypt::SecureBytes> line_;  ///< the first of a stream
};

/// A master key as a person types it: hex digits in either case. Nothing for anything else.
std::optional<crypt::SecureBytes> key_from_hex(const crypt::SecureBytes& digits);

}  // namespace cv::tools
