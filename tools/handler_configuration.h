// The programs that are key handlers on this host: a file that belongs to root says which.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/crypt/external.h"

namespace cv::tools {

/// What the file at `path` says of the handler `name`; nothing where it says nothing, or is not there. Throws
/// Errc::refused where others than root or `owner` can write to it, Errc::damaged where it can't be
/// understood.
std::optional<crypt::CommandSpec> configured_command(const std::string& path, uid_t owner,
                                                     std::string_view name);

}  // namespace cv::tools
