// Handlers that are not compiled in: where they are looked for, and what they can count on.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

#include "lib/crypt/secret.h"

namespace cv::crypt {

struct ExternalHandlers {
  /// The one directory of plugins; empty: there are none.
  std::string plugin_dir;
  std::chrono::milliseconds plugin_patience = std::chrono::seconds(60);
  /// Who may own plugins, programs and their configuration, beside root.
  uid_t owner = 0;
  /// A further secret that a plugin wants, as a PIN; nothing where nobody answers.
  std::function<std::optional<SecureBytes>(const std::string& prompt)> ask;
};

}  // namespace cv::crypt
