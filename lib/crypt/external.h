// Handlers that are not compiled in: where they are looked for, and what they can count on.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "lib/crypt/secret.h"

namespace cv::crypt {

/// A handler that is a program; what the configuration says of it.
struct CommandSpec {
  std::vector<std::string> words;        ///< the path of the program, and its arguments
  std::chrono::milliseconds patience{};  ///< for each call
  std::uint64_t region = 0;              ///< bytes that a store of it needs
  bool asks_secret = false;              ///< whether a passphrase is asked for and handed in
};

struct ExternalHandlers {
  /// The one directory of plugins; empty: there are none.
  std::string plugin_dir;
  std::chrono::milliseconds plugin_patience = std::chrono::seconds(60);
  /// Who may own plugins, programs and their configuration, beside root.
  uid_t owner = 0;
  /// The command handler of that name; asked when a name is none of those compiled in.
  std::function<std::optional<CommandSpec>(std::string_view name)> command;
  /// A further secret that a plugin wants, as a PIN; nothing where nobody answers.
  std::function<std::optional<SecureBytes>(const std::string& prompt)> ask;
};

}  // namespace cv::crypt
