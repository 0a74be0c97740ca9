// What goes over the socket between us and the process that runs a plugin.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "lib/crypt/helper_process.h"
#include "lib/crypt/secret.h"

namespace cv::crypt {

/// What a plugin is called for.
enum class PluginTask : std::uint8_t { describe, min_region, format, unlock, verify };

enum class Note : std::uint8_t {
  secret,  ///< to the plugin, first: the secret, or the key to verify
  ask,     ///< from the plugin: the prompt
  answer,  ///< to the plugin: what was typed
  no_answer,
  log,     ///< a byte for the level, the text
  number,  ///< eight bytes: the region, or the flags
  store,   ///< the bytes of a new store
  key,
  done,  ///< the last: a byte for the outcome
};

struct Message {
  Note note = Note::done;
  SecureBytes body;
};

/// Flags of Note::number after PluginTask::describe.
inline constexpr std::uint64_t kAsksNoSecret = 1;
inline constexpr std::uint64_t kCanVerify = 2;

/// Outcomes past those of the interface: why a plugin can't be used at all.
enum class PluginFlaw : std::uint8_t {
  not_loadable = 100,
  no_symbol,
  other_version,
  no_handler,
  other_name,
  too_small
};

/// Does not throw where the other side is gone: receive() says so.
void send_message(int socket, Note note, std::span<const std::byte> body);
/// Nothing at the end. Throws Errc::io where the deadline passes and Errc::damaged for what is no message, or
/// longer than `longest`.
std::optional<Message> receive_message(int socket, std::optional<Deadline> deadline, std::size_t longest);

}  // namespace cv::crypt
