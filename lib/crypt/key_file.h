// Secrets from files and pipes: which bytes are read, and what can be wrong with them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/units.h"
#include "lib/crypt/secret.h"

namespace cv::crypt {

/// What is read without a size; more is refused, as cryptsetup does.
inline constexpr Bytes kKeyFileLimit{8 * 1024 * 1024};

/// All bytes of the file, newlines included, or `size` of them, from `offset` on; "-" is standard input.
/// Throws Errc::key_file where that can't be had.
SecureBytes read_key_file(const std::string& path, Bytes offset = Bytes(0),
                          std::optional<Bytes> size = std::nullopt);

/// The lines of a secret that came through a pipe, without their newlines: at most `most`, the rest is left.
/// No line where there are no bytes.
std::vector<SecureBytes> split_lines(std::span<const std::byte> bytes, std::size_t most = 2);

}  // namespace cv::crypt
