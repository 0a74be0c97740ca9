#include "activate/block_queue.h"

#include <cerrno>
#include <fstream>
#include <string>

#include "lib/base/error.h"
#include "lib/base/log.h"

namespace cv::activate {

namespace {

std::string file_of(DeviceNumber device, const char* name) {
  return "/sys/dev/block/" + to_text(device) + "/" + name;
}

constexpr const char* kReadAhead = "queue/read_ahead_kb";

}  // namespace

std::optional<std::uint32_t> read_ahead_of(DeviceNumber device) {
  std::ifstream file(file_of(device, kReadAhead));
  std::uint32_t kib = 0;
  if (!(file >> kib)) return std::nullopt;
  return kib * 2;
}

void set_read_ahead(DeviceNumber device, std::uint32_t sectors) {
  std::ofstream file(file_of(device, kReadAhead));
  file << sectors / 2 << std::flush;
  if (!file) log::warning("the read-ahead of {} can't be set: {}", to_text(device), errno_text(errno));
}

void announce_again(DeviceNumber device) {
  std::ofstream file(file_of(device, "uevent"));
  file << "change" << std::flush;
  if (!file) log::warning("udev can't be told of {}: {}", to_text(device), errno_text(errno));
}

}  // namespace cv::activate
