// The first 2 KiB of a device, checksums mended: a label is found and packs back to itself, or there is none.
#include <algorithm>
#include <array>
#include <cstring>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "metadata/disk/label.h"
#include "tests/support/memory_device.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cv;
  using namespace cv::metadata;

  constexpr std::size_t kHead = disk::kLabelSectors * kSectorBytes;
  test::MemoryDevice device("/dev/fuzz", Bytes(kHead));
  std::memcpy(device.content().data(), data, std::min(size, kHead));
  for (std::size_t sector = 0; sector < kHead; sector += kSectorBytes) {
    const auto bytes = std::span(device.content()).subspan(sector, kSectorBytes);
    const le32 crc = lvm_crc(bytes.subspan(20));
    std::memcpy(bytes.data() + 16, &crc, sizeof crc);
  }

  const auto found = disk::read_label(device);

  if (!found.label) return 0;
  const auto back = disk::unpack_label(disk::pack(*found.label), found.label->sector);
  CV_ASSERT(back.label == found.label);
  const auto marked = disk::with_used(*found.label, true);
  try {
    CV_ASSERT(disk::unpack_label(disk::pack(marked), marked.sector).label == marked);
  } catch (const Error&) {
    // An extension was added to a sector that has no room for one.
  }
  disk::erase_labels(device);
  CV_ASSERT(!disk::read_label(device).label);
  return 0;
}
