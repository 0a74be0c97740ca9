// A line from a terminal that shows nothing of it.
#pragma once

#include <optional>
#include <string>

#include "lib/crypt/secret.h"

namespace cv::tools {

/// The longest line that is taken from a terminal or a stream as a secret; the limit of a key file.
inline constexpr std::size_t kLongestSecretLine = std::size_t{8} << 20;

/// Shows `prompt` on the terminal `terminal` and reads a line without echo. The terminal is put back however
/// this ends: line, end of file, signal. Nothing at the end of file. Throws Errc::interrupted for SIGINT,
/// SIGTERM, SIGHUP and SIGQUIT; SIGTSTP stops the process with the terminal as it was, and asks again when it
/// goes on.
std::optional<crypt::SecureBytes> read_hidden_line(int terminal, const std::string& prompt);

/// A line of a stream, without its newline, byte by byte so that what follows is left to others. Nothing
/// where there is no byte at all. Throws Errc::key_file for a line past kLongestSecretLine.
std::optional<crypt::SecureBytes> read_secret_line(int stream);

}  // namespace cv::tools
