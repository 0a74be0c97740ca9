#include "lib/crypt/luks_layout.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/base/error.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/luks2_json.h"

namespace cv::crypt {

namespace {

/// LUKS writes its numbers with the most significant byte first.
template <class Integer>
struct BigEndian {
  std::array<std::uint8_t, sizeof(Integer)> bytes;

  constexpr Integer value() const {
    std::uint64_t result = 0;
    for (const std::uint8_t byte : bytes) result = result << 8 | byte;
    return static_cast<Integer>(result);
  }
};

constexpr std::array<char, 6> kMagic{'L', 'U', 'K', 'S', '\xba', '\xbe'};

template <std::size_t size>
using Text = std::array<char, size>;

struct Luks1Slot {
  BigEndian<std::uint32_t> active;
  BigEndian<std::uint32_t> iterations;
  std::array<std::byte, 32> salt;
  BigEndian<std::uint32_t> material_offset;  ///< in sectors
  BigEndian<std::uint32_t> stripes;
};
static_assert(sizeof(Luks1Slot) == 48);

// LUKS On-Disk Format Specification 1.2.3, figure 1.
struct Luks1Header {
  Text<6> magic;
  BigEndian<std::uint16_t> version;
  Text<32> cipher;
  Text<32> mode;
  Text<32> hash;
  BigEndian<std::uint32_t> payload_offset;  ///< in sectors
  BigEndian<std::uint32_t> key_bytes;
  std::array<std::byte, 20> digest;
  std::array<std::byte, 32> digest_salt;
  BigEndian<std::uint32_t> digest_iterations;
  Text<40> uuid;
  std::array<Luks1Slot, 8> slots;
};
static_assert(offsetof(Luks1Header, hash) == 72);
static_assert(offsetof(Luks1Header, payload_offset) == 104);
static_assert(offsetof(Luks1Header, key_bytes) == 108);
static_assert(offsetof(Luks1Header, uuid) == 168);
static_assert(offsetof(Luks1Header, slots) == 208);
static_assert(sizeof(Luks1Header) == 592);

// LUKS2 On-Disk Format Specification 1.1.0, section 2.1.
struct Luks2Header {
  Text<6> magic;
  BigEndian<std::uint16_t> version;
  BigEndian<std::uint64_t> header_size;  ///< of this header with its JSON area
  BigEndian<std::uint64_t> sequence;
  Text<48> label;
  Text<32> checksum_hash;
  std::array<std::byte, 64> salt;
  Text<40> uuid;
  Text<48> subsystem;
  BigEndian<std::uint64_t> header_offset;
  std::array<std::byte, 184> padding;
  std::array<std::byte, 64> checksum;
  std::array<std::byte, 7 * 512> padding4096;
};
static_assert(offsetof(Luks2Header, checksum_hash) == 72);
static_assert(offsetof(Luks2Header, uuid) == 168);
static_assert(offsetof(Luks2Header, header_offset) == 256);
static_assert(offsetof(Luks2Header, checksum) == 448);
static_assert(sizeof(Luks2Header) == kLuksProbeBytes);

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint32_t kMostKeyBytes = 512;
constexpr std::uint32_t kMostStripes = 4000;
constexpr std::uint32_t kActiveSlot = 0x00ac71f3;
/// What a derivation can count to.
constexpr std::uint32_t kMostIterations = INT32_MAX;
constexpr std::uint64_t kMostKeyslotsBytes = 128 * 1024 * 1024;
constexpr std::uint64_t kSmallestLuks2 = 16 * 1024;
constexpr std::uint64_t kLargestLuks2 = 4 * 1024 * 1024;

template <class Header>
Header copy_of(std::span<const std::byte> bytes) {
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

template <std::size_t size>
std::string string_in(const Text<size>& text) {
  return std::string(text.begin(), std::find(text.begin(), text.end(), '\0'));
}

Error damaged(LuksVersion version, std::string_view why) {
  return Error(Errc::damaged, "the {} header is damaged: {}", name_of(version), why)
      .advise("try \"cryptsetup repair\" on the volume, or restore a backup of its header");
}

bool is_countable(std::uint32_t iterations) {
  return iterations > 0 && iterations <= kMostIterations;
}

LuksArea luks1_area(std::span<const std::byte> first) {
  const auto header = copy_of<Luks1Header>(first);
  const std::uint32_t key_bytes = header.key_bytes.value();
  if (key_bytes == 0 || key_bytes > kMostKeyBytes) throw damaged(LuksVersion::luks1, "its key has no size");
  if (!is_countable(header.digest_iterations.value()))
    throw damaged(LuksVersion::luks1, "the iterations of its digest can't be counted");
  Bytes end(kBlock);
  std::vector<Range<Bytes>> areas;
  for (const Luks1Slot& slot : header.slots) {
    if (slot.active.value() == kActiveSlot && !is_countable(slot.iterations.value()))
      throw damaged(LuksVersion::luks1, "the iterations of a key slot can't be counted");
    if (slot.stripes.value() > kMostStripes) {
      throw damaged(LuksVersion::luks1, "a key slot has too many stripes");
    }
    const Bytes begin = to_bytes(Sectors(slot.material_offset.value()));
    if (begin.n < sizeof(Luks1Header)) throw damaged(LuksVersion::luks1, "a key slot lies inside the header");
    areas.push_back({begin, begin + Bytes(key_bytes) * slot.stripes.value()});
    end = std::max(end, areas.back().end);
  }
  std::ranges::sort(areas, {}, &Range<Bytes>::begin);
  for (std::size_t i = 1; i < areas.size(); ++i)
    if (areas[i].begin < areas[i - 1].end)
      throw damaged(LuksVersion::luks1, "two of its key slots lie over each other");
  if (end.n > kMostKeyslotsBytes) throw damaged(LuksVersion::luks1, "a key slot lies too far away");
  const Bytes payload = to_bytes(Sectors(header.payload_offset.value()));
  if (payload.n != 0 && payload < end) throw damaged(LuksVersion::luks1, "its payload lies over a key slot");
  end = round_up(end, Bytes(kBlock));
  // Old cryptsetup packed slots and payload without gaps.
  if (payload.n != 0) end = std::min(end, payload);
  return {.version = LuksVersion::luks1, .uuid = string_in(header.uuid), .size = end, .exact = true};
}

bool is_luks2_header_size(std::uint64_t size) {
  return size >= kSmallestLuks2 && size <= kLargestLuks2 && (size & (size - 1)) == 0;
}

void check_luks2_sum(Luks2Header header, std::span<const std::byte> json) {
  const std::array<std::byte, 64> written = header.checksum;
  header.checksum = {};
  std::vector<std::byte> covered(sizeof header + json.size());
  std::memcpy(covered.data(), &header, sizeof header);
  std::copy(json.begin(), json.end(), covered.begin() + sizeof header);
  const auto sum = digest(string_in(header.checksum_hash), covered);
  if (!sum) throw damaged(LuksVersion::luks2, "its checksum is of an unknown kind");
  if (sum->size() > written.size() || !same_secret(*sum, std::span(written).first(sum->size()))) {
    throw damaged(LuksVersion::luks2, "its checksum is wrong");
  }
}

LuksArea luks2_area(std::span<const std::byte> first) {
  const auto header = copy_of<Luks2Header>(first);
  const std::uint64_t header_size = header.header_size.value();
  if (!is_luks2_header_size(header_size) || header.header_offset.value() != 0) {
    throw damaged(LuksVersion::luks2, "its size or place is impossible");
  }
  LuksArea area{.version = LuksVersion::luks2,
                .uuid = string_in(header.uuid),
                .size = Bytes(header_size),
                .exact = false};
  if (first.size() < header_size) return area;
  const auto json_area = first.subspan(sizeof header, header_size - sizeof header);
  check_luks2_sum(header, json_area);
  const auto end = std::find(json_area.begin(), json_area.end(), std::byte{0});
  const auto length = static_cast<std::size_t>(end - json_area.begin());
  const auto json = parse_luks2_json({reinterpret_cast<const char*>(json_area.data()), length});
  if (!json) throw damaged(LuksVersion::luks2, "its JSON is not that of a LUKS2 header");
  if (json->keyslots_size > kMostKeyslotsBytes || json->keyslots_size % kBlock != 0) {
    throw damaged(LuksVersion::luks2, "the size of its key slot area is impossible");
  }
  area.size = Bytes(header_size) * 2 + Bytes(json->keyslots_size);
  area.exact = true;
  return area;
}

}  // namespace

std::string_view name_of(LuksVersion version) {
  return version == LuksVersion::luks1 ? "luks1" : "luks2";
}

std::optional<LuksArea> luks_area(std::span<const std::byte> first) {
  if (first.size() < kLuksProbeBytes) return std::nullopt;
  const auto header = copy_of<Luks1Header>(first);
  if (header.magic != kMagic) return std::nullopt;
  switch (header.version.value()) {
    case 1: return luks1_area(first);
    case 2: return luks2_area(first);
  }
  throw Error(Errc::unsupported, "LUKS version {} is not known", header.version.value())
      .advise("use a newer cvm");
}

std::optional<std::vector<std::byte>> read_luks_header(const ReadAt& read, Bytes volume_size) {
  std::vector<std::byte> bytes(kLuksProbeBytes);
  if (volume_size.n < bytes.size()) return std::nullopt;
  read(Bytes(0), bytes);
  for (;;) {
    const auto area = luks_area(bytes);
    if (!area) return std::nullopt;
    if (area->size > volume_size) {
      throw damaged(area->version,
                    fmt::format("it needs {} bytes, the volume has {}", area->size.n, volume_size.n));
    }
    const auto shown = bytes.size();
    const bool complete = area->exact && area->size.n <= shown;
    bytes.resize(static_cast<std::size_t>(area->size.n));
    if (complete) return bytes;
    CV_ASSERT(bytes.size() > shown);
    read(Bytes(shown), std::span(bytes).subspan(shown));
  }
}

std::vector<Range<Bytes>> luks_write_order(std::span<const std::byte> store) {
  // Shown no more than its first bytes, LUKS2 tells how long each of its two headers is.
  const auto area = luks_area(store.first(std::min(store.size(), kLuksProbeBytes)));
  if (!area) throw Error(Errc::damaged, "these bytes are no LUKS header");
  const Bytes all(store.size());
  if (area->version == LuksVersion::luks1) return {{Bytes(kBlock), all}, {Bytes(0), Bytes(kBlock)}};
  const Bytes one = area->size;
  if (one * 2 > all) throw damaged(area->version, "its end is missing");
  return {{one * 2, all}, {Bytes(0), one}, {one, one * 2}};
}

std::vector<std::byte> luks1_key_digest(std::span<const std::byte> header) {
  CV_ASSERT(header.size() >= kLuksProbeBytes);
  constexpr std::size_t kBegin = offsetof(Luks1Header, digest);
  const auto known = header.subspan(kBegin, offsetof(Luks1Header, uuid) - kBegin);
  return {known.begin(), known.end()};
}

std::string luks1_hash(std::span<const std::byte> header) {
  CV_ASSERT(header.size() >= kLuksProbeBytes);
  return string_in(copy_of<Luks1Header>(header).hash);
}

}  // namespace cv::crypt
