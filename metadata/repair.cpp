#include "metadata/repair.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "metadata/group_write.h"
#include "metadata/inspect.h"

namespace cv::metadata {
namespace {

using Kind = Repair::Kind;

constexpr Bytes kLabelEnd(disk::kLabelSectors* kSectorBytes);

bool holds_newest(const AreaOnDisk& area, const FoundGroup& group) {
  return area.header && area.flaw.empty() && area.text && area.text->group == group.vg.id &&
         area.header->committed.crc == group.text.crc && area.header->committed.size == group.text.size;
}

bool overlap(const disk::DiskArea& a, const disk::DiskArea& b) {
  return a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

/// Whether the label may be believed that this place is for metadata: a header will be written there that is
/// not there now.
bool is_safe_place(const PvOnDisk& pv, std::size_t index, const PhysicalVolume& member, Sectors extent_size) {
  const disk::DiskArea& place = pv.areas[index].place;
  const Bytes end = pv.device->size();
  if (place.size > end || place.offset > end - place.size || place.offset < kLabelEnd) return false;
  if ((place.offset % Bytes(kSectorBytes)).n != 0 || (place.size % Bytes(kSectorBytes)).n != 0) return false;
  if (place.size < Bytes(4 * kSectorBytes) || reaches_into_data(place, member, extent_size)) return false;
  const auto is_apart = [&](const disk::DiskArea& other) {
    return other.size > end || other.offset > end - other.size || !overlap(place, other);
  };
  if (!std::ranges::all_of(pv.label.bootloader_areas, is_apart)) return false;
  for (std::size_t i = 0; i < pv.areas.size(); ++i)
    if (i != index && !is_apart(pv.areas[i].place)) return false;
  return true;
}

class Planner {
 public:
  Planner(const Scan& scan, const FoundGroup& group) : scan_(scan), group_(group) {}

  std::vector<Repair> run() && {
    require_certainty();
    for (std::size_t pv = 0; pv < scan_.pvs.size(); ++pv) {
      const FoundPv& found = scan_.pvs[pv];
      if (const PhysicalVolume* member = member_on(found)) {
        plan_label(pv, *member);
        for (std::size_t area = 0; area < found.disk.areas.size(); ++area) plan_area(pv, area, *member);
      } else if (found.state == PvState::outdated && holds_only_old_texts(found)) {
        add(Kind::release_pv, pv, 0,
            fmt::format("take the old metadata of {} off {}", group_.vg.name, found.disk.device->path()));
      }
    }
    return std::move(repairs_);
  }

 private:
  void require_certainty() const {
    for (const Obstacle& obstacle : group_.obstacles) {
      switch (obstacle.kind) {
        case Hindrance::exported:
        case Hindrance::read_only:
        case Hindrance::missing_pvs: break;
        case Hindrance::foreign:
        case Hindrance::lock_type:
        case Hindrance::clustered:
        case Hindrance::duplicate_pvs:
        case Hindrance::unfinished:
        case Hindrance::conflict: throw_obstacle(obstacle);
      }
    }
  }

  const PhysicalVolume* member_on(const FoundPv& found) const {
    const PhysicalVolume* member = find_pv(group_.vg, found.disk.label.id);
    if (member == nullptr || group_.devices.at(member->id) != found.disk.device) return nullptr;
    return member;
  }

  /// Only that: an area with anything else in it may be somebody's last copy.
  bool holds_only_old_texts(const FoundPv& found) const {
    return std::ranges::all_of(found.disk.areas, [&](const AreaOnDisk& area) {
      const bool is_empty = area.header && area.flaw.empty() && area.header->committed.empty();
      return is_empty ||
             (area.text && area.text->group == group_.vg.id && area.text->seqno < group_.vg.seqno);
    });
  }

  void plan_label(std::size_t pv, const PhysicalVolume& member) {
    const disk::Label& label = scan_.pvs[pv].disk.label;
    if (disk::with_used(label, true) == label) return;
    const disk::DiskArea sector{.offset = Bytes(label.sector * kSectorBytes), .size = Bytes(kSectorBytes)};
    if (reaches_into_data(sector, member, group_.vg.extent_size)) return;
    add(Kind::mark_label, pv, 0, fmt::format("mark {} as in use", scan_.pvs[pv].disk.device->path()));
  }

  void plan_area(std::size_t pv, std::size_t index, const PhysicalVolume& member) {
    const PvOnDisk& on_disk = scan_.pvs[pv].disk;
    const AreaOnDisk& area = on_disk.areas[index];
    const auto where = fmt::format("{} at {}", on_disk.device->path(), area.place.offset.n);
    if (area.header && area.header->ignored()) return;
    if (reaches_into_data(area.place, member, group_.vg.extent_size)) return;
    // Somebody else's text may be the last one of its group.
    if (area.text && area.text->group != group_.vg.id) return;
    if (!holds_newest(area, group_)) {
      if (is_safe_place(on_disk, index, member, group_.vg.extent_size))
        add(Kind::write_copy, pv, index,
            fmt::format("write the metadata of {} anew on {}", group_.vg.name, where));
    } else if (has_announced(*area.header)) {
      add(Kind::clear_announced, pv, index, fmt::format("forget the announced text on {}", where));
    }
  }

  void add(Kind kind, std::size_t pv, std::size_t area, std::string sentence) {
    repairs_.push_back({.kind = kind, .pv = pv, .area = area, .sentence = std::move(sentence)});
  }

  const Scan& scan_;
  const FoundGroup& group_;
  std::vector<Repair> repairs_;
};

/// The bytes of the newest text, from whichever copy still gives them.
std::string newest_text(const Scan& scan, const FoundGroup& group) {
  for (const FoundPv& pv : scan.pvs) {
    for (const AreaOnDisk& area : pv.disk.areas) {
      if (!holds_newest(area, group)) continue;
      try {
        return disk::read_text(*pv.disk.device, *area.header, area.header->committed);
      } catch (const Error&) {
        continue;  // the next copy
      }
    }
  }
  throw Error(Errc::io, "the newest metadata of {} can't be read any more", group.vg.name)
      .advise("look at the kernel log");
}

void renew_copy(const PvOnDisk& pv, const AreaOnDisk& area, const Scan& scan, const FoundGroup& group) {
  auto& device = *pv.device;
  const std::string text = newest_text(scan, group);
  // What can't be read needs no room beside the new text.
  disk::AreaHeader header{
      .start = area.place.offset, .size = area.place.size, .committed = {}, .precommitted = {}};
  if (area.header) header.size = area.header->size;
  if (area.header && area.flaw.empty()) header.committed = area.header->committed;
  header.committed.flags = 0;
  // The same size and checksum as everywhere else, even where another program left out the NUL at the end.
  metadata::write_copy(device, header, group.text, text);
}

void mark(const PvOnDisk& pv, bool used) {
  disk::write_label(*pv.device, disk::with_used(pv.label, used));
  pv.device->flush();
}

/// The label first: cut short, the old text still says where it belongs, so that it can be finished.
void release(const PvOnDisk& pv) {
  mark(pv, false);
  for (const AreaOnDisk& area : pv.areas) {
    disk::AreaHeader header = *area.header;
    header.committed = {
        .offset = Bytes(0), .size = Bytes(0), .crc = 0, .flags = header.committed.flags & disk::kAreaIgnored};
    header.precommitted = {};
    disk::write_area_header(*pv.device, header);
  }
  pv.device->flush();
}

}  // namespace

std::vector<Repair> plan_repairs(const Scan& scan, const FoundGroup& group) {
  return Planner(scan, group).run();
}

void carry_out(const Repair& repair, const Scan& scan, const FoundGroup& group) {
  const PvOnDisk& pv = scan.pvs.at(repair.pv).disk;
  switch (repair.kind) {
    case Kind::write_copy: return renew_copy(pv, pv.areas.at(repair.area), scan, group);
    case Kind::clear_announced: {
      disk::AreaHeader header = *pv.areas.at(repair.area).header;
      header.precommitted = {};
      disk::write_area_header(*pv.device, header);
      return pv.device->flush();
    }
    case Kind::mark_label: return mark(pv, true);
    case Kind::release_pv: return release(pv);
  }
}

}  // namespace cv::metadata
