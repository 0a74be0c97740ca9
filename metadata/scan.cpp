#include "metadata/scan.h"

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "metadata/scan_read.h"
#include "metadata/usage.h"

namespace cv::metadata {
namespace {

/// Judges what was read: copies, names, and who has which PV.
class Judge {
 public:
  Judge(std::string_view host_system_id, DisksRead read, TextCache& cache,
        std::function<bool(const ReadText&)> takes)
      : host_system_id_(host_system_id),
        cache_(cache),
        takes_(std::move(takes)),
        copies_(std::move(read.copies)) {
    scan_.pvs = std::move(read.pvs);
    scan_.findings = std::move(read.findings);
  }

  Scan run() {
    auto by_group = copies_by_group();
    owners_.resize(scan_.pvs.size());
    scan_.groups.reserve(by_group.size());
    // A PV may stand in the texts of two groups after an interrupted split: first all say what they have.
    for (const auto& [id, copies] : by_group) assemble(copies);
    auto group = scan_.groups.begin();
    for (const auto& [id, copies] : by_group) {
      judge_copies(*group, copies);
      judge_pvs(*group++);
    }
    judge_shared_pvs();
    judge_names();
    std::sort(scan_.groups.begin(), scan_.groups.end(), [](const FoundGroup& a, const FoundGroup& b) {
      return std::tie(a.vg.name, a.vg.id) < std::tie(b.vg.name, b.vg.id);
    });
    judge_the_rest();
    return std::move(scan_);
  }

 private:
  const ReadText& text_of(const Copy& copy) const { return cache_.at(copy.key); }

  VolumeGroup group_of(const Copy& copy) {
    ReadText& text = cache_.at(copy.key);
    if (!takes_(text)) return *text.vg;
    VolumeGroup taken = std::move(*text.vg);
    text.vg.reset();
    return taken;
  }

  const Copy& newest_of(const std::vector<Copy>& copies) const {
    return *std::max_element(copies.begin(), copies.end(), [&](const Copy& a, const Copy& b) {
      return text_of(a).seqno < text_of(b).seqno;  // the first among equals
    });
  }

  /// Copies of a group that another one supersedes are old copies of that one.
  std::map<VgId, std::vector<Copy>> copies_by_group() const {
    std::map<VgId, std::vector<Copy>> by_group;
    for (const auto& copy : copies_) by_group[text_of(copy).id].push_back(copy);
    std::vector<std::pair<VgId, VgId>> superseded;
    for (const auto& [id, copies] : by_group)
      for (const auto& former : text_of(newest_of(copies)).supersedes)
        if (former != id) superseded.emplace_back(former, id);
    for (const auto& [former, id] : superseded) {
      const auto found = by_group.find(former);
      if (found == by_group.end() || !by_group.contains(id)) continue;
      auto old_copies = std::move(found->second);
      by_group.erase(found);
      auto& copies = by_group[id];
      copies.insert(copies.end(), old_copies.begin(), old_copies.end());
    }
    return by_group;
  }

  /// The newest of a group's own copies, superseded ones left aside.
  const Copy& newest_own(const std::vector<Copy>& copies) const {
    const VgId& id = text_of(copies.front()).id;  // superseded copies stand behind
    const Copy* newest = &copies.front();
    for (const auto& copy : copies)
      if (text_of(copy).id == id && text_of(copy).seqno > text_of(*newest).seqno) newest = &copy;
    return *newest;
  }

  /// All copies are of one group, or of what it supersedes.
  void assemble(const std::vector<Copy>& copies) {
    const auto& newest = newest_own(copies);
    FoundGroup group{.vg = group_of(newest),
                     .text = {.offset = Bytes(0), .size = newest.key.second, .crc = newest.key.first},
                     .devices = {},
                     .obstacles = {},
                     .findings = {}};
    judge_status(group);
    choose_devices(group, copies);
    scan_.groups.push_back(std::move(group));
  }

  void judge_status(FoundGroup& group) const {
    const auto& vg = group.vg;
    const auto hinder = [&](Hindrance kind, std::string sentence, std::string advice) {
      group.obstacles.push_back({.kind = kind, .sentence = std::move(sentence), .advice = std::move(advice)});
    };
    if (has_flag(vg.flags, "EXPORTED"))
      hinder(Hindrance::exported, fmt::format("{} is exported", vg.name),
             fmt::format("import it with 'vgimport {}'", vg.name));
    if (!vg.system_id.empty() && vg.system_id != host_system_id_)
      hinder(
          Hindrance::foreign,
          fmt::format("{} belongs to the host with the system id '{}', this one has {}", vg.name,
                      vg.system_id, host_system_id_.empty() ? "none" : fmt::format("'{}'", host_system_id_)),
          "use it on that host, or take it over with 'vgchange --systemid'");
    if (!vg.lock_type.empty() && vg.lock_type != "none")
      hinder(Hindrance::lock_type, fmt::format("{} is locked by a lock manager ({})", vg.name, vg.lock_type),
             "use LVM2 with lvmlockd for this group");
    if (has_flag(vg.flags, "CLUSTERED"))
      hinder(Hindrance::clustered, fmt::format("{} is a clustered group", vg.name),
             "clear the flag with 'vgchange --locktype none' where no other host uses it");
    if (!has_flag(vg.flags, "WRITE"))
      hinder(Hindrance::read_only, fmt::format("{} is read-only", vg.name),
             fmt::format("make it writable with 'vgchange -p rw {}'", vg.name));
  }

  /// The PVs flagged MISSING that volumes lie on.
  static std::set<PvId> needed_of_missing(const VolumeGroup& vg) {
    std::set<PvId> needed;
    const auto is_missing = [](const PhysicalVolume& pv) { return has_flag(pv.flags, "MISSING"); };
    if (std::none_of(vg.pvs.begin(), vg.pvs.end(), is_missing)) return needed;
    const Usage usage = usage_of(vg);
    for (std::size_t i = 0; i < vg.pvs.size(); ++i)
      if (!usage.pvs[i].taken.empty() || usage.unclear != nullptr) needed.insert(vg.pvs[i].id);
    return needed;
  }

  /// Gives each PV of the group its device. Of several with one id: the one that holds the newest text, else
  /// the one that the text names, else the first.
  void choose_devices(FoundGroup& group, const std::vector<Copy>& copies) {
    const auto holds_newest = [&](std::size_t pv) {
      return std::any_of(copies.begin(), copies.end(), [&](const Copy& copy) {
        return copy.pv == pv && copy.key == TextKey{group.text.crc, group.text.size};
      });
    };
    const auto needed = needed_of_missing(group.vg);
    for (auto& member : group.vg.pvs) {
      std::vector<std::size_t> candidates;
      for (std::size_t i = 0; i < scan_.pvs.size(); ++i)
        if (scan_.pvs[i].disk.label.id == member.id) candidates.push_back(i);
      std::stable_sort(candidates.begin(), candidates.end(), [&](std::size_t a, std::size_t b) {
        const auto rank = [&](std::size_t i) {
          return std::pair(holds_newest(i), scan_.pvs[i].disk.device->path() == member.device);
        };
        return rank(a) > rank(b);
      });

      // What a returned PV holds is old; where nothing of it is in use, that does no harm.
      if (!candidates.empty() && !needed.contains(member.id)) clear_flag(member.flags, "MISSING");
      const bool usable = !candidates.empty() && !has_flag(member.flags, "MISSING");
      group.devices[member.id] = usable ? scan_.pvs[candidates.front()].disk.device : nullptr;
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        auto& pv = scan_.pvs[candidates[i]];
        pv.state = i == 0 ? PvState::member : PvState::duplicate;
        pv.group = group.vg.name;
        owners_[candidates[i]] = group.vg.id;
        if (i > 0) report_duplicate(group, scan_.pvs[candidates.front()], pv);
      }
    }
  }

  static void report_duplicate(FoundGroup& group, const FoundPv& chosen, const FoundPv& other) {
    const auto sentence =
        fmt::format("{} and {} both say that they are the physical volume {} of {}; {} is used",
                    chosen.disk.device->path(), other.disk.device->path(), chosen.disk.label.id.text(),
                    group.vg.name, chosen.disk.device->path());
    const std::string advice = "hide the copy with a filter or --devices, or give it a new id";
    group.findings.push_back(make_damage("PV-DUPLICATE", sentence, advice));
    group.obstacles.push_back({.kind = Hindrance::duplicate_pvs, .sentence = sentence, .advice = advice});
  }

  void judge_copies(FoundGroup& group, const std::vector<Copy>& copies) {
    const TextKey newest{group.text.crc, group.text.size};
    for (const auto& copy : copies) {
      auto& pv = scan_.pvs[copy.pv];
      const auto& path = pv.disk.device->path();
      if (pv.state == PvState::orphan) {
        pv.state = PvState::outdated;
        pv.group = group.vg.name;
        group.findings.push_back(
            make_damage("PV-OUTDATED", fmt::format("{} was in {} once and is no more", path, group.vg.name)));
      }
      if (pv.state != PvState::member) continue;
      if (owners_[copy.pv] == group.vg.id && text_of(copy).id != group.vg.id) {
        group.findings.push_back(
            make_damage("METADATA-STALE", fmt::format("{} still has the metadata of {}, which {} replaces",
                                                      path, text_of(copy).name, group.vg.name)));
        continue;
      }
      if (owners_[copy.pv] != group.vg.id) {
        group.findings.push_back(
            make_damage("PV-OTHER-GROUP",
                        fmt::format("{} is in {} and holds a text of {}", path, pv.group, group.vg.name)));
        continue;
      }
      if (copy.key == newest) continue;
      if (text_of(copy).seqno < group.vg.seqno) {
        group.findings.push_back(
            make_damage("METADATA-STALE",
                        fmt::format("the copy of the metadata of {} on {} is old: seqno {} instead of {}",
                                    group.vg.name, path, text_of(copy).seqno, group.vg.seqno)));
        continue;
      }
      const auto first =
          std::find_if(copies.begin(), copies.end(), [&](const Copy& other) { return other.key == newest; });
      const auto sentence =
          fmt::format("{} has two different metadata texts with seqno {}, on {} and on {}", group.vg.name,
                      group.vg.seqno, scan_.pvs[first->pv].disk.device->path(), path);
      auto damage = make_damage("METADATA-CONFLICT", sentence);
      group.obstacles.push_back({.kind = Hindrance::conflict, .sentence = sentence, .advice = damage.advice});
      group.findings.push_back(std::move(damage));
    }
  }

  /// Areas of members that have no text of the group at all.
  void judge_areas(FoundGroup& group, const PvOnDisk& pv) const {
    for (const auto& area : pv.areas) {
      if (!area.flaw.empty()) {
        group.findings.push_back(damage_of(pv, area));
        // It may be newer than what we read, from a program that knows more.
        if (area.is_intact)
          group.obstacles.push_back({.kind = Hindrance::conflict,
                                     .sentence = group.findings.back().sentence,
                                     .advice = group.findings.back().advice});
      } else if (area.header && !area.header->ignored() && area.header->committed.empty())
        group.findings.push_back(make_damage(
            "METADATA-EMPTY", fmt::format("the metadata area on {} at {} holds no text of {}",
                                          pv.device->path(), area.place.offset.n, group.vg.name)));
    }
  }

  /// No two groups may have one name.
  void judge_names() {
    std::map<std::string_view, const FoundGroup*> names;
    for (const auto& group : scan_.groups) {
      const auto name = names.emplace(group.vg.name, &group);
      if (name.second) continue;
      scan_.findings.push_back(make_damage(
          "VG-SAME-NAME", fmt::format("there are two volume groups with the name {}: {} and {}",
                                      group.vg.name, name.first->second->vg.id.text(), group.vg.id.text())));
    }
  }

  void judge_pvs(FoundGroup& group) const {
    std::vector<std::string> missing;
    for (const auto& member : group.vg.pvs) {
      const auto* device = group.devices.at(member.id);
      if (device == nullptr) {
        missing.push_back(describe_missing(member));
        continue;
      }
      const auto& pv = pv_on(*device);
      judge_areas(group, pv);
      const auto known = member.dev_size.value_or(Sectors(0));
      if (whole_sectors(device->size()) < known)
        group.findings.push_back(make_damage(
            "PV-TRUNCATED", fmt::format("{} has {} sectors, its physical volume in {} has {}", device->path(),
                                        whole_sectors(device->size()).n, group.vg.name, known.n)));
      if (pv.label.extension < disk::kLabelExtension)
        group.findings.push_back(make_damage(
            "PV-LABEL-OLD", fmt::format("the label of {} in {} has {}", device->path(), group.vg.name,
                                        pv.label.extension == 0 ? "no extension" : "an old extension")));
      else if (!pv.label.used())
        group.findings.push_back(
            make_damage("PV-NOT-MARKED", fmt::format("the label of {} does not say that it is in use by {}",
                                                     device->path(), group.vg.name)));
    }
    if (missing.empty()) return;
    const auto sentence = fmt::format("{} is not complete: {}", group.vg.name, fmt::join(missing, ", "));
    const auto advice =
        fmt::format("attach the device, or give it up with 'vgreduce --removemissing {}'", group.vg.name);
    group.findings.push_back(make_damage("PV-MISSING", sentence, advice));
    group.obstacles.push_back({.kind = Hindrance::missing_pvs, .sentence = sentence, .advice = advice});
  }

  /// PVs that two groups list: the remains of a split, or damage.
  void judge_shared_pvs() {
    std::map<PvId, FoundGroup*> owners;
    for (auto& group : scan_.groups) {
      for (const auto& member : group.vg.pvs) {
        const auto [known, is_new] = owners.emplace(member.id, &group);
        if (is_new) continue;
        FoundGroup& other = *known->second;
        if (group.vg.split_from == other.vg.id || other.vg.split_from == group.vg.id) continue;
        const auto damage =
            make_damage("PV-TWO-GROUPS", fmt::format("both {} and {} list the physical volume {}",
                                                     other.vg.name, group.vg.name, member.id.text()));
        for (FoundGroup* claims : {&group, &other}) {
          claims->obstacles.push_back(
              {.kind = Hindrance::conflict, .sentence = damage.sentence, .advice = damage.advice});
          claims->findings.push_back(damage);
        }
      }
    }
    for (auto& to : scan_.groups) {
      if (!to.vg.split_from) continue;
      const auto from = std::find_if(scan_.groups.begin(), scan_.groups.end(), [&](const FoundGroup& group) {
        return group.vg.id == *to.vg.split_from;
      });
      const bool has_from = from != scan_.groups.end();
      // Exported it is only until the split is finished.
      std::erase_if(to.obstacles, [](const Obstacle& one) { return one.kind == Hindrance::exported; });
      note_split(to, fmt::format("the split of {} into {} was interrupted",
                                 has_from ? from->vg.name : to.vg.split_from->text(), to.vg.name));
      const auto has_pv_of_it = [&](const PhysicalVolume& pv) { return find_pv(to.vg, pv.id) != nullptr; };
      if (has_from && std::any_of(from->vg.pvs.begin(), from->vg.pvs.end(), has_pv_of_it))
        note_split(*from, fmt::format("the split of {} into {} was interrupted", from->vg.name, to.vg.name));
    }
  }

  static void note_split(FoundGroup& group, const std::string& sentence) {
    group.findings.push_back(make_damage("SPLIT-UNFINISHED", sentence));
    const std::string advice = group.findings.back().advice;
    group.obstacles.insert(group.obstacles.begin(),
                           {.kind = Hindrance::unfinished, .sentence = sentence, .advice = advice});
  }

  static std::string describe_missing(const PhysicalVolume& member) {
    const auto where = member.device.empty() ? "" : fmt::format(" (last seen as {})", member.device);
    return has_flag(member.flags, "MISSING")
               ? fmt::format("physical volume {}{} was missing during a change", member.id.text(), where)
               : fmt::format("physical volume {}{} is missing", member.id.text(), where);
  }

  const PvOnDisk& pv_on(const device::BlockDevice& device) const {
    return std::find_if(scan_.pvs.begin(), scan_.pvs.end(),
                        [&](const FoundPv& pv) { return pv.disk.device == &device; })
        ->disk;
  }

  /// What no readable group has claimed.
  void judge_the_rest() {
    std::set<PvId> seen;
    for (auto& pv : scan_.pvs) {
      const bool is_first = seen.insert(pv.disk.label.id).second;
      if (pv.state != PvState::orphan) continue;
      const auto& path = pv.disk.device->path();
      bool has_flaw = false;
      for (const auto& area : pv.disk.areas) {
        if (area.flaw.empty()) continue;
        has_flaw = true;
        scan_.findings.push_back(damage_of(pv.disk, area));
      }
      if (has_flaw) {
        pv.state = PvState::unreadable;
      } else if (pv.disk.label.used()) {
        pv.state = PvState::used;
        scan_.findings.push_back(make_damage(
            "PV-USED", fmt::format("{} says that it is in a group, but none that can be read has it", path),
            is_marked_only(pv) ? "its metadata area is empty, as an interrupted vgcreate or vgremove leaves "
                                 "it: where no other device of its group is away, vgcreate, vgextend and "
                                 "pvcreate take it with --yes"
                               : ""));
      } else if (!is_first) {
        pv.state = PvState::duplicate;
        scan_.findings.push_back(make_damage(
            "PV-DUPLICATE",
            fmt::format("{} has the id {} of another physical volume", path, pv.disk.label.id.text()),
            "give one of them a new id"));
      }
    }
  }

  std::string host_system_id_;
  TextCache& cache_;
  std::function<bool(const ReadText&)> takes_;  ///< whether a group is moved out of the cache
  Scan scan_;
  std::vector<Copy> copies_;
  std::vector<std::optional<VgId>> owners_;  ///< of each of Scan::pvs: the group that lists it
};

}  // namespace

Scan scan_devices(const std::vector<device::BlockDevice*>& devices, std::string_view host_system_id,
                  ScanDepth depth, TextCache& cache) {
  return Judge(host_system_id, read_disks(devices, depth, cache), cache,
               [](const ReadText&) { return false; })
      .run();
}

Scan take_groups(const std::vector<device::BlockDevice*>& devices, std::string_view host_system_id,
                 TextCache& cache, std::string_view name) {
  const auto takes = [name](const ReadText& text) { return name.empty() || text.name == name; };
  return Judge(host_system_id, read_disks(devices, ScanDepth::one_copy, cache), cache, takes).run();
}

}  // namespace cv::metadata
