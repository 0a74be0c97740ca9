// What is lost with PVs that are missing, and the group without it.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "lib/base/error.h"
#include "metadata/edit_parts.h"
#include "metadata/edit_pvs.h"
#include "metadata/iv_space.h"
#include "metadata/references.h"
#include "metadata/usage.h"

namespace cv::metadata {

namespace {

/// Volumes by number, and who names whom.
class Dependencies {
 public:
  explicit Dependencies(const VolumeGroup& vg) : users_(vg.lvs.size()), parts_(vg.lvs.size()) {
    for (std::size_t i = 0; i < vg.lvs.size(); ++i) numbers_.emplace(vg.lvs[i].name, i);
    for (std::size_t i = 0; i < vg.lvs.size(); ++i) {
      for (const Segment& segment : vg.lvs[i].segments) {
        for_each_reference(segment, [&](const std::string& name) {
          const auto part = number_of(name);
          if (!part || *part == i) return;
          users_[*part].push_back(i);
          parts_[i].push_back(*part);
        });
      }
    }
  }

  std::optional<std::size_t> number_of(std::string_view lv) const {
    const auto found = numbers_.find(lv);
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
  }
  const std::vector<std::size_t>& users(std::size_t lv) const { return users_[lv]; }
  const std::vector<std::size_t>& parts(std::size_t lv) const { return parts_[lv]; }

 private:
  std::unordered_map<std::string_view, std::size_t> numbers_;
  std::vector<std::vector<std::size_t>> users_;
  std::vector<std::vector<std::size_t>> parts_;
};

class Losses {
 public:
  Losses(const VolumeGroup& vg, const std::set<PvId>& missing)
      : vg_(vg), depends_(vg), lost_(vg.lvs.size()), is_copy_(vg.lvs.size()) {
    std::unordered_set<const LogicalVolume*> hit;
    const Usage usage = usage_of(vg);
    for (std::size_t i = 0; i < vg.pvs.size(); ++i)
      if (missing.contains(vg.pvs[i].id))
        for (const Taken& taken : usage.pvs[i].taken) hit.insert(taken.by);
    for (std::size_t i = 0; i < vg.lvs.size(); ++i)
      if (hit.contains(&vg.lvs[i])) lost_[i] = true;
    for (const auto& lv : vg.lvs)
      if (const Keystore* store = keystore_of(lv)) spare_store(*store, hit);
  }

  Loss list() {
    spread();
    Loss loss;
    for (std::size_t i = 0; i < vg_.lvs.size(); ++i) {
      const LogicalVolume& lv = vg_.lvs[i];
      if (is_copy_[i]) loss.copies.push_back(lv.name);
      if (!lost_[i]) continue;
      loss.lvs.push_back(lv.name);
      if (keystore_of(lv) != nullptr) loss.stores.push_back(lv.name);
      if (!is_shown(vg_, lv)) continue;
      loss.volumes.push_back(lv.name);
      if (data_is_whole(i)) loss.keyless.push_back(lv.name);
    }
    return loss;
  }

 private:
  /// A store that keeps a copy loses the others only.
  void spare_store(const Keystore& store, const std::unordered_set<const LogicalVolume*>& hit) {
    std::vector<std::size_t> lost;
    std::size_t kept = 0;
    for (const Area& area : store.copies) {
      const auto* logical = std::get_if<LogicalArea>(&area);
      const auto data = logical == nullptr ? std::nullopt : depends_.number_of(logical->lv);
      if (data && hit.contains(&vg_.lvs[*data]))
        lost.push_back(*data);
      else
        ++kept;
    }
    if (kept == 0) return;
    for (const std::size_t copy : lost) {
      lost_[copy] = false;
      is_copy_[copy] = true;
    }
  }

  /// Up to whoever lies on something lost; down to hidden parts that nobody else needs.
  void spread() {
    std::vector<std::size_t> todo;
    for (std::size_t i = 0; i < lost_.size(); ++i)
      if (lost_[i]) todo.push_back(i);
    directly_ = lost_;
    const auto lose = [&](std::size_t lv) {
      if (lost_[lv]) return;
      lost_[lv] = true;
      todo.push_back(lv);
    };
    while (!todo.empty()) {
      const std::size_t lv = todo.back();
      todo.pop_back();
      for (const std::size_t user : depends_.users(lv)) lose(user);
      for (const std::size_t part : depends_.parts(lv)) {
        const auto is_lost = [&](std::size_t user) { return static_cast<bool>(lost_[user]); };
        const bool is_hidden = !is_visible(vg_.lvs[part]) && keystore_of(vg_.lvs[part]) == nullptr;
        if (is_hidden && std::ranges::all_of(depends_.users(part), is_lost)) lose(part);
      }
    }
  }

  /// A crypt volume that goes for want of its key alone.
  bool data_is_whole(std::size_t lv) const {
    if (crypt_of(vg_.lvs[lv]) == nullptr) return false;
    return std::ranges::none_of(depends_.parts(lv), [&](std::size_t part) {
      return directly_[part] && keystore_of(vg_.lvs[part]) == nullptr;
    });
  }

  const VolumeGroup& vg_;
  Dependencies depends_;
  std::vector<bool> lost_;
  std::vector<bool> is_copy_;
  std::vector<bool> directly_;
};

}  // namespace

VolumeGroup restore_missing(VolumeGroup vg, const std::vector<PvId>& back) {
  for (const PvId& id : back) {
    const auto pv = std::ranges::find(vg.pvs, id, &PhysicalVolume::id);
    if (pv == vg.pvs.end()) throw Error(Errc::not_found, "{} has no physical volume {}", vg.name, id.text());
    if (!has_flag(pv->flags, "MISSING"))
      throw Error(Errc::refused, "{} is not missing in {}", name_of(*pv), vg.name);
    clear_flag(pv->flags, "MISSING");
  }
  return vg;
}

Loss loss_of(const VolumeGroup& vg, const std::set<PvId>& missing) {
  require_no_conversion(vg);
  return Losses(vg, missing).list();
}

VolumeGroup remove_lost(VolumeGroup vg, const Loss& loss) {
  std::unordered_set<std::string_view> gone(loss.lvs.begin(), loss.lvs.end());
  gone.insert(loss.copies.begin(), loss.copies.end());
  std::unordered_set<std::string> bereft;
  std::vector<std::string> bereaved;  // of a copy
  std::unordered_set<std::string_view> needed;
  for (const LogicalVolume& lv : vg.lvs) {
    const bool goes = gone.contains(lv.name);
    for (const Segment& segment : lv.segments) {
      const auto* crypt = std::get_if<Crypt>(&segment.kind);
      if (crypt == nullptr) continue;
      if (goes)
        bereft.insert(crypt->store);
      else
        needed.insert(crypt->store);
    }
  }
  for (LogicalVolume& lv : vg.lvs) {
    if (keystore_of(lv) == nullptr) continue;
    auto& store = std::get<Keystore>(lv.segments.front().kind);
    // IVs of what goes were used.
    if (bereft.contains(lv.name)) store.iv_next = iv_next_of(vg, lv);
    const auto lost = std::erase_if(store.copies, [&](const Area& area) {
      const auto* logical = std::get_if<LogicalArea>(&area);
      return logical != nullptr && !gone.contains(lv.name) && gone.contains(logical->lv);
    });
    if (lost > 0) bereaved.push_back(lv.name);
    if (bereft.contains(lv.name) && !needed.contains(lv.name)) store.erasing = true;
  }
  std::erase_if(vg.lvs, [&](const LogicalVolume& lv) { return gone.contains(lv.name); });
  for (const std::string& store : bereaved) set_copies(vg, store, data_of_copies(vg, store));
  return vg;
}

VolumeGroup give_up_missing(VolumeGroup vg, const std::set<PvId>& missing) {
  const Usage usage = usage_of(vg);
  std::set<PvId> leaving;
  for (std::size_t i = 0; i < vg.pvs.size(); ++i) {
    if (!missing.contains(vg.pvs[i].id)) continue;
    if (usage.pvs[i].taken.empty() && usage.unclear == nullptr)
      leaving.insert(vg.pvs[i].id);
    else
      set_flag(vg.pvs[i].flags, "MISSING");
  }
  if (leaving.size() == vg.pvs.size())
    throw Error(Errc::refused, "{} would have no physical volume any more", vg.name);
  std::erase_if(vg.pvs, [&](const PhysicalVolume& pv) { return leaving.contains(pv.id); });
  return vg;
}

}  // namespace cv::metadata
