// Files that decide what runs with keys in its hands: only who may become root anyway can have put them
// there.
#pragma once

#include <string>

#include <sys/types.h>

#include "lib/base/handle.h"

namespace cv::crypt {

/// Opens a regular file for reading. Throws Errc::refused unless it and every directory above it belong to
/// root or to `owner`, and nobody else can write to them (a directory with the sticky bit may be written to
/// by all); links are followed before. Throws Errc::not_found where there is none, Errc::io.
Fd open_trusted(const std::string& path, uid_t owner);

}  // namespace cv::crypt
