#include "tools/report/volume_words.h"

#include <algorithm>
#include <cctype>

#include "lib/base/match.h"

namespace cv::tools::report {

namespace {

using metadata::Allocation;
using metadata::Crypt;
using metadata::has_flag;
using metadata::Keystore;
using metadata::LogicalVolume;
using metadata::Opaque;
using metadata::Segment;
using metadata::Striped;

/// Of the first segment, as in LVM2.
char kind_letter(const LogicalVolume& lv) {
  if (lv.segments.empty()) return '-';
  return match(
      lv.segments.front().kind, [](const Striped&) { return '-'; }, [](const Crypt&) { return 'x'; },
      [](const Keystore&) { return 'k'; }, [](const Opaque&) { return 'u'; });
}

char allocation_letter(const LogicalVolume& lv) {
  const auto letter = [&] {
    switch (lv.allocation) {
      case Allocation::normal: return 'n';
      case Allocation::contiguous: return 'c';
      case Allocation::cling:
      case Allocation::cling_by_tags: return 'l';
      case Allocation::anywhere: return 'a';
      case Allocation::inherit: return 'i';
    }
    return '-';
  }();
  const bool locked = has_flag(lv.flags, "LOCKED");
  return locked ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : letter;
}

bool uses_missing(const LogicalVolume& lv, const GroupFacts& group) {
  const auto is_missing = [&](const metadata::Area& area) {
    const auto* physical = std::get_if<metadata::PhysicalArea>(&area);
    return physical != nullptr && !group.pvs.contains(physical->pv);
  };
  return std::ranges::any_of(lv.segments, [&](const Segment& segment) {
    return match(
        segment.kind, [&](const Striped& kind) { return std::ranges::any_of(kind.stripes, is_missing); },
        [&](const Crypt& kind) { return is_missing(kind.area); },
        [&](const Keystore& kind) { return std::ranges::any_of(kind.copies, is_missing); },
        [](const Opaque&) { return false; });
  });
}

/// Itself or what it stands on. Volumes stand on others at most a few deep, and a ring is cut off.
bool is_partial(const LogicalVolume& lv, const GroupFacts& group, unsigned depth = 0) {
  if (uses_missing(lv, group)) return true;
  constexpr unsigned kDeepest = 8;
  if (depth == kDeepest) return false;
  const auto below_is_partial = [&](const metadata::Area& area) {
    const auto* logical = std::get_if<metadata::LogicalArea>(&area);
    const auto* below = logical == nullptr ? nullptr : group.find_lv(logical->lv);
    return below != nullptr && is_partial(*below, group, depth + 1);
  };
  return std::ranges::any_of(lv.segments, [&](const Segment& segment) {
    return match(
        segment.kind,
        [&](const Striped& kind) { return std::ranges::any_of(kind.stripes, below_is_partial); },
        [&](const Crypt& kind) { return below_is_partial(kind.area); },
        [&](const Keystore& kind) { return std::ranges::any_of(kind.copies, below_is_partial); },
        [](const Opaque&) { return false; });
  });
}

/// How many extents lie in each of its areas.
Extents part_length(const Segment& segment) {
  const auto* striped = std::get_if<Striped>(&segment.kind);
  if (striped == nullptr || striped->stripes.empty()) return segment.count;
  return Extents(segment.count.n / striped->stripes.size());
}

struct Place {
  std::string device;
  Extents first;
};
Place place_of(const metadata::Area& area, const GroupFacts& group) {
  return match(
      area,
      [&](const metadata::PhysicalArea& a) {
        return Place{group.pv_name(a.pv), a.first};
      },
      [](const metadata::LogicalArea& a) {
        return Place{a.lv, a.first};
      });
}

}  // namespace

LvSeen seen_of(const LogicalVolume& lv, const GroupFacts& group) {
  const auto found = group.seen.find(lv.name);
  return found == group.seen.end() ? group.unseen : found->second;
}

std::vector<std::string> stores_of(const LogicalVolume& lv) {
  std::vector<std::string> stores;
  for (const auto& segment : lv.segments) {
    const auto* crypt = std::get_if<Crypt>(&segment.kind);
    if (crypt == nullptr || std::ranges::find(stores, crypt->store) != stores.end()) continue;
    stores.push_back(crypt->store);
  }
  return stores;
}

const Keystore* store_of(const LogicalVolume& lv, const GroupFacts& group) {
  if (const auto* store = metadata::keystore_of(lv)) return store;
  const auto stores = stores_of(lv);
  const auto* found = stores.empty() ? nullptr : group.find_lv(stores.front());
  return found == nullptr ? nullptr : metadata::keystore_of(*found);
}

std::string segment_type(const Segment& segment) {
  return match(
      segment.kind,
      [](const Striped& kind) { return std::string(kind.stripes.size() > 1 ? "striped" : "linear"); },
      [](const Crypt&) { return std::string("crypt"); },
      [](const Keystore&) { return std::string("crypt-keystore"); },
      [](const Opaque& kind) { return kind.type; });
}

std::vector<metadata::Area> areas_of(const Segment& segment) {
  return match(
      segment.kind, [](const Striped& kind) { return kind.stripes; },
      [](const Crypt& kind) { return std::vector<metadata::Area>{kind.area}; },
      [](const Keystore& kind) { return kind.copies; },
      [](const Opaque&) { return std::vector<metadata::Area>(); });
}

std::vector<std::string> devices_of(const Segment& segment, const GroupFacts& group) {
  std::vector<std::string> all;
  for (const metadata::Area& area : areas_of(segment)) {
    const auto place = place_of(area, group);
    all.push_back(fmt::format("{}({})", place.device, place.first.n));
  }
  return all;
}

std::string segment_ranges(const Segment& segment, const GroupFacts& group) {
  std::string all;
  const Extents length = part_length(segment);
  for (const auto& area : areas_of(segment)) {
    const auto place = place_of(area, group);
    const std::uint64_t last = length.n == 0 ? place.first.n : place.first.n + (length.n - 1);
    all += fmt::format("{}{}:{}-{}", all.empty() ? "" : " ", place.device, place.first.n, last);
  }
  return all;
}

std::vector<std::string> layout_of(const LogicalVolume& lv, const GroupFacts&) {
  std::vector<std::string> layout;
  for (const auto& segment : lv.segments) {
    auto type = segment_type(segment);
    if (std::ranges::find(layout, type) == layout.end()) layout.push_back(std::move(type));
  }
  return layout;
}

std::string lv_attr(const LogicalVolume& lv, const GroupFacts& group) {
  const auto seen = seen_of(lv, group);
  std::string attr(10, '-');
  attr[0] = group.is_data_lv(lv.name) ? 'd' : kind_letter(lv);
  attr[1] = !has_flag(lv.flags, "WRITE") ? 'r' : seen.read_only ? 'R' : 'w';
  attr[2] = allocation_letter(lv);
  if (has_flag(lv.flags, "FIXED_MINOR")) attr[3] = 'm';
  switch (seen.live) {
    case Live::unknown: attr[4] = 'X'; break;
    case Live::inactive: break;
    case Live::active: attr[4] = 'a'; break;
    case Live::suspended: attr[4] = 's'; break;
  }
  attr[5] = seen.live == Live::unknown ? 'X' : seen.open ? 'o' : '-';
  attr[6] = kind_letter(lv);
  if (is_partial(lv, group)) attr[8] = 'p';
  // On our own volumes the flag only keeps LVM2 quiet; here it stops nobody.
  const bool ours = attr[6] == 'x' || attr[6] == 'k';
  if (!ours && has_flag(lv.flags, "ACTIVATION_SKIP")) attr[9] = 'k';
  return attr;
}

std::string crypt_attr(const LogicalVolume& lv) {
  const bool is_store = metadata::keystore_of(lv) != nullptr;
  const auto has = [&](bool Crypt::*member) {
    return std::ranges::any_of(lv.segments, [&](const Segment& segment) {
      const auto* crypt = std::get_if<Crypt>(&segment.kind);
      return crypt != nullptr && crypt->*member;
    });
  };
  if (!is_store && stores_of(lv).empty()) return {};
  std::string attr = is_store ? "k---" : "c---";
  if (has(&Crypt::discards)) attr[1] = 'd';
  if (has(&Crypt::inline_workqueues)) attr[2] = 'i';
  if (has(&Crypt::old_header)) attr[3] = 'o';
  return attr;
}

}  // namespace cv::tools::report
