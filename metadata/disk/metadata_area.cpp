#include "metadata/disk/metadata_area.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

namespace cv::metadata::disk {
namespace {

constexpr std::string_view kAreaMagic = " LVM2 x[5A%r0N*>";
constexpr std::uint32_t kAreaVersion = 1;
constexpr Bytes kFormatted(4096);

struct RawLocation {
  le64 offset;
  le64 size;
  le32 crc;
  le32 flags;
};
static_assert(sizeof(RawLocation) == 24);

struct RawHeader {
  le32 crc;  // of everything behind this field
  std::array<char, 16> magic;
  le32 version;
  le64 start;
  le64 size;
  RawLocation committed;
  RawLocation precommitted;
};
static_assert(offsetof(RawHeader, magic) == 4);
static_assert(offsetof(RawHeader, version) == 20);
static_assert(offsetof(RawHeader, start) == 24);
static_assert(offsetof(RawHeader, size) == 32);
static_assert(offsetof(RawHeader, committed) == 40);
static_assert(offsetof(RawHeader, precommitted) == 64);
static_assert(sizeof(RawHeader) == 88);

constexpr std::size_t kChecksummedFrom = offsetof(RawHeader, magic);

RawLocation pack_location(const TextLocation& location) {
  return {.offset = location.offset.n, .size = location.size.n, .crc = location.crc, .flags = location.flags};
}

TextLocation unpack_location(const RawLocation& raw) {
  return {.offset = Bytes(raw.offset), .size = Bytes(raw.size), .crc = raw.crc, .flags = raw.flags};
}

/// The stretches of the area that a text takes, in whole sectors: one, or two where it wraps.
struct Stretch {
  Bytes begin;
  Bytes end;
};
std::vector<Stretch> stretches(Bytes offset, Bytes size, Bytes area_size) {
  const Bytes sector(kSectorBytes);
  const Bytes end = offset + size;
  if (end <= area_size) return {{round_down(offset, sector), std::min(round_up(end, sector), area_size)}};
  const Bytes wrapped = end - area_size;
  return {{round_down(offset, sector), area_size},
          {kAreaHeaderSize, round_up(kAreaHeaderSize + wrapped, sector)}};
}

bool overlap(const std::vector<Stretch>& some, const std::vector<Stretch>& others) {
  return std::any_of(some.begin(), some.end(), [&](const Stretch& a) {
    return std::any_of(others.begin(), others.end(),
                       [&](const Stretch& b) { return a.begin < b.end && b.begin < a.end; });
  });
}

}  // namespace

SectorBuffer pack(const AreaHeader& header) {
  RawHeader raw{};
  std::copy(kAreaMagic.begin(), kAreaMagic.end(), raw.magic.begin());
  raw.version = kAreaVersion;
  raw.start = header.start.n;
  raw.size = header.size.n;
  raw.committed = pack_location(header.committed);
  raw.precommitted = pack_location(header.precommitted);

  SectorBuffer sector{};
  std::memcpy(sector.data(), &raw, sizeof raw);
  const le32 crc = lvm_crc(std::span(sector).subspan(kChecksummedFrom));
  std::memcpy(sector.data() + offsetof(RawHeader, crc), &crc, sizeof crc);
  return sector;
}

AreaHeader unpack_area_header(std::span<const std::byte, kSectorBytes> sector, const DiskArea& area) {
  RawHeader raw;
  std::memcpy(&raw, sector.data(), sizeof raw);
  if (raw.crc != lvm_crc(sector.subspan(kChecksummedFrom)))
    throw Error(Errc::damaged, "the header has a wrong checksum");
  if (std::string_view(raw.magic.data(), raw.magic.size()) != kAreaMagic)
    throw Error(Errc::damaged, "the header has a wrong magic number");
  if (raw.version != kAreaVersion)
    throw Error(Errc::damaged, "the header has version {}, {} is known", raw.version.value(), kAreaVersion);
  if (raw.start != area.offset.n)
    throw Error(Errc::damaged, "the header says that its area begins at {}", raw.start.value());
  if (raw.size < 2 * kAreaHeaderSize.n || raw.size > area.size.n || raw.size % kSectorBytes != 0)
    throw Error(Errc::damaged, "the header says that its area has {} bytes, the label says {}",
                raw.size.value(), area.size.n);
  return {.start = Bytes(raw.start),
          .size = Bytes(raw.size),
          .committed = unpack_location(raw.committed),
          .precommitted = unpack_location(raw.precommitted)};
}

AreaHeader read_area_header(device::BlockDevice& device, const DiskArea& area) {
  if (area.size > device.size() || area.offset > device.size() - area.size)
    throw Error(Errc::damaged, "the area reaches beyond the end of the device");
  SectorBuffer sector{};
  device.read(area.offset, sector);
  return unpack_area_header(sector, area);
}

void write_area_header(device::BlockDevice& device, const AreaHeader& header) {
  device.write(header.start, pack(header));
}

bool is_inside(const AreaHeader& header, const TextLocation& location) {
  return location.offset >= kAreaHeaderSize && location.offset < header.size && location.size.n > 0 &&
         location.size <= header.size - kAreaHeaderSize;
}

std::string read_text(device::BlockDevice& device, const AreaHeader& header, const TextLocation& location) {
  if (!is_inside(header, location))
    throw Error(Errc::damaged, "the header says that the text has {} bytes at {}, outside the area",
                location.size.n, location.offset.n);
  std::string text(static_cast<std::size_t>(location.size.n), '\0');
  const auto bytes = std::as_writable_bytes(std::span(text.data(), text.size()));
  const Bytes before_end = std::min(location.size, header.size - location.offset);
  const auto first = static_cast<std::size_t>(before_end.n);
  device.read(header.start + location.offset, bytes.first(first));
  if (first < bytes.size()) device.read(header.start + kAreaHeaderSize, bytes.subspan(first));
  if (lvm_crc(bytes) != location.crc) throw Error(Errc::damaged, "the text has a wrong checksum");
  if (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

TextLocation measure(std::string_view text) {
  constexpr std::byte kNul{0};
  return {.offset = Bytes(0),
          .size = Bytes(text.size() + 1),
          .crc = lvm_crc(std::span(&kNul, 1), lvm_crc(bytes_of(text)))};
}

// LVM2's rules, lib/format_text/format-text.c: _next_rlocn_offset.
Bytes next_text_offset(const AreaHeader& header) {
  const Bytes sector(kSectorBytes);
  const auto& old = header.committed;
  if (old.empty() || header.ignored() || !is_inside(header, old)) return kAreaHeaderSize;
  Bytes last = old.offset + old.size - Bytes(1);
  if (last >= header.size) last = kAreaHeaderSize + (last - header.size);
  if (header.size - last < sector) return kAreaHeaderSize;
  const Bytes next = round_up(last + Bytes(1), sector);
  return next > header.size - sector ? kAreaHeaderSize : next;
}

Bytes largest_text(Bytes area_size) {
  const std::uint64_t half = (area_size.n - kAreaHeaderSize.n) / 2;
  return Bytes(half > kSectorBytes ? half - kSectorBytes : 0);
}

TextLocation place_text(const AreaHeader& header, const TextLocation& measured) {
  TextLocation place = measured;
  if (place.size > largest_text(header.size))
    throw Error(Errc::no_space, "the metadata needs {} bytes, its area holds {}", place.size.n,
                largest_text(header.size).n)
        .advise("remove volumes or tags, or use physical volumes with larger metadata areas");
  place.offset = next_text_offset(header);

  const auto& old = header.committed;
  if (!old.empty() && !header.ignored() && is_inside(header, old) &&
      overlap(stretches(place.offset, place.size, header.size), stretches(old.offset, old.size, header.size)))
    throw Error(Errc::no_space,
                "the metadata area has no room for {} bytes beside the {} bytes that are in it", place.size.n,
                old.size.n)
        .advise("use physical volumes with larger metadata areas");
  return place;
}

void write_text(device::BlockDevice& device, const AreaHeader& header, const TextLocation& place,
                std::string_view text) {
  std::size_t written = 0;
  for (const auto& stretch : stretches(place.offset, place.size, header.size)) {
    std::vector<std::byte> sectors(static_cast<std::size_t>((stretch.end - stretch.begin).n));
    const auto rest = bytes_of(text).subspan(std::min(written, text.size()));
    std::copy_n(rest.begin(), std::min(rest.size(), sectors.size()), sectors.begin());
    device.write(header.start + stretch.begin, sectors);
    written += sectors.size();
  }
}

void format_area(device::BlockDevice& device, const DiskArea& area) {
  std::vector<std::byte> head(static_cast<std::size_t>(std::min(kFormatted, area.size).n));
  const auto header =
      pack(AreaHeader{.start = area.offset, .size = area.size, .committed = {}, .precommitted = {}});
  std::copy(header.begin(), header.end(), head.begin());
  device.write(area.offset, head);
}

}  // namespace cv::metadata::disk
