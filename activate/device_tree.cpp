#include "activate/device_tree.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "activate/device_name.h"
#include "lib/base/error.h"
#include "lib/base/match.h"
#include "metadata/names.h"

namespace cv::activate {

namespace {

using metadata::Area;
using metadata::LogicalArea;
using metadata::LogicalVolume;
using metadata::PhysicalArea;
using metadata::Segment;
using metadata::VolumeGroup;

/// Areas that lead from volume to volume more often than this go in a circle, or were made to hurt.
constexpr unsigned kMaxDepth = 8;
constexpr std::size_t kMaxPieces = std::size_t{1} << 20;

/// Sectors that lie side by side on one device.
struct Piece {
  Device device;
  Sectors offset;
  Sectors length;
};
using Pieces = std::vector<Piece>;

void append(Pieces& pieces, const Piece& piece) {
  if (!pieces.empty()) {
    auto& last = pieces.back();
    if (last.device == piece.device && last.offset + last.length == piece.offset) {
      last.length += piece.length;
      return;
    }
  }
  pieces.push_back(piece);
}

void drop_front(Pieces& pieces, Sectors count) {
  while (!pieces.empty() && count.n != 0) {
    auto& first = pieces.front();
    const auto cut = std::min(count, first.length);
    first.offset += cut;
    first.length -= cut;
    count -= cut;
    if (first.length.n == 0) pieces.erase(pieces.begin());
  }
}

/// The first extent of `area` moved on by `by`.
Area advanced(Area area, Extents by) {
  match(
      area, [&](PhysicalArea& physical) { physical.first += by; },
      [&](LogicalArea& logical) { logical.first += by; });
  return area;
}

/// Whether the line continues where `table` ends, on the device and, for crypt, in the IVs.
bool extends(const TableLine& last, const Target& target) {
  if (last.target.index() != target.index()) return false;
  if (const auto* linear = std::get_if<LinearTarget>(&last.target)) {
    LinearTarget next = *linear;
    next.offset += last.length;
    return next == std::get<LinearTarget>(target);
  }
  if (const auto* crypt = std::get_if<CryptTarget>(&last.target)) {
    CryptTarget next = *crypt;
    next.offset += last.length;
    next.iv_offset += last.length;
    return next == std::get<CryptTarget>(target);
  }
  return false;
}

void append(Table& table, Sectors length, Target target) {
  if (!table.empty() && extends(table.back(), target)) {
    table.back().length += length;
    return;
  }
  table.push_back({length_of(table), length, std::move(target)});
}

/// Whether the volume's extents can be named one by one, without a device of its own.
bool is_linear(const LogicalVolume& lv) {
  return std::ranges::all_of(lv.segments, [](const Segment& segment) {
    const auto* striped = std::get_if<metadata::Striped>(&segment.kind);
    return striped != nullptr && striped->stripes.size() == 1;
  });
}

[[noreturn]] void throw_opaque(const std::string& lv, const metadata::Opaque& opaque) {
  throw Error(Errc::unsupported, "{} is of type {}, which only LVM2 can activate and deactivate", lv,
              opaque.type)
      .advise("use lvchange for {}", lv);
}

class TreeBuilder {
 public:
  TreeBuilder(const GroupView& view, const TreeInputs& inputs)
      : view_(view), vg_(view.vg()), inputs_(inputs) {}

  void add_device(const LogicalVolume& lv, unsigned depth) {
    const auto uuid = dm_uuid(vg_.id, lv.id);
    if (std::ranges::find(devices_, uuid, &PlannedDevice::uuid) != devices_.end()) return;
    if (depth > kMaxDepth)
      throw Error(Errc::damaged, "the areas of {} lead from volume to volume without end", full_name(lv));
    PlannedDevice device;
    device.lv = full_name(lv);
    device.name = dm_name(vg_.name, lv.name);
    device.uuid = uuid;
    device.table = table_of(lv, depth);
    require_whole_blocks(lv, device.table);
    device.read_only = !metadata::has_flag(lv.flags, "WRITE");
    device.read_ahead = lv.read_ahead;
    if (metadata::has_flag(lv.flags, "FIXED_MINOR")) device.minor = lv.minor;
    device.publication = publication_of(vg_, lv);
    device.stores = stores_of(lv);
    devices_.push_back(std::move(device));
  }

  std::vector<PlannedDevice> take() { return std::move(devices_); }

 private:
  std::string full_name(const LogicalVolume& lv) const { return vg_.name + "/" + lv.name; }

  Table table_of(const LogicalVolume& lv, unsigned depth) {
    Table table;
    Extents next;
    for (const auto& segment : lv.segments) {
      if (segment.start != next) throw Error(Errc::damaged, "the segments of {} have gaps", full_name(lv));
      next += segment.count;
      match(
          segment.kind,
          [&](const metadata::Striped& striped) { add_striped(table, lv, segment, striped, depth); },
          [&](const metadata::Crypt& crypt) { add_crypt(table, lv, segment, crypt, depth); },
          [&](const metadata::Keystore&) {
            throw Error(Errc::unsupported, "{} is a keystore, there is nothing in it to activate",
                        full_name(lv));
          },
          [&](const metadata::Opaque& opaque) { throw_opaque(full_name(lv), opaque); });
    }
    if (table.empty()) throw Error(Errc::damaged, "{} has no segments", full_name(lv));
    return table;
  }

  void add_striped(Table& table, const LogicalVolume& lv, const Segment& segment,
                   const metadata::Striped& striped, unsigned depth) {
    const auto count = striped.stripes.size();
    if (count == 0 || segment.count.n == 0 || segment.count.n % count != 0)
      throw Error(Errc::damaged, "{} has {} extents in {} stripes", full_name(lv), segment.count.n, count);
    if (count == 1) {
      for (const auto& piece : pieces_of(lv, striped.stripes.front(), segment.count, depth))
        append(table, piece.length, LinearTarget{piece.device, piece.offset});
      return;
    }
    StripedTarget target{.chunk = striped.stripe_size, .stripes = {}};
    for (const auto& area : striped.stripes) {
      const Extents length(segment.count.n / count);
      auto pieces = pieces_of(lv, area, length, depth);
      if (pieces.size() > 1) pieces = {piece_of_device(std::get<LogicalArea>(area), length, depth)};
      target.stripes.push_back({pieces.front().device, pieces.front().offset});
    }
    append(table, to_sectors(segment.count, vg_.extent_size), std::move(target));
  }

  void add_crypt(Table& table, const LogicalVolume& lv, const Segment& segment, const metadata::Crypt& crypt,
                 unsigned depth) {
    const auto found = inputs_.keys.find(crypt.store);
    if (found == inputs_.keys.end())
      throw Error(Errc::key_missing, "the key of {}/{} is not at hand, {} needs it", vg_.name, crypt.store,
                  full_name(lv));
    const auto& store = found->second;
    auto pieces = pieces_of(lv, crypt.area, segment.count, depth);
    drop_front(pieces, crypt.payload_offset.value_or(Sectors()));
    if (pieces.empty())
      throw Error(Errc::damaged, "{} has no payload behind its payload_offset", full_name(lv));
    // Without an iv_offset IVs follow the volume's own sectors, as the RFC's table code had it.
    auto iv = crypt.iv_offset.value_or(to_sectors(segment.start, vg_.extent_size));
    for (const auto& piece : pieces) {
      require_aligned(lv, store, length_of(table), iv, piece);
      append(table, piece.length,
             CryptTarget{.cipher = store.cipher,
                         .key = store.key,
                         .iv_offset = iv,
                         .device = piece.device,
                         .offset = piece.offset,
                         .allow_discards = crypt.discards,
                         .inline_workqueues = crypt.inline_workqueues,
                         .sector_bytes = store.sector_bytes});
      iv += piece.length;
    }
  }

  void require_whole_blocks(const LogicalVolume& lv, const Table& table) const {
    if (inputs_.block_bytes.empty()) return;
    const auto require = [&](const TableLine& line, const Device& device, Sectors offset) {
      const auto* number = std::get_if<DeviceNumber>(&device);
      const auto found = number == nullptr ? inputs_.block_bytes.end() : inputs_.block_bytes.find(*number);
      if (found == inputs_.block_bytes.end()) return;
      const auto unit = found->second / kSectorBytes;
      if (unit <= 1 || (line.start.n % unit == 0 && line.length.n % unit == 0 && offset.n % unit == 0))
        return;
      throw Error(Errc::unsupported, "a part of {} begins or ends inside a block of {} bytes of the disk {}",
                  full_name(lv), found->second, to_text(*number))
          .advise("move the PV to a disk with smaller blocks (`blockdev --getss`)");
    };
    for (const auto& line : table)
      match(
          line.target, [&](const LinearTarget& target) { require(line, target.device, target.offset); },
          [&](const StripedTarget& target) {
            for (const auto& stripe : target.stripes) require(line, stripe.device, stripe.offset);
          },
          [&](const CryptTarget& target) { require(line, target.device, target.offset); },
          [](const ErrorTarget&) {}, [](const ZeroTarget&) {});
  }

  /// The kernel says no more than "Invalid argument" to this.
  void require_aligned(const LogicalVolume& lv, const StoreKey& store, Sectors start, Sectors iv,
                       const Piece& piece) const {
    const auto unit = store.sector_bytes / kSectorBytes;
    if (unit <= 1) return;
    if (start.n % unit == 0 && iv.n % unit == 0 && piece.offset.n % unit == 0 && piece.length.n % unit == 0)
      return;
    throw Error(Errc::unsupported,
                "{} is encrypted in sectors of {} bytes, but a part of it begins or ends inside of one",
                full_name(lv), store.sector_bytes);
  }

  Pieces pieces_of(const LogicalVolume& lv, const Area& area, Extents count, unsigned depth) {
    if (count.n == 0) throw Error(Errc::damaged, "{} has a segment of no extents", full_name(lv));
    Pieces pieces;
    collect(pieces, lv, area, count, depth);
    return pieces;
  }

  void collect(Pieces& pieces, const LogicalVolume& lv, const Area& area, Extents count, unsigned depth) {
    if (depth > kMaxDepth || pieces.size() > kMaxPieces)
      throw Error(Errc::damaged, "the areas of {} lead from volume to volume without end", full_name(lv));
    match(
        area, [&](const PhysicalArea& physical) { append(pieces, physical_piece(lv, physical, count)); },
        [&](const LogicalArea& logical) {
          const auto& below = volume_below(lv, logical, count);
          if (!is_linear(below)) {
            append(pieces, piece_of_device(logical, count, depth));
            return;
          }
          collect_linear(pieces, below, logical.first, count, depth);
        });
  }

  /// The extents [first, first + count) of `below`, segment by segment.
  void collect_linear(Pieces& pieces, const LogicalVolume& below, Extents first, Extents count,
                      unsigned depth) {
    const auto end = first + count;
    for (const auto& segment : below.segments) {
      const auto from = std::max(first, segment.start);
      const auto to = std::min(end, segment.start + segment.count);
      if (from >= to) continue;
      const auto& area = std::get<metadata::Striped>(segment.kind).stripes.front();
      collect(pieces, below, advanced(area, from - segment.start), to - from, depth + 1);
    }
  }

  Piece physical_piece(const LogicalVolume& lv, const PhysicalArea& area, Extents count) const {
    const auto* pv = view_.find_pv(area.pv);
    if (pv == nullptr || area.first + count > pv->pe_count)
      throw Error(Errc::damaged, "{} has extents that no PV of {} has", full_name(lv), vg_.name);
    const auto device = inputs_.pvs.find(area.pv);
    if (device == inputs_.pvs.end())
      throw Error(Errc::not_found, "{} needs the PV {}, which is missing (last seen as {})", full_name(lv),
                  pv->id.text(), pv->device.empty() ? "an unknown device" : pv->device)
          .advise("attach that disk and try again");
    return {device->second, pv->pe_start + to_sectors(area.first, vg_.extent_size),
            to_sectors(count, vg_.extent_size)};
  }

  const LogicalVolume& volume_below(const LogicalVolume& lv, const LogicalArea& area, Extents count) const {
    const auto* below = view_.find_lv(area.lv);
    if (below == nullptr || area.first + count > metadata::size_of(*below))
      throw Error(Errc::damaged, "{} has extents in {}, which has not so many", full_name(lv), area.lv);
    return *below;
  }

  Piece piece_of_device(const LogicalArea& area, Extents count, unsigned depth) {
    const auto& below = view_.lv_at(area.lv);
    add_device(below, depth + 1);
    return {DeviceBelow{dm_uuid(vg_.id, below.id), dm_name(vg_.name, below.name)},
            to_sectors(area.first, vg_.extent_size), to_sectors(count, vg_.extent_size)};
  }

  const GroupView& view_;
  const VolumeGroup& vg_;
  const TreeInputs& inputs_;
  std::vector<PlannedDevice> devices_;
};

void collect_below(const GroupView& view, const LogicalVolume& lv, std::vector<const LogicalVolume*>& found) {
  const auto add = [&](const Area& area) {
    const auto* logical = std::get_if<LogicalArea>(&area);
    const LogicalVolume* below = logical == nullptr ? nullptr : view.find_lv(logical->lv);
    if (below == nullptr || std::ranges::find(found, below) != found.end()) return;
    found.push_back(below);
    collect_below(view, *below, found);
  };
  for (const auto& segment : lv.segments) {
    match(
        segment.kind, [&](const metadata::Striped& striped) { std::ranges::for_each(striped.stripes, add); },
        [&](const metadata::Crypt& crypt) { add(crypt.area); },
        [&](const metadata::Keystore& store) { std::ranges::for_each(store.copies, add); },
        [](const metadata::Opaque&) {});
  }
}

}  // namespace

std::vector<PlannedDevice> devices_of(const GroupView& view, std::string_view lv, const TreeInputs& inputs) {
  require_manageable(view, lv);
  TreeBuilder builder(view, inputs);
  builder.add_device(view.lv_at(lv), 0);
  return builder.take();
}

void require_manageable(const GroupView& view, std::string_view lv) {
  const auto name = fmt::format("{}/{}", view.vg().name, lv);
  for (const auto& segment : view.lv_at(lv).segments)
    if (const auto* opaque = std::get_if<metadata::Opaque>(&segment.kind)) throw_opaque(name, *opaque);
  if (const auto* user = view.foreign_user_of(lv))
    throw Error(Errc::unsupported, "{} belongs to {}/{}, which only LVM2 can activate and deactivate", name,
                view.vg().name, user->name)
        .advise("use lvchange for {}", name);
}

bool is_manageable(const GroupView& view, std::string_view lv) {
  return !is_foreign(view.lv_at(lv)) && view.foreign_user_of(lv) == nullptr;
}

std::vector<std::string> foreign_volumes(const GroupView& view) {
  std::vector<std::string> found;
  for (const auto& lv : view.vg().lvs)
    if (is_foreign(lv) || view.foreign_user_of(lv.name) != nullptr) found.push_back(lv.name);
  return found;
}

std::vector<const LogicalVolume*> volumes_below(const GroupView& view, std::string_view lv) {
  std::vector<const LogicalVolume*> found;
  collect_below(view, view.lv_at(lv), found);
  return found;
}

std::vector<std::string> stores_of(const LogicalVolume& lv) {
  std::vector<std::string> stores;
  for (const auto& segment : lv.segments) {
    const auto* crypt = std::get_if<metadata::Crypt>(&segment.kind);
    if (crypt != nullptr && std::ranges::find(stores, crypt->store) == stores.end())
      stores.push_back(crypt->store);
  }
  return stores;
}

std::vector<std::string> stores_of(const VolumeGroup& vg, std::string_view lv) {
  return stores_of(metadata::lv_at(vg, lv));
}

Publication publication_of(const VolumeGroup& vg, const LogicalVolume& lv) {
  if (!metadata::is_visible(lv)) return {.hidden = true, .link = {}};
  return {
      .hidden = false, .link = vg.name + "/" + lv.name, .reserved = metadata::is_reserved_lv_name(lv.name)};
}

}  // namespace cv::activate
