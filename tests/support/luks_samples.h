// LUKS2 headers changed by hand, with checksums that fit again.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace cv::test {

/// `header` (16 KiB metadata) with the first `from` in the JSON of both copies replaced by `to`. Throws where
/// it is not there.
std::vector<std::byte> edit_luks2_json(std::vector<std::byte> header, std::string_view from,
                                       std::string_view to);

/// The checksums of both copies made anew.
void mend_luks2_checksums(std::vector<std::byte>& header);

}  // namespace cv::test
