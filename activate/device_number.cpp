#include "activate/device_number.h"

#include <cerrno>
#include <charconv>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/base/error.h"

namespace cv::activate {

std::string to_text(DeviceNumber number) {
  return fmt::format("{}:{}", number.major, number.minor);
}

std::optional<DeviceNumber> parse_device_number(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view digits) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const auto major = number(text.substr(0, colon));
  const auto minor = number(text.substr(colon + 1));
  if (!major || !minor) return std::nullopt;
  return DeviceNumber{*major, *minor};
}

DeviceNumber device_number_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw Error(errno == ENOENT ? Errc::not_found : Errc::io, "can't look at {}: {}", path,
                errno_text(errno));
  if (!S_ISBLK(status.st_mode))
    throw Error(Errc::unsupported, "{} is no block device, so no volume on it can be activated", path)
        .advise("attach it with losetup and name the loop device instead");
  return {major(status.st_rdev), minor(status.st_rdev)};
}

}  // namespace cv::activate
