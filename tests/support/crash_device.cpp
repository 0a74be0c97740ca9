#include "tests/support/crash_device.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace cv::test {

namespace {

constexpr std::size_t kNamedPieces = 24;  // of a subset, in messages

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

auto at_byte(auto& bytes, std::size_t byte) {
  return bytes.begin() + static_cast<std::ptrdiff_t>(byte);
}

}  // namespace

CrashSampling CrashSampling::from_environment() {
  CrashSampling sampling;
  sampling.seed = number_from("CVM_SEED", sampling.seed);
  sampling.samples = static_cast<unsigned>(number_from("CVM_CRASH_SAMPLES", sampling.samples));
  return sampling;
}

void CrashDevice::write(Bytes at, std::span<const std::byte> from) {
  target_.write(at, from);
  if (block_size() == Bytes(kSectorBytes)) {
    log_.events.push_back({.device = number_, .at = at, .bytes = {from.begin(), from.end()}});
    return;
  }
  // Larger blocks are read, changed and written as a whole.
  const Bytes begin = round_down(at, block_size());
  std::vector<std::byte> blocks((round_up(at + Bytes(from.size()), block_size()) - begin).n);
  target_.read(begin, blocks);
  log_.events.push_back({.device = number_, .at = begin, .bytes = std::move(blocks)});
}

void CrashDevice::flush() {
  target_.flush();
  log_.events.push_back({.device = number_, .at = Bytes(0), .bytes = {}});
}

CrashImages::Disks copy_of(const std::vector<MemoryDevice*>& disks) {
  CrashImages::Disks copies;
  for (const auto* disk : disks)
    copies.push_back(std::make_unique<MemoryDevice>(disk->path(), disk->content(), disk->block_size()));
  return copies;
}

CrashImages::Disks copy_of(const CrashImages::Disks& disks) {
  std::vector<MemoryDevice*> all;
  for (const auto& disk : disks) all.push_back(disk.get());
  return copy_of(all);
}

CrashImages::CrashImages(Disks before, CrashLog log) : disks_(std::move(before)), log_(std::move(log)) {
  for (const auto& disk : disks_) original_.push_back(disk->content());
  base_ = original_;
}

std::vector<CrashImages::Piece> CrashImages::sectors_of(std::size_t event) const {
  std::vector<Piece> sectors;
  const auto length = log_.events[event].bytes.size();
  const auto whole = static_cast<std::size_t>(disks_[log_.events[event].device]->block_size().n);
  for (std::size_t begin = 0; begin < length; begin += whole)
    sectors.push_back({.event = event, .begin = begin, .end = std::min(length, begin + whole)});
  return sectors;
}

Range<std::size_t> CrashImages::place_of(const Piece& piece) const {
  const auto at = log_.events[piece.event].at.n;
  return {at + piece.begin, at + piece.end};
}

void CrashImages::apply(const Piece& piece) {
  const auto& event = log_.events[piece.event];
  std::copy(at_byte(event.bytes, piece.begin), at_byte(event.bytes, piece.end),
            at_byte(disks_[event.device]->content(), place_of(piece).begin));
}

void CrashImages::keep(const Piece& piece) {
  const auto& event = log_.events[piece.event];
  apply(piece);
  std::copy(at_byte(event.bytes, piece.begin), at_byte(event.bytes, piece.end),
            at_byte(base_[event.device], place_of(piece).begin));
}

void CrashImages::show(const std::vector<Piece>& pieces, const Visitor& visit, const std::string& what) {
  Touched touched;
  for (const auto& piece : pieces) {
    apply(piece);
    touched.emplace_back(log_.events[piece.event].device, place_of(piece));
  }
  visit(disks_, what);
  for (std::size_t i = 0; i < disks_.size(); ++i)
    for (const auto& written : disks_[i]->take_written()) touched.emplace_back(i, written);
  for (const auto& [device, place] : touched)
    std::copy(at_byte(base_[device], place.begin), at_byte(base_[device], place.end),
              at_byte(disks_[device]->content(), place.begin));
}

void CrashImages::start_again() {
  base_ = original_;
  for (std::size_t i = 0; i < disks_.size(); ++i) disks_[i]->content() = original_[i];
}

unsigned CrashImages::each_prefix(const Visitor& visit, std::size_t step) {
  unsigned images = 0;
  for (std::size_t event = 0; event < log_.events.size(); ++event) {
    if (log_.events[event].is_flush()) continue;
    for (const auto& sector : sectors_of(event)) {
      if (step == 0 || sector.begin % step == 0) {
        show({}, visit, fmt::format("everything before byte {} of event {}", sector.begin, event));
        ++images;
      }
      keep(sector);
    }
  }
  show({}, visit, "everything");
  start_again();
  return images + 1;
}

void CrashImages::explore(const std::vector<std::size_t>& pending, const CrashSampling& sampling,
                          std::mt19937_64& random, const Visitor& visit, unsigned& images) {
  std::vector<Piece> sectors;
  std::vector<Piece> writes;
  for (const auto event : pending) {
    const auto some = sectors_of(event);
    sectors.insert(sectors.end(), some.begin(), some.end());
    writes.push_back({.event = event, .begin = 0, .end = log_.events[event].bytes.size()});
  }
  const auto show_subset = [&](const std::vector<Piece>& pieces, const auto& is_kept) {
    std::vector<Piece> kept;
    std::string what = "of event and sector, only:";
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (!is_kept(i)) continue;
      kept.push_back(pieces[i]);
      if (kept.size() <= kNamedPieces)
        what += fmt::format(" {}.{}", pieces[i].event, pieces[i].begin / kSectorBytes);
    }
    if (kept.size() > kNamedPieces) what += fmt::format(" and {} more", kept.size() - kNamedPieces);
    show(kept, visit, what);
    ++images;
  };
  const auto show_all_subsets = [&](const std::vector<Piece>& pieces) {
    for (std::uint64_t mask = 0; mask < std::uint64_t{1} << pieces.size(); ++mask)
      show_subset(pieces, [&](std::size_t i) { return (mask >> i & 1) != 0; });
  };

  if (sectors.size() <= sampling.all_up_to) return show_all_subsets(sectors);
  if (writes.size() <= sampling.all_up_to) show_all_subsets(writes);
  for (unsigned sample = 0; sample < sampling.samples; ++sample) {
    const auto threshold = random() % 100;  // from nearly nothing to nearly everything
    show_subset(sectors, [&](std::size_t) { return random() % 100 < threshold; });
  }
}

unsigned CrashImages::each_subset(const Visitor& visit, const CrashSampling& sampling) {
  std::mt19937_64 random(sampling.seed);
  std::vector<std::size_t> pending;  // writes that no flush has made certain yet
  unsigned images = 0;
  bool is_explored = true;
  for (std::size_t event = 0; event < log_.events.size(); ++event) {
    if (!log_.events[event].is_flush()) {
      pending.push_back(event);
      is_explored = false;
      continue;
    }
    if (!is_explored) explore(pending, sampling, random, visit, images);
    is_explored = true;
    std::erase_if(pending, [&](std::size_t written) {
      if (log_.events[written].device != log_.events[event].device) return false;
      for (const auto& sector : sectors_of(written)) keep(sector);
      return true;
    });
  }
  if (!is_explored || !pending.empty()) explore(pending, sampling, random, visit, images);
  start_again();
  return images;
}

}  // namespace cv::test
