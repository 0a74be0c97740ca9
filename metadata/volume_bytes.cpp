#include "metadata/volume_bytes.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/base/match.h"

namespace cv::metadata {
namespace {

constexpr std::size_t kDeepest = 32;

/// A stretch of a device.
struct OnDevice {
  device::BlockDevice* device;
  Bytes begin;
};
/// A stretch of another volume.
struct InVolume {
  std::size_t volume;  ///< index into Map::volumes
  Bytes begin;
};
using Place = std::variant<OnDevice, InVolume>;

/// A segment in bytes: rows of stripes. One place is linear, its rows are as long as the piece.
struct Piece {
  Bytes begin;
  Bytes end;
  Bytes stripe_size;
  std::vector<Place> places;
};
using Pieces = std::vector<Piece>;

struct Map {
  std::vector<Pieces> volumes;
  std::size_t top = 0;
};

/// Turns the areas of a volume, and of the volumes below it, into pieces.
class Mapping {
 public:
  Mapping(const VolumeGroup& vg, const PvDevices& devices) : vg_(vg), devices_(devices) {}

  Map of_volume(const LogicalVolume& lv) {
    map_.top = add(lv);
    return std::move(map_);
  }

  Map of_area(const Area& area, Extents count) {
    auto pieces = Pieces{linear(Extents(0), count, place_of(area, count))};
    map_.volumes.push_back(std::move(pieces));
    map_.top = map_.volumes.size() - 1;
    return std::move(map_);
  }

 private:
  Bytes bytes(Extents extents) const { return to_bytes(to_sectors(extents, vg_.extent_size)); }

  Piece linear(Extents start, Extents count, Place place) const {
    return {.begin = bytes(start),
            .end = bytes(start + count),
            .stripe_size = bytes(count),
            .places = {std::move(place)}};
  }

  std::size_t add(const LogicalVolume& lv) {
    if (const auto known = added_.find(lv.name); known != added_.end()) return known->second;
    if (open_.size() >= kDeepest)
      throw Error(Errc::damaged, "{}/{} stands on more than {} other volumes", vg_.name, lv.name, kDeepest);
    if (!open_.insert(lv.name).second)
      throw Error(Errc::damaged, "the areas of {}/{} lead back to itself", vg_.name, lv.name);
    Pieces pieces;
    for (const auto& segment : lv.segments) pieces.push_back(piece_of(lv, segment));
    open_.erase(lv.name);
    map_.volumes.push_back(std::move(pieces));
    return added_[lv.name] = map_.volumes.size() - 1;
  }

  Piece piece_of(const LogicalVolume& lv, const Segment& segment) {
    return match(
        segment.kind, [&](const Striped& striped) { return striped_piece(lv, segment, striped); },
        [&](const Crypt& crypt) {
          return linear(segment.start, segment.count, place_of(crypt.area, segment.count));
        },
        [&](const Keystore& store) -> Piece {
          if (store.copies.empty()) throw Error(Errc::unsupported, "{}/{} keeps no bytes", vg_.name, lv.name);
          return linear(segment.start, segment.count, place_of(store.copies.front(), segment.count));
        },
        [&](const Opaque& opaque) -> Piece {
          throw Error(Errc::unsupported, "{}/{} has a segment of type {}, whose bytes can't be read here",
                      vg_.name, lv.name, opaque.type);
        });
  }

  Piece striped_piece(const LogicalVolume& lv, const Segment& segment, const Striped& striped) {
    const auto count = striped.stripes.size();
    const bool is_linear = count == 1;
    const bool fits =
        count > 0 && segment.count.n % count == 0 &&
        (is_linear || (striped.stripe_size.n > 0 && (vg_.extent_size % striped.stripe_size).n == 0));
    if (!fits)
      throw Error(Errc::damaged, "the stripes of {}/{} don't share out its {} extents", vg_.name, lv.name,
                  segment.count.n);
    const Extents each(segment.count.n / count);
    Piece piece{.begin = bytes(segment.start),
                .end = bytes(segment.start + segment.count),
                .stripe_size = is_linear ? bytes(each) : to_bytes(striped.stripe_size),
                .places = {}};
    for (const auto& area : striped.stripes) piece.places.push_back(place_of(area, each));
    return piece;
  }

  Place place_of(const Area& area, Extents count) {
    return match(
        area, [&](const PhysicalArea& physical) -> Place { return on_device(physical, count); },
        [&](const LogicalArea& logical) -> Place {
          const auto& lv = lv_at(vg_, logical.lv);
          if (logical.first + count > size_of(lv))
            throw Error(Errc::damaged, "an area reaches beyond the end of {}/{}", vg_.name, lv.name);
          return InVolume{.volume = add(lv), .begin = bytes(logical.first)};
        });
  }

  OnDevice on_device(const PhysicalArea& area, Extents count) const {
    const auto* pv = find_pv(vg_, area.pv);
    if (pv == nullptr)
      throw Error(Errc::damaged, "an area lies on the physical volume {}, which is not in {}", area.pv.text(),
                  vg_.name);
    if (area.first + count > pv->pe_count)
      throw Error(Errc::damaged, "an area reaches beyond the {} extents of {}", pv->pe_count.n, pv->device);
    const auto found = devices_.find(area.pv);
    if (found == devices_.end() || found->second == nullptr)
      throw Error(Errc::not_found, "the physical volume {} is missing", area.pv.text())
          .advise("attach the device that was last seen as {}", pv->device);
    return {.device = found->second, .begin = to_bytes(pv->pe_start) + bytes(area.first)};
  }

  const VolumeGroup& vg_;
  const PvDevices& devices_;
  Map map_;
  std::map<std::string, std::size_t, std::less<>> added_;
  std::set<std::string, std::less<>> open_;  ///< on the way down to where we are
};

/// Where a byte lies, and how many behind it lie in one piece with it.
struct Located {
  OnDevice at;
  Bytes contiguous;
};

Located locate(const Map& map, std::size_t volume, Bytes position) {
  const auto& pieces = map.volumes[volume];
  const auto piece =
      std::partition_point(pieces.begin(), pieces.end(), [&](const Piece& p) { return p.end <= position; });
  CV_ASSERT(piece != pieces.end());
  const Bytes within = position - piece->begin;
  const std::uint64_t chunk = within / piece->stripe_size;
  const Bytes in_chunk = within % piece->stripe_size;
  const Bytes in_place = piece->stripe_size * (chunk / piece->places.size()) + in_chunk;
  const Bytes contiguous = piece->stripe_size - in_chunk;
  return match(
      piece->places[chunk % piece->places.size()],
      [&](const OnDevice& place) {
        return Located{.at = {.device = place.device, .begin = place.begin + in_place},
                       .contiguous = contiguous};
      },
      [&](const InVolume& place) {
        auto below = locate(map, place.volume, place.begin + in_place);
        below.contiguous = std::min(below.contiguous, contiguous);
        return below;
      });
}

class VolumeDevice final : public device::BlockDevice {
 public:
  VolumeDevice(std::string name, Map map) : BlockDevice(std::move(name)), map_(std::move(map)) {
    for (const auto& volume : map_.volumes)
      for (const auto& piece : volume)
        for (const auto& place : piece.places)
          if (const auto* on_device = std::get_if<OnDevice>(&place)) devices_.insert(on_device->device);
  }

  Bytes size() const override {
    const auto& pieces = map_.volumes[map_.top];
    return pieces.empty() ? Bytes(0) : pieces.back().end;
  }

  Bytes block_size() const override {
    Bytes largest(kSectorBytes);
    for (const auto* device : devices_) largest = std::max(largest, device->block_size());
    return largest;
  }

  void read(Bytes at, std::span<std::byte> into) override {
    each_part(at, into.size(), [&](const OnDevice& part, std::size_t done, std::size_t length) {
      part.device->read(part.begin, into.subspan(done, length));
    });
  }

  void write(Bytes at, std::span<const std::byte> from) override {
    each_part(at, from.size(), [&](const OnDevice& part, std::size_t done, std::size_t length) {
      part.device->write(part.begin, from.subspan(done, length));
    });
  }

  void zero(Bytes at, Bytes length) override {
    each_part(at, length.n, [&](const OnDevice& part, std::size_t, std::size_t count) {
      part.device->zero(part.begin, Bytes(count));
    });
  }

  void flush() override {
    for (auto* device : devices_) device->flush();
  }

 private:
  template <class Work>
  void each_part(Bytes at, std::size_t length, Work&& work) const {
    if (length > size().n || at.n > size().n - length)
      throw Error(Errc::io, "{} has {} bytes, not {} at {}", path(), size().n, length, at.n);
    for (std::size_t done = 0; done < length;) {
      const auto located = locate(map_, map_.top, at + Bytes(done));
      const auto part = std::min<std::uint64_t>(length - done, located.contiguous.n);
      work(located.at, done, static_cast<std::size_t>(part));
      done += static_cast<std::size_t>(part);
    }
  }

  Map map_;
  std::set<device::BlockDevice*> devices_;
};

}  // namespace

std::unique_ptr<device::BlockDevice> open_volume(const VolumeGroup& vg, const PvDevices& devices,
                                                 std::string_view lv) {
  return open_volume(vg, devices, lv_at(vg, lv));
}

std::unique_ptr<device::BlockDevice> open_volume(const VolumeGroup& vg, const PvDevices& devices,
                                                 const LogicalVolume& lv) {
  return std::make_unique<VolumeDevice>(fmt::format("{}/{}", vg.name, lv.name),
                                        Mapping(vg, devices).of_volume(lv));
}

std::unique_ptr<device::BlockDevice> open_area(const VolumeGroup& vg, const PvDevices& devices,
                                               const Area& area, Extents count, std::string_view name) {
  return std::make_unique<VolumeDevice>(fmt::format("{}/{}", vg.name, name),
                                        Mapping(vg, devices).of_area(area, count));
}

}  // namespace cv::metadata
