// A metadata area of any bytes, checksums mended: it is read or refused, and whatever its header says, a new
// text never touches the committed one or anything outside the area.
#include <algorithm>
#include <cstring>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/disk/metadata_area.h"
#include "metadata/scan.h"
#include "tests/support/memory_device.h"

namespace {

using namespace cv;
using namespace cv::metadata;

constexpr disk::DiskArea kArea{Bytes(4096), Bytes(32768)};
constexpr std::size_t kDevice = 65536;

class Silence final : public log::Sink {
 public:
  void line(log::Level, std::string_view) noexcept override {}
};

/// A device with a label, and an area of the given bytes whose header would be taken by its magic and
/// checksum.
void fill(test::MemoryDevice& device, const std::uint8_t* data, std::size_t size) {
  const disk::Label label{.device_size = Bytes(kDevice),
                          .data_areas = {{Bytes(kDevice - 4096), Bytes(0)}},
                          .metadata_areas = {kArea},
                          .bootloader_areas = {}};
  disk::write_label(device, label);
  std::byte* area = device.content().data() + kArea.offset.n;
  std::memcpy(area, data, std::min<std::size_t>(size, kArea.size.n));

  const auto model =
      disk::pack({.start = kArea.offset, .size = kArea.size, .committed = {}, .precommitted = {}});
  std::memcpy(area + 4, model.data() + 4, 28);                                       // magic, version, start
  if (size > 32 && data[32] % 2 == 0) std::memcpy(area + 32, model.data() + 32, 8);  // mostly the true size
  const le32 crc = lvm_crc(std::span(area, kSectorBytes).subspan(4));
  std::memcpy(area, &crc, sizeof crc);
}

/// Gives the committed text the checksum that it has.
void mend_text(test::MemoryDevice& device, disk::AreaHeader header) {
  if (!disk::is_inside(header, header.committed)) return;
  std::uint32_t crc = kLvmCrcSeed;
  for (std::uint64_t i = 0; i < header.committed.size.n; ++i) {
    std::uint64_t at = header.committed.offset.n + i;
    if (at >= header.size.n) at = at - header.size.n + disk::kAreaHeaderSize.n;
    crc = lvm_crc(std::span(device.content()).subspan(header.start.n + at, 1), crc);
  }
  header.committed.crc = crc;
  disk::write_area_header(device, header);
}

std::optional<std::string> text_of(test::MemoryDevice& device, const disk::AreaHeader& header) {
  try {
    return disk::read_text(device, header, header.committed);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Silence silence;
  const log::Redirect redirect(silence);
  test::MemoryDevice device("/dev/fuzz", Bytes(kDevice));
  fill(device, data, size);

  disk::AreaHeader header;
  try {
    header = disk::read_area_header(device, kArea);
    mend_text(device, header);
    header = disk::read_area_header(device, kArea);
  } catch (const Error&) {
    header.size = Bytes(0);
  }
  TextCache cache;
  scan_devices({&device}, "", ScanDepth::every_copy, cache);
  if (header.size.n == 0) return 0;

  const auto old = text_of(device, header);
  const auto before = device.content();
  const std::string next(1 + size % 9000, 'n');
  try {
    const auto place = disk::place_text(header, disk::measure(next));
    disk::write_text(device, header, place, next);
    CV_ASSERT(disk::read_text(device, header, place) == next);
  } catch (const Error& error) {
    CV_ASSERT(error.code() == Errc::no_space);
  }
  if (!header.ignored()) CV_ASSERT(!old || text_of(device, header) == old);
  const auto begin = static_cast<std::ptrdiff_t>(kArea.offset.n + kSectorBytes);
  const auto end = static_cast<std::ptrdiff_t>(kArea.offset.n + kArea.size.n);
  const auto& after = device.content();
  CV_ASSERT(std::equal(before.begin(), before.begin() + begin, after.begin()));
  CV_ASSERT(std::equal(before.begin() + end, before.end(), after.begin() + end));
  return 0;
}
