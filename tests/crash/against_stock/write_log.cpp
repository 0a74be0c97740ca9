#include "tests/crash/against_stock/write_log.h"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "lib/base/error.h"

namespace cv::test {

namespace {

// drivers/md/dm-log-writes.c and Documentation/admin-guide/device-mapper/log-writes.rst, all little endian:
// in the first sector magic, version, number of entries, sector size; then for each entry a sector with
// where, how many, flags and length of a mark, and the data behind it.
constexpr std::uint64_t kMagic = 0x6a736677736872;
constexpr std::uint64_t kFlush = 1;
constexpr std::uint64_t kDiscard = 4;
constexpr std::uint64_t kMark = 8;
constexpr std::size_t kEntryBytes = 32;

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(path, std::ios::binary) {}

  std::vector<std::byte> read(std::size_t count) {
    std::vector<std::byte> bytes(count);
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count));
    if (!file_) throw Error(Errc::damaged, "{} ends too early for a log of writes", path_);
    return bytes;
  }

 private:
  std::string path_;
  std::ifstream file_;
};

std::uint64_t number_at(const std::vector<std::byte>& bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;) number = (number << 8) | std::to_integer<std::uint64_t>(bytes.at(at + i));
  return number;
}

}  // namespace

std::vector<MarkedLog> read_write_log(const std::string& path, std::size_t devices, Bytes size) {
  Reader reader(path);
  const auto head = reader.read(kSectorBytes);
  const std::uint64_t sector_bytes = number_at(head, 24) & 0xffffffff;
  if (number_at(head, 0) != kMagic || number_at(head, 8) != 1 || sector_bytes != kSectorBytes)
    throw Error(Errc::damaged, "{} is no log of writes in sectors of {} bytes", path, kSectorBytes);
  std::vector<MarkedLog> marked(1);
  for (std::uint64_t entries = number_at(head, 16); entries > 0; --entries) {
    const auto entry = reader.read(kSectorBytes);
    const std::uint64_t flags = number_at(entry, 16);
    auto& events = marked.back().log.events;
    if ((flags & kFlush) != 0)
      for (std::size_t i = 0; i < devices; ++i) events.push_back({.device = i, .at = Bytes(0), .bytes = {}});
    if ((flags & kMark) != 0) {
      const auto length = std::min<std::uint64_t>(number_at(entry, 24), kSectorBytes - kEntryBytes);
      const auto* text = reinterpret_cast<const char*>(entry.data() + kEntryBytes);
      marked.back().mark.assign(text, strnlen(text, length));
      for (std::size_t i = 0; i < devices && !events.empty() && events.back().is_flush(); ++i)
        events.pop_back();
      marked.emplace_back();
      continue;
    }
    const std::uint64_t at = number_at(entry, 0) * kSectorBytes;
    const std::uint64_t count = number_at(entry, 8) * kSectorBytes;
    if (count == 0) continue;
    const std::uint64_t device = at / size.n;
    if (device >= devices || count > size.n)
      throw Error(Errc::damaged, "{} has a write at byte {}, past the end of the disk", path, at);
    // A discard may leave anything: here zeroes.
    std::vector<std::byte> bytes((flags & kDiscard) != 0 ? count : 0);
    if (bytes.empty()) bytes = reader.read(count);
    events.push_back({.device = device, .at = Bytes(at % size.n), .bytes = std::move(bytes)});
  }
  marked.pop_back();  // what came after the last mark
  return marked;
}

}  // namespace cv::test
