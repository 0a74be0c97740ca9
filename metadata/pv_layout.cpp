#include "metadata/pv_layout.h"

#include <algorithm>

#include "lib/base/error.h"

namespace cv::metadata {
namespace {

constexpr Bytes kPage(4096);
constexpr Bytes kDefaultAlignment(1 << 20);
constexpr Bytes kLeastArea(8 * 4096);

Bytes alignment_of(const PvLayout& layout) {
  if (layout.data_alignment.n != 0) return round_up(layout.data_alignment, kPage);
  if (layout.optimal_io.n == 0 || layout.optimal_io.n % kSectorBytes != 0) return kDefaultAlignment;
  return round_up(kDefaultAlignment, layout.optimal_io);
}

void require_possible(const PvLayout& layout) {
  if (layout.label_sector >= disk::kLabelSectors)
    throw Error(Errc::usage, "a label lies in sector 0 to {}, not {}", disk::kLabelSectors - 1,
                layout.label_sector);
  if (layout.metadata_copies > 2)
    throw Error(Errc::usage, "a physical volume has 0, 1 or 2 metadata areas, not {}",
                layout.metadata_copies);
  if (layout.data_alignment_offset.n % kSectorBytes != 0)
    throw Error(Errc::bad_size, "the data alignment offset of {} bytes is no multiple of {}",
                layout.data_alignment_offset.n, kSectorBytes);
  if (layout.device_size < kLeastPv)
    throw Error(Errc::no_space, "the device has {} bytes, a physical volume needs {}", layout.device_size.n,
                kLeastPv.n);
}

[[noreturn]] void throw_no_room(std::string_view path, Bytes size) {
  throw Error(Errc::no_space, "with {} bytes {} would have no room for data", size.n, path)
      .advise("leave it larger");
}

}  // namespace

disk::Label lay_out(const PvLayout& layout, const PvId& id) {
  require_possible(layout);
  const Bytes alignment = alignment_of(layout);
  const Bytes area_size = std::max(round_up(layout.metadata_size, kPage), kLeastArea);
  disk::Label label{.sector = layout.label_sector,
                    .id = id,
                    .device_size = layout.device_size,
                    .data_areas = {},
                    .metadata_areas = {},
                    .bootloader_areas = {}};

  Bytes next = kPage;
  if (layout.metadata_copies > 0) next = kPage + area_size;
  next = round_up(next, alignment) + layout.data_alignment_offset;
  if (layout.metadata_copies > 0) label.metadata_areas.push_back({.offset = kPage, .size = next - kPage});
  if (layout.bootloader_size.n > 0) {
    const Bytes data = round_up(next + layout.bootloader_size, alignment) + layout.data_alignment_offset;
    label.bootloader_areas.push_back({.offset = next, .size = data - next});
    next = data;
  }
  label.data_areas.push_back({.offset = next, .size = Bytes(0)});

  Bytes data_end = layout.device_size;
  if (layout.metadata_copies > 1 && area_size < layout.device_size) {
    data_end = round_down(layout.device_size - area_size, alignment);
    const Bytes size = round_down(layout.device_size - data_end, Bytes(kSectorBytes));
    label.metadata_areas.push_back({.offset = data_end, .size = size});
  }
  if (next >= data_end)
    throw Error(Errc::no_space, "the device has {} bytes, labels and metadata alone need {}",
                layout.device_size.n, (next + (layout.device_size - data_end)).n);
  return label;
}

Sectors data_end(const disk::Label& label, Bytes device_size) {
  Sectors end = whole_sectors(device_size);
  for (const auto& area : label.metadata_areas)
    if (!label.data_areas.empty() && area.offset >= label.data_areas.front().offset)
      end = std::min(end, whole_sectors(area.offset));
  return end;
}

disk::Label resized(disk::Label label, std::string_view path, Bytes device_size) {
  if (device_size == label.device_size) return label;
  if (label.data_areas.empty()) throw_no_room(path, device_size);
  const Bytes data = label.data_areas.front().offset;
  const bool grows = device_size > label.device_size;
  Bytes size = device_size;
  for (const auto& area : label.metadata_areas) size = std::min(size, area.size);
  for (auto& area : label.metadata_areas) {
    if (area.offset < data) continue;
    const Bytes alignment = area.offset.n % kDefaultAlignment.n == 0 ? kDefaultAlignment : kPage;
    const Bytes end = grows ? device_size : std::min(device_size, area.offset);
    if (end < size) throw_no_room(path, device_size);
    const Bytes offset = round_down(end - size, alignment);
    if (grows && offset < area.offset + area.size) continue;
    area = {.offset = offset, .size = round_down(end - offset, Bytes(kSectorBytes))};
  }
  label.device_size = device_size;
  if (to_bytes(data_end(label, device_size)) < data + kLeastPv) throw_no_room(path, device_size);
  return label;
}

PhysicalVolume member_of(const disk::Label& label, const std::string& path, Bytes device_size,
                         Sectors extent_size) {
  CV_ASSERT(extent_size.n != 0);
  if (label.data_areas.empty())
    throw Error(Errc::damaged, "the label of {} names no place for data", path)
        .advise("make the physical volume anew");
  const Sectors start = whole_sectors(label.data_areas.front().offset);
  const Sectors end = data_end(label, device_size);
  const Extents extents(start < end ? (end - start) / extent_size : 0);
  if (extents.n == 0)
    throw Error(Errc::no_space, "{} has no room for an extent of {} sectors", path, extent_size.n)
        .advise("use a larger device or a smaller extent size");

  PhysicalVolume pv;
  pv.id = label.id;
  pv.device = path;
  set_flag(pv.flags, "ALLOCATABLE");
  pv.dev_size = whole_sectors(device_size);
  pv.pe_start = start;
  pv.pe_count = extents;
  return pv;
}

}  // namespace cv::metadata
