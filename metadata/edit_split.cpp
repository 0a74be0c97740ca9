#include "metadata/edit_split.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "lib/base/error.h"
#include "metadata/edit_group.h"
#include "metadata/edit_pvs.h"
#include "metadata/names.h"
#include "metadata/references.h"
#include "metadata/tags.h"
#include "metadata/usage.h"

namespace cv::metadata {

namespace {

constexpr std::string_view kHistory = "historical_logical_volumes";

/// Sets of volumes that need each other: by name of areas, pools, stores.
class Families {
 public:
  explicit Families(const VolumeGroup& vg) : vg_(vg), parent_(vg.lvs.size()) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    for (std::size_t i = 0; i < vg.lvs.size(); ++i) numbers_.emplace(vg.lvs[i].name, i);
    for (std::size_t i = 0; i < vg.lvs.size(); ++i)
      for (const Segment& segment : vg.lvs[i].segments)
        for_each_reference(segment, [&](const std::string& name) {
          const auto other = numbers_.find(name);
          if (other != numbers_.end()) parent_[root_of(other->second)] = root_of(i);
        });
  }

  std::size_t root_of(std::size_t lv) {
    while (parent_[lv] != lv) lv = parent_[lv] = parent_[parent_[lv]];
    return lv;
  }
  std::size_t number_of(const std::string& lv) const { return numbers_.at(lv); }

  /// Calls `visit(lv number, PV number)` for each PV that an LV has extents on.
  template <class Visit>
  void for_each_place(Visit&& visit) const {
    const Usage usage = usage_of(vg_);
    if (usage.unclear != nullptr)
      throw Error(Errc::refused, "{}/{} is of a type that does not tell which extents it uses", vg_.name,
                  usage.unclear->name)
          .advise("use LVM2 for this change, or remove that volume first");
    for (std::size_t pv = 0; pv < vg_.pvs.size(); ++pv)
      for (const Taken& taken : usage.pvs[pv].taken)
        visit(static_cast<std::size_t>(taken.by - vg_.lvs.data()), pv);
  }

 private:
  const VolumeGroup& vg_;
  std::vector<std::size_t> parent_;
  std::unordered_map<std::string_view, std::size_t> numbers_;
};

/// For each LV whether it goes. Throws where a family would be torn apart.
std::vector<bool> choose_sides(const VolumeGroup& vg, const std::set<PvId>& going) {
  struct Sides {
    const LogicalVolume* stays = nullptr;
    const LogicalVolume* goes = nullptr;
  };
  Families families(vg);
  std::vector<Sides> sides(vg.lvs.size());
  families.for_each_place([&](std::size_t lv, std::size_t pv) {
    Sides& family = sides[families.root_of(lv)];
    const bool goes = going.contains(vg.pvs[pv].id);
    (goes ? family.goes : family.stays) = &vg.lvs[lv];
  });
  std::vector<bool> chosen(vg.lvs.size());
  for (std::size_t i = 0; i < vg.lvs.size(); ++i) {
    const Sides& family = sides[families.root_of(i)];
    chosen[i] = family.goes != nullptr;
    if (family.goes == nullptr || family.stays == nullptr) continue;
    if (family.goes == family.stays)
      throw Error(Errc::refused, "{}/{} lies on physical volumes of both sides", vg.name, family.goes->name)
          .advise("let all of them go, or none; 'cvs -a -o +devices {}' shows what lies where", vg.name);
    throw Error(Errc::refused, "{}/{} and {}/{} need each other, and only the first lies on what goes",
                vg.name, family.goes->name, vg.name, family.stays->name)
        .advise("let the physical volumes of both go; 'cvs -a -o +devices {}' shows them", vg.name);
  }
  return chosen;
}

const config::CarriedNode* history_of(const VolumeGroup& vg) {
  for (const auto& node : vg.carried)
    if (node.key == kHistory) return &node;
  return nullptr;
}

void require_mergeable(const VolumeGroup& vg, const VolumeGroup& other) {
  require_no_conversion(vg);
  require_no_conversion(other);
  if (vg.extent_size != other.extent_size)
    throw Error(Errc::refused, "the extents of {} have {} sectors, those of {} have {}", vg.name,
                vg.extent_size.n, other.name, other.extent_size.n)
        .advise("'cvm vgchange --physicalextentsize' may make them equal");
  if (vg.system_id != other.system_id)
    throw Error(Errc::refused, "{} and {} have different system ids", vg.name, other.name)
        .advise("'cvm vgchange --systemid' makes them equal");
  const auto count = [](const VolumeGroup& of) { return std::ranges::count_if(of.lvs, is_visible); };
  if (vg.max_lv != 0 && count(vg) + count(other) > static_cast<std::ptrdiff_t>(vg.max_lv))
    throw Error(Errc::refused, "{} may have no more than {} volumes", vg.name, vg.max_lv)
        .advise("'cvm vgchange --logicalvolume N {}' allows more", vg.name);
  if (history_of(vg) != nullptr && history_of(other) != nullptr)
    throw Error(Errc::unsupported, "both {} and {} remember volumes that were removed, which cvm can't join",
                vg.name, other.name)
        .advise("remove those entries with 'lvremove --force' of stock LVM2");
}

void require_distinct_volumes(const VolumeGroup& vg, const VolumeGroup& other) {
  std::unordered_set<std::string_view> names;
  std::unordered_set<LvId> ids;
  for (const LogicalVolume& lv : vg.lvs) {
    names.insert(lv.name);
    ids.insert(lv.id);
  }
  for (const LogicalVolume& lv : other.lvs) {
    if (names.contains(lv.name))
      throw Error(Errc::exists, "both {} and {} have a volume {}", vg.name, other.name, lv.name)
          .advise("give one of them another name with 'cvrename {} {} NEWNAME'", other.name, lv.name);
    if (ids.contains(lv.id))
      throw Error(Errc::refused, "{}/{} has the id of a volume of {}", other.name, lv.name, vg.name)
          .advise("they are copies of each other; remove one of both");
    if (!is_legal_lv_name(vg.name, lv.name))
      throw Error(Errc::bad_name, "in {} the volume {} would have a device name that is too long", vg.name,
                  lv.name)
          .advise("give it a shorter name with cvrename");
  }
}

}  // namespace

Split split_group(const VolumeGroup& vg, const std::string& name, const VgId& id, const std::set<PvId>& pvs) {
  require_no_conversion(vg);
  require_new_vg_name(name);
  for (const PvId& pv : pvs)
    if (find_pv(vg, pv) == nullptr)
      throw Error(Errc::not_found, "{} has no physical volume {}", vg.name, pv.text());
  if (pvs.empty()) throw Error(Errc::refused, "nothing would go from {} to {}", vg.name, name);
  if (pvs.size() == vg.pvs.size())
    throw Error(Errc::refused, "{} would have no physical volume any more", vg.name)
        .advise("'cvm vgrename {} {}' gives the whole group another name", vg.name, name);
  if (!has_flag(vg.flags, "RESIZEABLE"))
    throw Error(Errc::refused, "volume group {} is not resizeable", vg.name)
        .advise("'cvm vgchange --resizeable y {}' lets physical volumes go", vg.name);

  Split split{.rest = vg, .split_off = {}};
  VolumeGroup& made = split.split_off;
  made.name = name;
  made.id = id;
  made.flags = vg.flags;
  set_flag(made.flags, "EXPORTED");
  made.extent_size = vg.extent_size;
  made.max_lv = vg.max_lv;
  made.max_pv = vg.max_pv;
  made.allocation = vg.allocation;
  made.metadata_copies = vg.metadata_copies;
  made.lock_type = vg.lock_type;
  made.split_from = vg.id;

  const std::vector<bool> goes = choose_sides(vg, pvs);
  split.rest.lvs.clear();
  for (std::size_t i = 0; i < vg.lvs.size(); ++i) (goes[i] ? made : split.rest).lvs.push_back(vg.lvs[i]);
  split.rest.pvs.clear();
  for (const PhysicalVolume& pv : vg.pvs) (pvs.contains(pv.id) ? made : split.rest).pvs.push_back(pv);
  for (const LogicalVolume& lv : made.lvs)
    if (!is_legal_lv_name(name, lv.name))
      throw Error(Errc::bad_name, "in {} the volume {} would have a device name that is too long", name,
                  lv.name)
          .advise("choose a shorter name");
  return split;
}

std::set<PvId> pvs_of_volume(const VolumeGroup& vg, const std::string& lv) {
  lv_at(vg, lv);
  Families families(vg);
  const std::size_t family = families.root_of(families.number_of(lv));
  std::set<PvId> pvs;
  families.for_each_place([&](std::size_t one, std::size_t pv) {
    if (families.root_of(one) == family) pvs.insert(vg.pvs[pv].id);
  });
  if (pvs.empty())
    throw Error(Errc::refused, "{}/{} lies on no physical volume", vg.name, lv)
        .advise("name the physical volumes that shall go");
  return pvs;
}

VolumeGroup without_split_off(VolumeGroup from, const VolumeGroup& split_off) {
  std::unordered_set<PvId> pvs;
  std::unordered_set<LvId> lvs;
  for (const PhysicalVolume& pv : split_off.pvs) pvs.insert(pv.id);
  for (const LogicalVolume& lv : split_off.lvs) lvs.insert(lv.id);
  std::erase_if(from.pvs, [&](const PhysicalVolume& pv) { return pvs.contains(pv.id); });
  std::erase_if(from.lvs, [&](const LogicalVolume& lv) { return lvs.contains(lv.id); });
  return from;
}

VolumeGroup finish_split(VolumeGroup split_off, const std::string& system_id) {
  clear_flag(split_off.flags, "EXPORTED");
  split_off.system_id = system_id;
  split_off.split_from.reset();
  return split_off;
}

VolumeGroup merge_groups(VolumeGroup vg, const VolumeGroup& other) {
  require_mergeable(vg, other);
  require_distinct_volumes(vg, other);
  vg = add_pvs(std::move(vg), other.pvs);
  vg.lvs.insert(vg.lvs.end(), other.lvs.begin(), other.lvs.end());
  order_volumes(vg);
  join_tags(vg.tags, other.tags);
  if (const auto* history = history_of(other)) vg.carried.push_back(*history);
  vg.supersedes.push_back(other.id);
  return vg;
}

}  // namespace cv::metadata
