// The other side of a plugin: what runs in the process that loads it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lib/crypt/key_handler.h"
#include "lib/crypt/plugin_channel.h"

namespace cv::crypt {

/// What a call is about, but for its secret, which comes over the socket.
struct PluginCall {
  std::string name;
  PluginTask task = PluginTask::describe;
  std::span<const std::byte> store;
  StoreAttributes attributes;
  KdfOptions kdf;
  std::uint64_t region = 0;  ///< of format
};

inline constexpr int kPluginSocket = 3;
inline constexpr int kPluginObject = 4;

/// Loads the object that is open as kPluginObject, does one call, and reports on kPluginSocket.
void run_plugin(const PluginCall& call);

}  // namespace cv::crypt
