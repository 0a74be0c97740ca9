#include "tests/support/crash_device.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

namespace cv::test {

void CrashDevice::write(Bytes at, std::span<const std::byte> from) {
  target_.write(at, from);
  log_.events.push_back({.device = number_, .at = at, .bytes = {from.begin(), from.end()}});
}

void CrashDevice::flush() {
  target_.flush();
  log_.events.push_back({.device = number_, .at = Bytes(0), .bytes = {}});
}

CrashImages::Disks copy_of(const std::vector<MemoryDevice*>& disks) {
  CrashImages::Disks copies;
  for (const auto* disk : disks)
    copies.push_back(std::make_unique<MemoryDevice>(disk->path(), disk->content()));
  return copies;
}

CrashImages::CrashImages(Disks before, CrashLog log) : disks_(std::move(before)), log_(std::move(log)) {
  for (const auto& disk : disks_) base_.push_back(disk->content());
}

std::vector<CrashImages::Piece> CrashImages::sectors_of(std::size_t event) const {
  std::vector<Piece> sectors;
  const auto length = log_.events[event].bytes.size();
  for (std::size_t begin = 0; begin < length; begin += kSectorBytes)
    sectors.push_back({.event = event, .begin = begin, .end = std::min(length, begin + kSectorBytes)});
  return sectors;
}

void CrashImages::apply(const Piece& piece) {
  const auto& event = log_.events[piece.event];
  std::copy(event.bytes.begin() + static_cast<std::ptrdiff_t>(piece.begin),
            event.bytes.begin() + static_cast<std::ptrdiff_t>(piece.end),
            disks_[event.device]->content().begin() + static_cast<std::ptrdiff_t>(event.at.n + piece.begin));
}

void CrashImages::keep(const Piece& piece) {
  const auto& event = log_.events[piece.event];
  apply(piece);
  std::copy(event.bytes.begin() + static_cast<std::ptrdiff_t>(piece.begin),
            event.bytes.begin() + static_cast<std::ptrdiff_t>(piece.end),
            base_[event.device].begin() + static_cast<std::ptrdiff_t>(event.at.n + piece.begin));
}

void CrashImages::show(const std::vector<Piece>& pieces, const Visitor& visit, const std::string& what) {
  for (const auto& piece : pieces) apply(piece);
  visit(disks_, what);
  for (std::size_t i = 0; i < disks_.size(); ++i)
    std::copy(base_[i].begin(), base_[i].end(), disks_[i]->content().begin());
}

unsigned CrashImages::each_prefix(const Visitor& visit) {
  const auto original = base_;
  unsigned images = 0;
  for (std::size_t event = 0; event < log_.events.size(); ++event) {
    if (log_.events[event].is_flush()) continue;
    for (const auto& sector : sectors_of(event)) {
      show({}, visit, fmt::format("everything before byte {} of event {}", sector.begin, event));
      keep(sector);
      ++images;
    }
  }
  show({}, visit, "everything");
  base_ = original;
  show(
      {}, [](Disks&, const std::string&) {}, "");
  return images + 1;
}

unsigned CrashImages::each_subset(const Visitor& visit, std::uint64_t seed, unsigned all_up_to,
                                  unsigned samples) {
  const auto original = base_;
  std::mt19937_64 random(seed);
  std::vector<std::size_t> pending;  // writes that no flush has made certain yet
  unsigned images = 0;

  const auto show_subset = [&](const std::vector<Piece>& pieces, const auto& is_kept) {
    std::vector<Piece> kept;
    std::string what = "of event and sector, only:";
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (!is_kept(i)) continue;
      kept.push_back(pieces[i]);
      what += fmt::format(" {}.{}", pieces[i].event, pieces[i].begin / kSectorBytes);
    }
    show(kept, visit, what);
    ++images;
  };
  const auto show_all_subsets = [&](const std::vector<Piece>& pieces) {
    for (std::uint64_t mask = 0; mask < std::uint64_t{1} << pieces.size(); ++mask)
      show_subset(pieces, [&](std::size_t i) { return (mask >> i & 1) != 0; });
  };
  const auto explore = [&] {
    std::vector<Piece> sectors;
    std::vector<Piece> writes;
    for (const auto event : pending) {
      const auto some = sectors_of(event);
      sectors.insert(sectors.end(), some.begin(), some.end());
      writes.push_back({.event = event, .begin = 0, .end = log_.events[event].bytes.size()});
    }
    if (sectors.size() <= all_up_to) return show_all_subsets(sectors);
    if (writes.size() <= all_up_to) show_all_subsets(writes);
    for (unsigned sample = 0; sample < samples; ++sample) {
      const auto threshold = random() % 100;  // from nearly nothing to nearly everything
      show_subset(sectors, [&](std::size_t) { return random() % 100 < threshold; });
    }
  };

  bool is_explored = true;
  for (std::size_t event = 0; event < log_.events.size(); ++event) {
    if (!log_.events[event].is_flush()) {
      pending.push_back(event);
      is_explored = false;
      continue;
    }
    if (!is_explored) explore();
    is_explored = true;
    std::erase_if(pending, [&](std::size_t written) {
      if (log_.events[written].device != log_.events[event].device) return false;
      for (const auto& sector : sectors_of(written)) keep(sector);
      return true;
    });
  }
  if (!is_explored || !pending.empty()) explore();
  base_ = original;
  show(
      {}, [](Disks&, const std::string&) {}, "");
  return images;
}

}  // namespace cv::test
