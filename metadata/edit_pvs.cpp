#include "metadata/edit_pvs.h"

#include <algorithm>
#include <unordered_set>

#include "lib/base/error.h"
#include "metadata/tags.h"
#include "metadata/usage.h"

namespace cv::metadata {

namespace {

void require_resizeable(const VolumeGroup& vg) {
  if (has_flag(vg.flags, "RESIZEABLE")) return;
  throw Error(Errc::refused, "volume group {} is not resizeable", vg.name)
      .advise("'cvm vgchange --resizeable y {}' lets physical volumes come and go", vg.name);
}

PhysicalVolume& member_at(VolumeGroup& vg, const PvId& id) {
  const auto found = std::ranges::find(vg.pvs, id, &PhysicalVolume::id);
  if (found != vg.pvs.end()) return *found;
  throw Error(Errc::not_found, "{} has no physical volume {}", vg.name, id.text());
}

/// Extents of the PV up to the last one in use.
Extents end_of_use(const PvUsage& usage) {
  Extents end;
  for (const Taken& taken : usage.taken) end = std::max(end, taken.extents.end);
  return end;
}

void require_clear(const VolumeGroup& vg, const Usage& usage) {
  if (usage.unclear == nullptr) return;
  throw Error(Errc::refused, "{}/{} is of a type that does not tell which extents it uses", vg.name,
              usage.unclear->name)
      .advise("use LVM2 for this change, or remove that volume first");
}

}  // namespace

std::string name_of(const PhysicalVolume& pv) {
  return pv.device.empty() ? pv.id.text() : pv.device;
}

VolumeGroup add_pvs(VolumeGroup vg, const std::vector<PhysicalVolume>& added) {
  require_no_conversion(vg);
  require_resizeable(vg);
  if (vg.max_pv != 0 && vg.pvs.size() + added.size() > vg.max_pv)
    throw Error(Errc::refused, "{} has {} physical volumes, and no more than {} are allowed", vg.name,
                vg.pvs.size(), vg.max_pv)
        .advise("'cvm vgchange --maxphysicalvolumes N {}' allows more", vg.name);
  std::unordered_set<PvId> known;
  for (const PhysicalVolume& pv : vg.pvs) known.insert(pv.id);
  for (const PhysicalVolume& pv : added) {
    if (!known.insert(pv.id).second)
      throw Error(Errc::in_use, "{} is in the volume group {} already", name_of(pv), vg.name);
    vg.pvs.push_back(pv);
  }
  return vg;
}

VolumeGroup remove_pvs(VolumeGroup vg, const std::vector<PvId>& gone) {
  require_no_conversion(vg);
  require_resizeable(vg);
  const std::unordered_set<PvId> leaving(gone.begin(), gone.end());
  const Usage usage = usage_of(vg);
  require_clear(vg, usage);
  std::size_t found = 0;
  for (std::size_t i = 0; i < vg.pvs.size(); ++i) {
    if (!leaving.contains(vg.pvs[i].id)) continue;
    ++found;
    if (usage.pvs[i].taken.empty()) continue;
    throw Error(Errc::in_use, "physical volume {} is still in use: {}/{} lies on it", name_of(vg.pvs[i]),
                vg.name, usage.pvs[i].taken.front().by->name)
        .advise("remove or move what 'cvs -a -o lv_name,devices {}' shows on it", vg.name);
  }
  if (found != leaving.size())
    throw Error(Errc::not_found, "{} does not have all of these physical volumes", vg.name);
  if (found == vg.pvs.size())
    throw Error(Errc::refused, "{} would have no physical volume any more", vg.name)
        .advise("'cvm vgremove {}' removes the group", vg.name);
  std::erase_if(vg.pvs, [&](const PhysicalVolume& pv) { return leaving.contains(pv.id); });
  return vg;
}

std::vector<PvId> unused_pvs(const VolumeGroup& vg) {
  const Usage usage = usage_of(vg);
  require_clear(vg, usage);
  std::vector<PvId> unused;
  for (std::size_t i = 0; i < vg.pvs.size(); ++i)
    if (usage.pvs[i].taken.empty()) unused.push_back(vg.pvs[i].id);
  return unused;
}

VolumeGroup resize_pv(VolumeGroup vg, const PvId& id, Sectors dev_size, Sectors data_end) {
  require_no_conversion(vg);
  require_resizeable(vg);
  const Usage usage = usage_of(vg);
  require_clear(vg, usage);
  PhysicalVolume& pv = member_at(vg, id);
  const Extents extents(pv.pe_start < data_end ? (data_end - pv.pe_start) / vg.extent_size : 0);
  const Extents used = end_of_use(usage.pvs[static_cast<std::size_t>(&pv - vg.pvs.data())]);
  if (extents < used)
    throw Error(Errc::in_use, "{} can't be resized to {} extents: volumes lie on it up to extent {}",
                name_of(pv), extents.n, used.n)
        .advise("'cvm pvs --segments' or 'cvs -a -o +devices {}' shows what lies there", vg.name);
  if (extents.n == 0)
    throw Error(Errc::no_space, "{} would have no room for an extent of {} sectors", name_of(pv),
                vg.extent_size.n)
        .advise("leave it larger");
  pv.dev_size = dev_size;
  pv.pe_count = extents;
  return vg;
}

VolumeGroup change_pv(VolumeGroup vg, const PvId& id, const PvSettings& wanted) {
  PhysicalVolume& pv = member_at(vg, id);
  if (wanted.allocatable == true) set_flag(pv.flags, "ALLOCATABLE");
  if (wanted.allocatable == false) clear_flag(pv.flags, "ALLOCATABLE");
  change_tags(pv.tags, wanted.add_tags, wanted.delete_tags);
  return vg;
}

}  // namespace cv::metadata
