#include "metadata/store_bytes.h"

#include <algorithm>
#include <memory>
#include <set>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/volume_bytes.h"

namespace cv::metadata {

namespace {

constexpr Bytes kTrailer{kStoreTrailerBytes};
constexpr std::size_t kChunk = 1 << 20;
/// What a change of a keystore is written by.
constexpr std::size_t kBlock = 4096;

const Keystore& keystore_at(const LogicalVolume& store) {
  const Keystore* keystore = keystore_of(store);
  CV_ASSERT(keystore != nullptr);
  return *keystore;
}

Extents copy_size(const LogicalVolume& store) {
  return store.segments.front().count;
}

std::unique_ptr<device::BlockDevice> open_copy(const VolumeGroup& vg, const PvDevices& devices,
                                               const LogicalVolume& store, unsigned number) {
  return open_area(vg, devices, keystore_at(store).copies.at(number - 1), copy_size(store),
                   fmt::format("copy {} of {}/{}", number, vg.name, store.name));
}

std::vector<std::byte> read_all(device::BlockDevice& device, Bytes from, Bytes length) {
  std::vector<std::byte> bytes(length.n);
  device.read(from, bytes);
  return bytes;
}

/// More than any header has; what claims to be larger is not read into memory.
constexpr Bytes kLargestCopy(std::uint64_t{1} << 30);

std::optional<StoreTrailer> read_trailer(device::BlockDevice& copy) {
  if (copy.size() < kTrailer) return std::nullopt;
  std::array<std::byte, kStoreTrailerBytes> packed{};
  copy.read(copy.size() - kTrailer, packed);
  return unpack_store_trailer(packed);
}

StoreCopy read_copy(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store,
                    unsigned number) {
  StoreCopy copy;
  copy.number = number;
  try {
    const auto device = open_copy(vg, devices, store, number);
    if (device->size() > kLargestCopy)
      throw Error(Errc::unsupported, "it has {} bytes, which no keystore needs", device->size().n);
    if (device->size().n > 0) read_all(*device, device->size() - Bytes(1), Bytes(1));
    copy.bytes = read_all(*device, Bytes(0), device->size());
    copy.trailer = read_trailer(*device);
  } catch (const Error& error) {
    copy.flaw = error.what();
  }
  if (copy.trailer) {
    copy.intact = copy.trailer->store == store.id && digest_matches(*copy.trailer, copy.bytes);
    if (!copy.intact) copy.flaw = "it is not what its trailer says";
    copy.bytes.resize(
        std::min<std::uint64_t>(copy.trailer->handler_bytes.n, copy.bytes.size() - kStoreTrailerBytes));
  }
  return copy;
}

/// Writes and proves that it arrived.
void write_verified(device::BlockDevice& device, Bytes at, std::span<const std::byte> bytes) {
  device.write(at, bytes);
  device.flush();
  const auto there = read_all(device, at, Bytes(bytes.size()));
  if (!std::ranges::equal(there, bytes))
    throw Error(Errc::io, "{} does not give back what was written to it", device.path())
        .advise("the disk is failing; replace it");
}

/// A whole copy: what lay between the handler's bytes and the trailer was somebody else's.
void write_whole(device::BlockDevice& device, std::span<const std::byte> handler_bytes,
                 std::span<const std::byte, kStoreTrailerBytes> trailer) {
  CV_ASSERT(Bytes(handler_bytes.size()) + kTrailer <= device.size());
  std::vector<std::byte> whole(device.size().n);
  std::ranges::copy(handler_bytes, whole.begin());
  std::ranges::copy(trailer, whole.end() - kStoreTrailerBytes);
  write_verified(device, Bytes(0), whole);
}

/// Blocks of `part` that `there` does not have yet.
void write_differences(device::BlockDevice& device, const Range<Bytes>& part,
                       std::span<const std::byte> wanted, std::span<const std::byte> there) {
  for (Bytes at = part.begin; at < part.end; at += Bytes(kBlock)) {
    const std::size_t length = std::min<std::uint64_t>(kBlock, (part.end - at).n);
    const auto block = wanted.subspan(at.n, length);
    if (!std::ranges::equal(block, there.subspan(at.n, length))) device.write(at, block);
  }
  device.flush();
}

void rewrite_copy(device::BlockDevice& device, std::span<const std::byte> wanted,
                  const std::vector<Range<Bytes>>& order,
                  std::span<const std::byte, kStoreTrailerBytes> trailer) {
  const Bytes length(wanted.size());
  const auto there = read_all(device, Bytes(0), length);
  for (const Range<Bytes>& part : order) write_differences(device, part, wanted, there);
  if (!std::ranges::equal(read_all(device, Bytes(0), length), wanted))
    throw Error(Errc::io, "{} does not give back what was written to it", device.path())
        .advise("the disk is failing; replace it");
  if (length + kTrailer <= device.size()) write_verified(device, device.size() - kTrailer, trailer);
}

}  // namespace

Bytes handler_room(const VolumeGroup& vg, const LogicalVolume& store) {
  const Bytes size = to_bytes(to_sectors(copy_size(store), vg.extent_size));
  return size > kTrailer ? size - kTrailer : Bytes(0);
}

std::vector<StoreCopy> read_copies(const VolumeGroup& vg, const PvDevices& devices,
                                   const LogicalVolume& store) {
  std::vector<StoreCopy> copies;
  for (unsigned number = 1; number <= keystore_at(store).copies.size(); ++number)
    copies.push_back(read_copy(vg, devices, store, number));
  // Only a store that was taken over in place has no trailer, and only one copy.
  const bool any =
      std::ranges::any_of(copies, [](const StoreCopy& copy) { return copy.trailer.has_value(); });
  for (StoreCopy& copy : copies)
    if (any && !copy.trailer && copy.flaw.empty()) copy.flaw = "it has no trailer";
  const auto rank = [](const StoreCopy& copy) {
    return std::tuple(!copy.bytes.empty(), copy.intact, copy.trailer ? copy.trailer->generation : 0);
  };
  std::ranges::stable_sort(copies, std::ranges::greater(), rank);
  return copies;
}

void write_new_copies(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store,
                      std::span<const std::byte> handler_bytes) {
  const Keystore& keystore = keystore_at(store);
  CV_ASSERT(Bytes(handler_bytes.size()) <= handler_room(vg, store) || keystore.copies.empty());
  const auto trailer = pack(make_store_trailer(store.id, keystore.generation.value_or(0),
                                               keystore.iv_next.value_or(Sectors()), handler_bytes));
  for (unsigned number = 1; number <= keystore.copies.size(); ++number)
    write_whole(*open_copy(vg, devices, store, number), handler_bytes, trailer);
}

std::vector<unsigned> copies_to_heal(const LogicalVolume& store, std::span<const StoreCopy> copies) {
  std::vector<unsigned> numbers;
  if (copies.size() < 2 || !copies.front().intact || is_outdated(store, copies)) return numbers;
  const StoreCopy& best = copies.front();
  for (const StoreCopy& copy : copies.subspan(1)) {
    const bool is_foreign = copy.trailer && copy.trailer->store != store.id;
    if (copy.bytes.empty() || is_foreign) continue;
    if (!copy.intact || copy.trailer->generation != best.trailer->generation || copy.bytes != best.bytes)
      numbers.push_back(copy.number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

bool can_be_copied(const LogicalVolume& store, std::span<const StoreCopy> copies) {
  return !copies.empty() && copies.front().intact && !is_outdated(store, copies);
}

void fill_new_copies(const VolumeGroup& current, const VolumeGroup& next, const PvDevices& devices,
                     const LogicalVolume& store) {
  const auto before = std::ranges::find(current.lvs, store.id, &LogicalVolume::id);
  CV_ASSERT(before != current.lvs.end());
  std::set<LvId> known;
  for (const LogicalVolume& lv : current.lvs) known.insert(lv.id);
  std::vector<std::byte> whole;
  for (unsigned number = 1; number <= keystore_at(store).copies.size(); ++number) {
    const auto* data = std::get_if<LogicalArea>(&keystore_at(store).copies[number - 1]);
    if (data == nullptr || known.contains(lv_at(next, data->lv).id)) continue;
    if (whole.empty()) {
      const auto best = read_copies(current, devices, *before).front();
      if (best.bytes.empty())
        throw Error(Errc::damaged, "no copy of the keystore {}/{} can be read: {}", current.name, store.name,
                    best.flaw);
      const auto source = open_copy(current, devices, *before, best.number);
      whole = read_all(*source, Bytes(0), source->size());
    }
    write_verified(*open_copy(next, devices, store, number), Bytes(0), whole);
  }
}

bool is_outdated(const LogicalVolume& store, std::span<const StoreCopy> copies) {
  const auto generation = keystore_at(store).generation.value_or(0);
  bool any = false;
  for (const StoreCopy& copy : copies) {
    if (!copy.trailer || copy.trailer->store != store.id) continue;
    if (copy.trailer->generation >= generation) return false;
    any = true;
  }
  return any;
}

std::vector<unsigned> heal_copies(const VolumeGroup& vg, const PvDevices& devices,
                                  const LogicalVolume& store) {
  const auto copies = read_copies(vg, devices, store);
  const auto numbers = copies_to_heal(store, copies);
  if (numbers.empty()) return numbers;
  auto trailer = *copies.front().trailer;
  trailer.iv_next = std::max(trailer.iv_next, keystore_at(store).iv_next.value_or(Sectors()));
  for (const unsigned number : numbers)
    write_whole(*open_copy(vg, devices, store, number), copies.front().bytes, pack(trailer));
  return numbers;
}

void rewrite_copies(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store,
                    std::span<const std::byte> handler_bytes, const std::vector<Range<Bytes>>& order) {
  const Keystore& keystore = keystore_at(store);
  const auto trailer = pack(make_store_trailer(store.id, keystore.generation.value_or(0),
                                               keystore.iv_next.value_or(Sectors()), handler_bytes));
  for (unsigned number = 1; number <= keystore.copies.size(); ++number)
    rewrite_copy(*open_copy(vg, devices, store, number), handler_bytes, order, trailer);
}

void update_trailers(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store) {
  const Keystore& keystore = keystore_at(store);
  for (unsigned number = 1; number <= keystore.copies.size(); ++number) {
    try {
      const auto device = open_copy(vg, devices, store, number);
      auto trailer = read_trailer(*device);
      if (!trailer || trailer->iv_next >= keystore.iv_next.value_or(Sectors())) continue;
      trailer->iv_next = *keystore.iv_next;
      write_verified(*device, device->size() - kTrailer, pack(*trailer));
    } catch (const Error& error) {
      log::warning("the trailer of copy {} of {}/{} was not updated: {}", number, vg.name, store.name,
                   error.what());
    }
  }
}

void wipe_start(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& lv, Bytes length) {
  const auto device = open_volume(vg, devices, lv.name);
  std::vector<std::byte> noise(std::min<std::uint64_t>(kChunk, length.n));
  for (Bytes at; at < length; at += Bytes(noise.size())) {
    noise.resize(std::min<std::uint64_t>(noise.size(), (length - at).n));
    fill_random(noise);
    write_verified(*device, at, noise);
  }
}

void wipe_old_header(const VolumeGroup& vg, const PvDevices& devices, const std::string& lv) {
  const Crypt* crypt = crypt_of(lv_at(vg, lv));
  if (crypt == nullptr || !crypt->old_header || !crypt->payload_offset) return;
  const auto* data = std::get_if<LogicalArea>(&crypt->area);
  CV_ASSERT(data != nullptr);
  wipe_start(vg, devices, lv_at(vg, data->lv), to_bytes(*crypt->payload_offset));
}

void erase_copies(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store) {
  const Bytes size = to_bytes(to_sectors(copy_size(store), vg.extent_size));
  for (const Area& area : keystore_at(store).copies)
    if (const auto* data = std::get_if<LogicalArea>(&area))
      wipe_start(vg, devices, lv_at(vg, data->lv), size);
}

std::optional<Sectors> iv_next_of_trailers(const VolumeGroup& vg, const PvDevices& devices,
                                           const LogicalVolume& store) {
  std::optional<Sectors> highest;
  for (unsigned number = 1; number <= keystore_at(store).copies.size(); ++number) {
    try {
      const auto trailer = read_trailer(*open_copy(vg, devices, store, number));
      if (trailer && trailer->store == store.id)
        highest = std::max(highest.value_or(Sectors()), trailer->iv_next);
    } catch (const Error& error) {
      log::debug("copy {} of {}/{} has no trailer that can be read: {}", number, vg.name, store.name,
                 error.what());
    }
  }
  return highest;
}

}  // namespace cv::metadata
