#include "metadata/check.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "lib/base/match.h"
#include "metadata/iv_space.h"
#include "metadata/names.h"
#include "metadata/usage.h"

namespace cv::metadata {

namespace {

constexpr const char* kSeedOverlap = "IV-OVERLAP-SEED";

class Checker {
 public:
  explicit Checker(const VolumeGroup& vg) : vg_(vg) {
    lvs_.reserve(vg.lvs.size());
    for (const LogicalVolume& lv : vg.lvs) lvs_.emplace(lv.name, &lv);
  }

  std::vector<Damage> run() && {
    check_group();
    check_pvs();
    check_names();
    for (const LogicalVolume& lv : vg_.lvs) check_lv(lv);
    check_owners();
    check_stores();
    check_extents();
    check_ivs();
    return std::move(damage_);
  }

 private:
  template <class... Args>
  void report(DamageId id, fmt::format_string<Args...> format, Args&&... args) {
    damage_.push_back(make_damage(id, fmt::format(format, std::forward<Args>(args)...)));
  }

  const LogicalVolume* lv_named(std::string_view name) const {
    const auto found = lvs_.find(name);
    return found == lvs_.end() ? nullptr : found->second;
  }

  void check_group() {
    if (vg_.extent_size.n == 0) report("VG-EXTENT-SIZE", "the extent size of {} is 0", vg_.name);
    if (!is_legal_vg_name(vg_.name)) report("VG-NAME", "\"{}\" is no legal name for a VG", vg_.name);
    if (vg_.max_pv != 0 && vg_.pvs.size() > vg_.max_pv)
      report("VG-MAX-PV", "{} has {} PVs, {} are allowed", vg_.name, vg_.pvs.size(), vg_.max_pv);
    if (vg_.max_lv != 0 && visible_count() > vg_.max_lv)
      report("VG-MAX-LV", "{} has {} visible volumes, {} are allowed", vg_.name, visible_count(), vg_.max_lv);
  }

  std::size_t visible_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(vg_.lvs, is_visible));
  }

  void check_pvs() {
    std::unordered_set<PvId> seen;
    for (const PhysicalVolume& pv : vg_.pvs) {
      if (!seen.insert(pv.id).second)
        report("PV-DUPLICATE-ID", "two PVs of {} have the id {}", vg_.name, pv.id.text());
      if (pv.pe_count.n > UINT32_MAX)
        report("PV-SIZE", "PV {} of {} has {} extents, more than LVM2 can count", pv.id.text(), vg_.name,
               pv.pe_count.n);
    }
  }

  void check_names() {
    std::unordered_set<std::string_view> names;
    std::unordered_set<LvId> ids;
    for (const LogicalVolume& lv : vg_.lvs) {
      if (!names.insert(lv.name).second)
        report("LV-DUPLICATE-NAME", "{} has two volumes called {}", vg_.name, lv.name);
      if (!ids.insert(lv.id).second)
        report("LV-DUPLICATE-ID", "the id of {}/{} belongs to another volume too", vg_.name, lv.name);
      if (!is_legal_lv_name(vg_.name, lv.name))
        report("LV-NAME", "\"{}\" is no legal name for a volume of {}", lv.name, vg_.name);
    }
  }

  void check_lv(const LogicalVolume& lv) {
    Extents at;
    for (const Segment& segment : lv.segments) {
      const bool may_be_empty = std::holds_alternative<Keystore>(segment.kind);
      if (segment.start != at)
        report("LV-GAP", "a segment of {}/{} begins at extent {}, {} is expected", vg_.name, lv.name,
               segment.start.n, at.n);
      if (segment.count.n == 0 && !may_be_empty)
        report("LV-EMPTY-SEGMENT", "a segment of {}/{} has no extents", vg_.name, lv.name);
      at = segment.start + segment.count;
      match(
          segment.kind, [&](const Striped& striped) { check_striped(lv, segment, striped); },
          [&](const Crypt& crypt) { check_crypt(lv, segment, crypt); },
          [&](const Keystore& store) { check_store_segment(lv, segment, store); }, [](const Opaque&) {});
    }
    if (at.n > UINT32_MAX)
      report("LV-SIZE", "{}/{} has {} extents, more than LVM2 can count", vg_.name, lv.name, at.n);
    if (lv.segments.empty()) report("LV-EMPTY", "{}/{} has no segment", vg_.name, lv.name);
  }

  /// Whether `count` extents from `area` on exist; PV ranges are the business of check_extents().
  void check_area(const LogicalVolume& lv, const Area& area, Extents count) {
    const auto* logical = std::get_if<LogicalArea>(&area);
    if (logical == nullptr) return;
    const LogicalVolume* below = lv_named(logical->lv);
    if (below == nullptr) {
      report("LV-AREA-UNKNOWN", "{}/{} lies on {}, which does not exist", vg_.name, lv.name, logical->lv);
    } else if (below == &lv) {
      report("LV-AREA-SELF", "{}/{} lies on itself", vg_.name, lv.name);
    } else if (logical->first + count > size_of(*below)) {
      report("LV-AREA-RANGE", "{}/{} uses extents up to {} of {}, which has {}", vg_.name, lv.name,
             (logical->first + count).n, below->name, size_of(*below).n);
    }
  }

  void check_striped(const LogicalVolume& lv, const Segment& segment, const Striped& striped) {
    const std::size_t stripes = striped.stripes.size();
    if (stripes == 0) {
      report("LV-STRIPES", "a segment of {}/{} has no stripes", vg_.name, lv.name);
      return;
    }
    if (segment.count.n % stripes != 0)
      report("LV-STRIPES", "the {} extents of a segment of {}/{} can't be divided by {} stripes",
             segment.count.n, vg_.name, lv.name, stripes);
    if (stripes > 1 && striped.stripe_size.n == 0)
      report("LV-STRIPES", "a striped segment of {}/{} has no stripe size", vg_.name, lv.name);
    for (const Area& area : striped.stripes) check_area(lv, area, Extents(segment.count.n / stripes));
  }

  void check_crypt(const LogicalVolume& lv, const Segment& segment, const Crypt& crypt) {
    const LogicalVolume* store = lv_named(crypt.store);
    const Keystore* keystore = store == nullptr ? nullptr : keystore_of(*store);
    if (keystore == nullptr)
      report("CRYPT-NO-STORE", "{}/{} needs the keystore {}, which does not exist", vg_.name, lv.name,
             crypt.store);
    check_area(lv, crypt.area, segment.count);
    const std::uint64_t unit = keystore == nullptr ? 1 : keystore->sector_bytes.value_or(512) / kSectorBytes;
    const bool first = segment.start.n == 0;
    const auto misaligned = [&](std::optional<Sectors> value) { return value && value->n % unit != 0; };
    if (misaligned(crypt.iv_offset) || misaligned(crypt.payload_offset) || misaligned(crypt.iv_high) ||
        to_sectors(segment.count, vg_.extent_size).n % unit != 0)
      report("CRYPT-ALIGNMENT", "a segment of {}/{} does not fit encryption sectors of {} bytes", vg_.name,
             lv.name, unit * kSectorBytes);
    if (crypt.iv_offset && *crypt.iv_offset >= kIvLimit)
      report("CRYPT-IV-LIMIT", "the IVs of {}/{} begin at {}, past 2^63", vg_.name, lv.name,
             crypt.iv_offset->n);
    if (crypt.payload_offset && !first)
      report("CRYPT-PAYLOAD-OFFSET", "{}/{} has a payload_offset behind its first segment", vg_.name,
             lv.name);
    if (first && crypt.payload_offset && *crypt.payload_offset >= to_sectors(segment.count, vg_.extent_size))
      report("CRYPT-PAYLOAD-OFFSET", "the payload_offset of {}/{} leaves nothing of its first segment",
             vg_.name, lv.name);
    if (crypt.iv_high && &segment != &lv.segments.back())
      report("CRYPT-IV-HIGH", "{}/{} has an iv_high before its last segment", vg_.name, lv.name);
    if (unit > 1) check_piece_alignment(lv, crypt, unit);
  }

  /// 4096-byte encryption sectors must begin at a multiple of eight 512-byte ones on the PV.
  void check_piece_alignment(const LogicalVolume& lv, const Crypt& crypt, std::uint64_t unit) {
    const auto* logical = std::get_if<LogicalArea>(&crypt.area);
    const LogicalVolume* data = logical == nullptr ? nullptr : lv_named(logical->lv);
    if (data == nullptr) return;
    for (const Segment& segment : data->segments) {
      const auto* striped = std::get_if<Striped>(&segment.kind);
      if (striped == nullptr) continue;
      for (const Area& area : striped->stripes) {
        const auto* physical = std::get_if<PhysicalArea>(&area);
        const PhysicalVolume* pv = physical == nullptr ? nullptr : find_pv(vg_, physical->pv);
        if (pv == nullptr) continue;
        const Sectors at = pv->pe_start + to_sectors(physical->first, vg_.extent_size);
        if (at.n % unit != 0) {
          report("CRYPT-ALIGNMENT", "{}/{} begins inside an encryption sector of {} bytes on PV {}", vg_.name,
                 lv.name, unit * kSectorBytes, pv->id.text());
          return;
        }
      }
    }
  }

  void check_store_segment(const LogicalVolume& lv, const Segment& segment, const Keystore& store) {
    if (lv.segments.size() != 1)
      report("STORE-SEGMENTS", "the keystore {}/{} has {} segments", vg_.name, lv.name, lv.segments.size());
    const std::uint32_t sector = store.sector_bytes.value_or(512);
    if (sector != 512 && sector != 4096)
      report("STORE-SECTOR-SIZE", "the keystore {}/{} has encryption sectors of {} bytes", vg_.name, lv.name,
             sector);
    if (store.iv_next && *store.iv_next > kIvLimit)
      report("STORE-IV-LIMIT", "the keystore {}/{} has an iv_next past 2^63", vg_.name, lv.name);
    if (store.copies.empty() && (store.handler == "luks1" || store.handler == "luks2"))
      report("STORE-NO-BYTES", "the keystore {}/{} has no place for the header that its handler {} keeps",
             vg_.name, lv.name, store.handler);
    for (const Area& area : store.copies) check_area(lv, area, segment.count);
    if (segment.count.n == 0)
      report("STORE-EMPTY", "stock LVM2 can't see {} while its keystore {} has no extents", vg_.name,
             lv.name);
  }

  /// Who lies on a data LV, and whether its areas so far cover it from the start, one behind the other.
  struct Owner {
    const LogicalVolume* lv = nullptr;
    Extents covered;
    bool in_order = true;
    bool is_shared = false;
  };
  using Owners = std::unordered_map<std::string_view, Owner>;

  void check_owners() {
    Owners owners;
    const auto own = [&](const LogicalVolume& owner, const Area& area, Extents count) {
      const auto* logical = std::get_if<LogicalArea>(&area);
      if (logical == nullptr) return;
      Owner& known = owners[logical->lv];
      if (known.lv == nullptr) known.lv = &owner;
      known.is_shared = known.is_shared || known.lv != &owner;
      if (known.lv != &owner)
        report("DATA-TWO-OWNERS", "{}/{} belongs to both {} and {}", vg_.name, logical->lv, known.lv->name,
               owner.name);
      known.in_order = known.in_order && logical->first == known.covered;
      known.covered += count;
    };
    for (const LogicalVolume& lv : vg_.lvs) {
      for (const Segment& segment : lv.segments) {
        if (const auto* crypt = std::get_if<Crypt>(&segment.kind)) own(lv, crypt->area, segment.count);
        if (const auto* store = std::get_if<Keystore>(&segment.kind))
          for (const Area& area : store->copies) own(lv, area, segment.count);
      }
    }
    for (const LogicalVolume& lv : vg_.lvs) check_data_lv(lv, owners);
  }

  /// Whether the areas of `owner` share out `data` in whatever order. Those that reach beyond its end are
  /// damage of another kind.
  static bool covers(const LogicalVolume& owner, const LogicalVolume& data) {
    std::vector<ExtentRange> ranges;
    const auto add = [&](const Area& area, Extents count) {
      const auto* logical = std::get_if<LogicalArea>(&area);
      if (logical != nullptr && logical->lv == data.name)
        ranges.push_back({logical->first, logical->first + count});
    };
    for (const Segment& segment : owner.segments) {
      if (const auto* crypt = std::get_if<Crypt>(&segment.kind)) add(crypt->area, segment.count);
      if (const auto* store = std::get_if<Keystore>(&segment.kind))
        for (const Area& area : store->copies) add(area, segment.count);
    }
    std::ranges::sort(ranges, {}, &ExtentRange::begin);
    if (std::ranges::any_of(ranges, [&](const ExtentRange& range) { return range.end > size_of(data); }))
      return true;
    Extents at;
    for (const ExtentRange& range : ranges) {
      if (range.begin != at) return false;
      at = range.end;
    }
    return at == size_of(data);
  }

  void check_data_lv(const LogicalVolume& lv, const Owners& owners) {
    const auto owner = owners.find(lv.name);
    const bool owned = owner != owners.end();
    if (owned && owner->second.lv != &lv && !owner->second.is_shared &&
        !(owner->second.in_order && owner->second.covered == size_of(lv)) && !covers(*owner->second.lv, lv))
      report("DATA-COVER", "{}/{} does not use its {} without gap and just once", vg_.name,
             owner->second.lv->name, lv.name);
    if (owned && !std::ranges::all_of(lv.segments, [](const Segment& segment) {
          return std::holds_alternative<Striped>(segment.kind) ||
                 std::holds_alternative<Opaque>(segment.kind);
        }))
      report("DATA-TYPE", "{}/{} holds encrypted data but is encrypted itself", vg_.name, lv.name);
    if (!is_data_lv_name(lv.name) || owned) return;
    if (is_visible(lv)) {
      report("LV-RESERVED-NAME", "{}/{} has a name that is reserved for the data of encrypted volumes",
             vg_.name, lv.name);
    } else {
      report("DATA-NO-OWNER", "{}/{} is the data of an encrypted volume that does not exist", vg_.name,
             lv.name);
    }
  }

  void check_stores() {
    std::unordered_set<std::string_view> used;
    for (const LogicalVolume& lv : vg_.lvs)
      for (const Segment& segment : lv.segments)
        if (const auto* crypt = std::get_if<Crypt>(&segment.kind)) used.insert(crypt->store);
    for (const LogicalVolume& lv : vg_.lvs) {
      const Keystore* store = keystore_of(lv);
      if (store == nullptr) {
        if (is_store_name(lv.name))
          report("LV-RESERVED-NAME", "{}/{} has a name that is reserved for keystores", vg_.name, lv.name);
      } else if (store->erasing) {
        report("STORE-ERASING", "the keystore {}/{} is being erased", vg_.name, lv.name);
      } else if (!used.contains(lv.name)) {
        report("STORE-UNUSED", "no volume uses the keystore {}/{}", vg_.name, lv.name);
      }
    }
  }

  void check_extents() {
    const Usage usage = usage_of(vg_);
    for (const LogicalVolume* lv : usage.lost)
      report("LV-PV-UNKNOWN", "{}/{} lies on a PV that {} does not have", vg_.name, lv->name, vg_.name);
    for (std::size_t i = 0; i < vg_.pvs.size(); ++i) {
      const PhysicalVolume& pv = vg_.pvs[i];
      const Taken* furthest = nullptr;
      for (const Taken& taken : usage.pvs[i].taken) {
        if (taken.extents.end > pv.pe_count)
          report("LV-PE-RANGE", "{}/{} uses extents up to {} of PV {}, which has {}", vg_.name,
                 taken.by->name, taken.extents.end.n, pv.id.text(), pv.pe_count.n);
        if (furthest != nullptr && furthest->extents.end > taken.extents.begin)
          report("LV-OVERLAP", "{}/{} and {}/{} both use extent {} of PV {}", vg_.name, furthest->by->name,
                 vg_.name, taken.by->name, taken.extents.begin.n, pv.id.text());
        if (furthest == nullptr || taken.extents.end > furthest->extents.end) furthest = &taken;
      }
    }
  }

  void check_ivs() {
    for (const IvOverlap& overlap : iv_overlaps(vg_)) {
      if (!overlap.is_heritage) {
        report("IV-OVERLAP", "{} and {} use the same IVs under the key of {}/{}", overlap.first->name,
               overlap.second->name, vg_.name, overlap.store->name);
      } else {
        report(
            kSeedOverlap,
            "{} and {} use the same IVs under the key of {}/{}: equal contents at equal places can be seen",
            overlap.first->name, overlap.second->name, vg_.name, overlap.store->name);
      }
    }
    for (const auto& [name, end] : iv_ends(vg_)) {
      const LogicalVolume* store = lv_named(name);
      const Keystore* keystore = store == nullptr ? nullptr : keystore_of(*store);
      if (keystore != nullptr && keystore->iv_next && *keystore->iv_next < end)
        report("IV-NEXT", "a volume uses IVs up to {} of {}/{}, whose iv_next is {}", end.n, vg_.name, name,
               keystore->iv_next->n);
    }
  }

  const VolumeGroup& vg_;
  std::unordered_map<std::string_view, const LogicalVolume*> lvs_;
  std::vector<Damage> damage_;
};

}  // namespace

std::vector<Damage> check(const VolumeGroup& vg) {
  return Checker(vg).run();
}

void require_no_new_errors(const VolumeGroup& before, const VolumeGroup& after) {
  std::vector<Damage> found = check(after);
  // What an RFC volume brought along stays a warning; no edit may make another of the kind.
  std::erase_if(found, [](const Damage& damage) {
    return damage.severity != Severity::error && damage.id != kSeedOverlap;
  });
  if (found.empty()) return;
  std::unordered_set<std::string> known;
  for (const Damage& damage : check(before)) known.insert(damage.id + damage.sentence);
  for (const Damage& damage : found) {
    if (known.contains(damage.id + damage.sentence)) continue;
    throw Error(Errc::refused, "the change would damage {}: {} ({})", after.name, damage.sentence, damage.id)
        .advise("nothing was written; please report this");
  }
}

}  // namespace cv::metadata
