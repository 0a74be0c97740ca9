// LUKS2 headers with tokens, and a token driver of this process that does as its token says.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace cv::test {

/// {"type":"cvm-test","keyslots":["0"],"says":SAYS}. The driver gives what stands behind "secret " as the
/// secret; for "pin" it wants a PIN, for "away" its device is not there.
std::string test_token(const std::string& says);

/// The store with one more token. The driver of test_token() is known from now on.
std::vector<std::byte> with_token(const std::vector<std::byte>& store, const std::string& token);

}  // namespace cv::test
