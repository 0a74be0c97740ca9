#include "tools/device_options.h"

#include <algorithm>
#include <array>
#include <limits>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tools/sizes.h"

namespace cv::tools {

namespace {

/// The kernel counts in pages.
constexpr std::uint32_t kSectorsOfPage = 8;

std::uint32_t read_ahead_sectors(const std::string& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool is_plain = std::ranges::all_of(text, is_digit);
  const Bytes bytes = parse_size(is_plain ? text + "s" : text);
  const std::uint64_t wanted = bytes.n / kSectorBytes;
  if (wanted == 0) return 0;
  const std::uint64_t pages = std::max<std::uint64_t>(wanted / kSectorsOfPage, 1);
  if (pages > std::numeric_limits<std::int32_t>::max() / kSectorsOfPage)
    throw Error(Errc::bad_size, "a read-ahead of {} sectors is too much", wanted);
  if (pages * kSectorsOfPage != wanted)
    log::warning("the read-ahead is made {} sectors, a whole number of pages", pages * kSectorsOfPage);
  return static_cast<std::uint32_t>(pages * kSectorsOfPage);
}

}  // namespace

bool wants_device_properties(const Arguments& arguments) {
  constexpr std::array kOptions{kReadAhead, kPersistent, kMajor, kMinor};
  return std::ranges::any_of(kOptions, [&](const Option& option) { return arguments.has(option); });
}

metadata::DeviceProperties device_properties(const Arguments& arguments) {
  constexpr std::uint64_t kMaxMinor = (1U << 20) - 1;
  constexpr std::uint64_t kMaxMajor = (1U << 12) - 1;
  metadata::DeviceProperties wanted;
  if (const auto text = arguments.text(kReadAhead)) {
    std::optional<std::uint32_t> sectors;
    if (*text != "auto") sectors = *text == "none" ? 0 : read_ahead_sectors(*text);
    wanted.read_ahead = metadata::NumberSetting(sectors);
  }
  const auto persistent = arguments.yes_or_no(kPersistent);
  const auto minor = arguments.number(kMinor, kMaxMinor);
  const auto major = arguments.number(kMajor, kMaxMajor);
  if (!persistent.value_or(false) && (minor || major))
    throw Error(Errc::usage, "--{} goes with --persistent y", minor ? "minor" : "major")
        .advise("add -My, or leave it away");
  if (persistent == true && !minor)
    throw Error(Errc::usage, "--persistent y needs to know the number").advise("add --minor NUMBER");
  if (major) log::warning("the major number {} is ignored: the kernel chooses it", *major);
  if (minor) wanted.minor = metadata::NumberSetting(static_cast<std::uint32_t>(*minor));
  if (persistent == false) wanted.minor = metadata::NumberSetting(std::nullopt);
  return wanted;
}

}  // namespace cv::tools
