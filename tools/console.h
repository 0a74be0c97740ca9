// Talking with the person: questions, and secrets that nobody sees.
#pragma once

#include <optional>
#include <string>

#include "lib/crypt/secret.h"

namespace cv::tools {

/// What standard input is, and so where a secret or an answer can come from.
enum class Input {
  terminal,  ///< a person types
  stream,    ///< a pipe, a socket or a file: lines
  none,      ///< closed, or /dev/null
};

class Console {
 public:
  virtual ~Console() = default;

  virtual Input input() = 0;
  /// Shows `prompt` and reads a line without echo. Nothing at the end of file. Throws Errc::interrupted for
  /// Ctrl-C. Only where input() is a terminal.
  virtual std::optional<crypt::SecureBytes> ask_hidden(const std::string& prompt) = 0;
  /// The next line of standard input, without its newline. Nothing at the end of file. Reads not one byte
  /// more. Only where input() is a stream.
  virtual std::optional<crypt::SecureBytes> next_line() = 0;
  /// Asks the host's password agents (systemd-ask-password). Nothing where there are none or where nobody
  /// answers in time. `id` names what it is for.
  virtual std::optional<crypt::SecureBytes> ask_agent(const std::string& prompt, const std::string& id) = 0;
  /// Shows `question` and reads the line that answers it, from a terminal or a stream. Nothing at the end of
  /// file or where there is neither.
  virtual std::optional<std::string> ask(const std::string& question) = 0;
};

/// How questions are answered without asking.
enum class Assume { nothing, yes };

/// "Do you really want to ...? [y/n]: " until the answer is one. No answer is a no.
bool confirmed(Console& console, const std::string& question, Assume assume);

}  // namespace cv::tools
