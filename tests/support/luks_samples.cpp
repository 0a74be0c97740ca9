#include "tests/support/luks_samples.h"

#include <algorithm>
#include <span>
#include <string>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/digest.h"

namespace cv::test {

namespace {

constexpr std::size_t kCopyBytes = 16384;
constexpr std::size_t kJsonAt = 4096;
constexpr std::size_t kChecksumAt = 448;
constexpr std::size_t kChecksumBytes = 64;

}  // namespace

std::vector<std::byte> edit_luks2_json(std::vector<std::byte> header, std::string_view from,
                                       std::string_view to) {
  for (const std::size_t copy : {std::size_t{0}, kCopyBytes}) {
    const auto area = std::span(header).subspan(copy + kJsonAt, kCopyBytes - kJsonAt);
    std::string json(text_of(area));
    const std::size_t found = json.find(from);
    if (found == std::string::npos) throw Error(Errc::not_found, "the JSON has no {}", from);
    json.replace(found, from.size(), to);
    json.resize(area.size());
    std::copy_n(bytes_of(json).begin(), area.size(), area.begin());
  }
  mend_luks2_checksums(header);
  return header;
}

void mend_luks2_checksums(std::vector<std::byte>& header) {
  for (const std::size_t copy : {std::size_t{0}, kCopyBytes}) {
    const auto whole = std::span(header).subspan(copy, kCopyBytes);
    const auto field = whole.subspan(kChecksumAt, kChecksumBytes);
    std::fill(field.begin(), field.end(), std::byte{0});
    const auto sum = crypt::sha256(whole);
    std::copy(sum.begin(), sum.end(), field.begin());
  }
}

}  // namespace cv::test
