// Whole PVs of any bytes, checksums mended: scan, check and everything that cvck does end with findings or an
// Error, repairs touch no extent and lose no group, and what was read is the same after print and read.
//
// The input: a byte with the number of devices (1 to 3), two bytes with the length of each but the last. What
// belongs to a device is its first 2 KiB, then what stands from 4096 on.
#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/check.h"
#include "metadata/group_text.h"
#include "metadata/inspect.h"
#include "metadata/repair.h"
#include "tests/support/memory_device.h"

namespace {

using namespace cv;
using namespace cv::metadata;
using Content = std::vector<std::byte>;

constexpr std::size_t kHead = disk::kLabelSectors * kSectorBytes;
constexpr std::size_t kArea = 4096;
constexpr std::size_t kDevice = (1 << 20) + 65536;

class Silence final : public log::Sink {
 public:
  void line(log::Level, std::string_view) noexcept override {}
};

void put_crc(std::span<std::byte> at, std::uint32_t value) {
  const le32 crc = value;
  std::memcpy(at.data(), &crc, sizeof crc);
}

/// Gives the area header there, and the text it commits, the checksums that they have.
void mend_area(Content& content, const disk::DiskArea& area) {
  if (area.size > Bytes(kDevice) || area.offset > Bytes(kDevice) - area.size || area.size < Bytes(1024))
    return;
  const auto bytes = std::span(content).subspan(area.offset.n, area.size.n);
  const auto sector = bytes.first<kSectorBytes>();
  put_crc(sector, lvm_crc(sector.subspan(4)));
  try {
    auto header = disk::unpack_area_header(sector, area);
    const auto& text = header.committed;
    if (!disk::is_inside(header, text)) return;
    const auto first = std::min(text.size, header.size - text.offset);
    std::uint32_t crc = lvm_crc(bytes.subspan(text.offset.n, first.n));
    crc = lvm_crc(bytes.subspan(kSectorBytes, (text.size - first).n), crc);
    header.committed.crc = crc;
    std::ranges::copy(disk::pack(header), sector.begin());
  } catch (const Error&) {
    return;
  }
}

Content image_of(std::span<const std::uint8_t> input) {
  Content content(kDevice);
  const auto head = input.first(std::min(input.size(), kHead));
  const auto rest = input.subspan(head.size());
  if (!head.empty()) std::memcpy(content.data(), head.data(), head.size());
  if (!rest.empty()) std::memcpy(content.data() + kArea, rest.data(), std::min(rest.size(), kDevice - kArea));
  for (std::size_t sector = 0; sector < kHead; sector += kSectorBytes) {
    const auto bytes = std::span(content).subspan(sector, kSectorBytes);
    put_crc(bytes.subspan(16), lvm_crc(bytes.subspan(20)));
    const auto label =
        disk::unpack_label(bytes.first<kSectorBytes>(), static_cast<unsigned>(sector / kSectorBytes));
    if (!label.label) continue;
    for (const auto& area : label.label->metadata_areas) mend_area(content, area);
    break;
  }
  return content;
}

using Disks = std::vector<std::unique_ptr<test::MemoryDevice>>;

Disks disks_of(std::span<const std::uint8_t> input) {
  Disks disks;
  const std::size_t count = input.empty() ? 1 : 1 + input[0] % 3;
  input = input.subspan(input.empty() ? 0 : 1);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t length = input.size();
    if (i + 1 < count && input.size() >= 2) {
      length = input[0] + 256U * input[1];
      input = input.subspan(2);
    }
    const auto part = input.first(std::min(length, input.size()));
    input = input.subspan(part.size());
    disks.push_back(std::make_unique<test::MemoryDevice>("/dev/fuzz" + std::to_string(i), image_of(part)));
  }
  return disks;
}

Scan scan_of(const Disks& disks) {
  std::vector<device::BlockDevice*> devices;
  for (const auto& disk : disks) devices.push_back(disk.get());
  TextCache cache;
  return scan_devices(devices, "", ScanDepth::every_copy, cache);
}

void must_survive_print(const VolumeGroup& vg) {
  std::string text;
  try {
    text = print_group(vg, {});
  } catch (const Error&) {
    return;
  }
  CV_ASSERT(read_group(text) == vg);
}

/// The bytes of extents that a group has on a device, as far as the device has them.
std::span<const std::byte> data_of(const Content& content, const PhysicalVolume& pv, Sectors extent_size) {
  if (!is_countable(pv, extent_size)) return {};
  const std::span<const std::byte> all(content);
  const auto begin = std::min<std::uint64_t>(to_bytes(pv.pe_start).n, all.size());
  const auto length =
      std::min<std::uint64_t>(to_bytes(to_sectors(pv.pe_count, extent_size)).n, all.size() - begin);
  return all.subspan(begin, length);
}

/// Carries out all repairs of one group, and looks for what they must not change.
void must_survive_repair(const Disks& disks, const Scan& scan, const FoundGroup& group) {
  std::vector<Content> before;
  for (const auto& disk : disks) before.push_back(disk->content());
  std::vector<Repair> repairs;
  try {
    repairs = plan_repairs(scan, group);
  } catch (const Error&) {
    return;
  }
  for (const auto& repair : repairs) {
    try {
      carry_out(repair, scan, group);
    } catch (const Error&) {
      continue;  // no room: the area stays as it is
    }
  }
  for (const auto& member : group.vg.pvs) {
    for (std::size_t i = 0; i < disks.size(); ++i) {
      if (group.devices.at(member.id) != disks[i].get()) continue;
      CV_ASSERT(std::ranges::equal(data_of(disks[i]->content(), member, group.vg.extent_size),
                                   data_of(before[i], member, group.vg.extent_size)));
    }
  }
  const auto now = scan_of(disks);
  CV_ASSERT(std::ranges::any_of(now.groups, [&](const FoundGroup& one) { return one.vg == group.vg; }));
  for (std::size_t i = 0; i < disks.size(); ++i) disks[i]->content() = before[i];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Silence silence;
  const log::Redirect redirect(silence);
  const auto disks = disks_of(std::span(data, size));

  const auto scan = scan_of(disks);

  inspect_rest(scan);
  for (const auto& group : scan.groups) {
    inspect(scan, group);
    require_no_new_errors(group.vg, group.vg);
    must_survive_print(group.vg);
    must_survive_repair(disks, scan, group);
  }
  return 0;
}
