#include "metadata/disk/label.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

namespace cv::metadata::disk {
namespace {

constexpr std::string_view kLabelMagic = "LABELONE";
constexpr std::string_view kLabelType = "LVM2 001";

struct LabelHeader {
  std::array<char, 8> magic;
  le64 sector;
  le32 crc;             // of everything behind this field
  le32 content_offset;  // of the PV header, from the start of the sector
  std::array<char, 8> type;
};
static_assert(offsetof(LabelHeader, sector) == 8);
static_assert(offsetof(LabelHeader, crc) == 16);
static_assert(offsetof(LabelHeader, content_offset) == 20);
static_assert(offsetof(LabelHeader, type) == 24);
static_assert(sizeof(LabelHeader) == 32);

struct PvHeader {
  std::array<char, kIdLength> id;
  le64 device_size;
  // Then the lists of data and metadata areas, the extension, the list of bootloader areas.
};
static_assert(offsetof(PvHeader, device_size) == 32);
static_assert(sizeof(PvHeader) == 40);

struct AreaEntry {
  le64 offset;  // 0 ends the list
  le64 size;
};
static_assert(sizeof(AreaEntry) == 16);

struct Extension {
  le32 version;
  le32 flags;
};
static_assert(sizeof(Extension) == 8);

constexpr std::size_t kChecksummedFrom = offsetof(LabelHeader, content_offset);

/// Takes structs off the sector, one behind the other; nothing once it is used up.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> rest) : rest_(rest) {}

  template <class Struct>
  std::optional<Struct> take() {
    if (rest_.size() < sizeof(Struct)) return std::nullopt;
    Struct taken;
    std::memcpy(&taken, rest_.data(), sizeof taken);
    rest_ = rest_.subspan(sizeof taken);
    return taken;
  }

  std::optional<std::vector<DiskArea>> take_areas() {
    std::vector<DiskArea> areas;
    while (const auto entry = take<AreaEntry>()) {
      if (entry->offset == 0) return areas;
      areas.push_back({.offset = Bytes(entry->offset), .size = Bytes(entry->size)});
    }
    return std::nullopt;
  }

 private:
  std::span<const std::byte> rest_;
};

class Appender {
 public:
  explicit Appender(SectorBuffer& sector) : sector_(sector) {}

  template <class Struct>
  void put(const Struct& value) {
    if (sizeof value > sector_.size() - at_)
      throw Error(Errc::refused, "the areas of a physical volume don't fit into its label");
    std::memcpy(sector_.data() + at_, &value, sizeof value);
    at_ += sizeof value;
  }

  void put_areas(const std::vector<DiskArea>& areas) {
    for (const auto& area : areas) put(AreaEntry{.offset = area.offset.n, .size = area.size.n});
    put(AreaEntry{.offset = 0, .size = 0});
  }

 private:
  SectorBuffer& sector_;
  std::size_t at_ = 0;
};

bool begins_like_label(std::span<const std::byte, kSectorBytes> sector) {
  return text_of(sector.first(kLabelMagic.size())) == kLabelMagic;
}

std::optional<Label> unpack_content(std::span<const std::byte> content) {
  Cursor cursor(content);
  Label label;
  const auto header = cursor.take<PvHeader>();
  if (!header) return std::nullopt;
  const auto id = PvId::parse({header->id.data(), header->id.size()});
  auto data = cursor.take_areas();
  auto metadata = data ? cursor.take_areas() : std::nullopt;
  if (!id || !metadata) return std::nullopt;

  label.id = *id;
  label.device_size = Bytes(header->device_size);
  label.data_areas = std::move(*data);
  label.metadata_areas = std::move(*metadata);
  const auto extension = cursor.take<Extension>();
  label.extension = extension ? extension->version.value() : 0;
  if (label.extension == 0) return label;
  auto bootloader = cursor.take_areas();
  if (!bootloader) return std::nullopt;
  label.flags = extension->flags;
  label.bootloader_areas = std::move(*bootloader);
  return label;
}

UnpackedLabel flawed(std::string flaw) {
  return {.label = std::nullopt, .flaw = std::move(flaw)};
}

}  // namespace

Label with_used(Label label, bool used) {
  label.extension = std::max(label.extension, kLabelExtension);
  label.flags = used ? label.flags | kLabelUsed : label.flags & ~kLabelUsed;
  return label;
}

SectorBuffer pack(const Label& label) {
  LabelHeader header{};
  std::copy(kLabelMagic.begin(), kLabelMagic.end(), header.magic.begin());
  header.sector = label.sector;
  header.content_offset = sizeof(LabelHeader);
  std::copy(kLabelType.begin(), kLabelType.end(), header.type.begin());

  SectorBuffer sector{};
  Appender appender(sector);
  appender.put(header);
  appender.put(PvHeader{.id = label.id.characters(), .device_size = label.device_size.n});
  appender.put_areas(label.data_areas);
  appender.put_areas(label.metadata_areas);
  if (label.extension != 0) {
    appender.put(Extension{.version = label.extension, .flags = label.flags});
    appender.put_areas(label.bootloader_areas);
  }
  const le32 crc = lvm_crc(std::span(sector).subspan(kChecksummedFrom));
  std::memcpy(sector.data() + offsetof(LabelHeader, crc), &crc, sizeof crc);
  return sector;
}

UnpackedLabel unpack_label(std::span<const std::byte, kSectorBytes> sector, unsigned sector_number) {
  if (!begins_like_label(sector)) return {};
  LabelHeader header;
  std::memcpy(&header, sector.data(), sizeof header);
  if (header.crc != lvm_crc(sector.subspan(kChecksummedFrom)))
    return flawed(fmt::format("the label in sector {} has a wrong checksum", sector_number));
  if (header.sector != sector_number)
    return flawed(fmt::format("the label in sector {} says that it lies in sector {}", sector_number,
                              header.sector.value()));
  if (std::string_view(header.type.data(), header.type.size()) != kLabelType)
    return flawed(fmt::format("the label in sector {} is not one of LVM2", sector_number));
  if (header.content_offset < sizeof header || header.content_offset >= kSectorBytes)
    return flawed(fmt::format("the label in sector {} has no content", sector_number));

  auto label = unpack_content(sector.subspan(header.content_offset.value()));
  if (!label) return flawed(fmt::format("the label in sector {} can't be understood", sector_number));
  label->sector = sector_number;
  return {.label = std::move(label), .flaw = {}};
}

FoundLabel read_label(device::BlockDevice& device) {
  FoundLabel found;
  std::array<std::byte, kLabelSectors * kSectorBytes> head{};
  if (device.size() < Bytes(head.size())) return found;
  device.read(Bytes(0), head);
  for (unsigned number = 0; number < kLabelSectors; ++number) {
    auto unpacked =
        unpack_label(std::span(head).subspan(number * kSectorBytes).first<kSectorBytes>(), number);
    if (!unpacked.flaw.empty()) found.flaws.push_back(std::move(unpacked.flaw));
    if (!unpacked.label) continue;
    if (found.label)
      found.further.push_back(number);
    else
      found.label = std::move(unpacked.label);
  }
  return found;
}

void write_label(device::BlockDevice& device, const Label& label) {
  CV_ASSERT(label.sector < kLabelSectors);
  device.write(Bytes(label.sector * kSectorBytes), pack(label));
}

void erase_labels(device::BlockDevice& device) {
  for (unsigned number = 0; number < kLabelSectors; ++number) {
    SectorBuffer sector{};
    const Bytes at(number * kSectorBytes);
    device.read(at, sector);
    if (begins_like_label(sector)) device.write(at, SectorBuffer{});
  }
}

}  // namespace cv::metadata::disk
