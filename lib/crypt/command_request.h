// What a program that is a key handler is asked, as JSON in memory that is wiped.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/crypt/key_handler.h"

namespace cv::crypt {

struct CommandRequest {
  std::string_view operation;  ///< "format" or "unlock"
  std::string_view handler;
  const StoreAttributes& attributes;
  std::uint64_t room = 0;               ///< of format: for the bytes that it answers with
  std::span<const std::byte> store;     ///< of unlock: what format had answered with
  const SecureBytes* key = nullptr;     ///< of format: the master key to keep
  const SecureBytes* secret = nullptr;  ///< where one is asked for
};

/// One line, with a newline.
SecureBytes request_text(const CommandRequest& request);

}  // namespace cv::crypt
