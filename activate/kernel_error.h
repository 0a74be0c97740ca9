// What device-mapper in the kernel answers, as a sentence with an advice.
#pragma once

#include <string_view>

namespace cv::activate {

/// Throws Errc::in_use, Errc::not_found or Errc::kernel: "resuming vg0-tst: ...".
[[noreturn]] void throw_kernel(int error_number, std::string_view what);

}  // namespace cv::activate
