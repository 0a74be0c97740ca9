#include "metadata/references.h"

#include <algorithm>
#include <array>

#include "lib/base/error.h"
#include "lib/base/match.h"

namespace cv::metadata {

namespace {

/// The types of LVM2 whose keys we know.
constexpr std::array<std::string_view, 12> kTypes = {"mirror", "snapshot",   "thin-pool",  "thin",
                                                     "cache",  "cache-pool", "writecache", "integrity",
                                                     "vdo",    "vdo-pool",   "error",      "zero"};
/// Their keys that name LVs, alone or in lists.
constexpr std::array<std::string_view, 17> kNamingKeys = {
    "mirror_log",    "mirrors",    "raids",    "raid0_lvs", "origin",         "cow_store",
    "merging_store", "metadata",   "pool",     "thin_pool", "merge",          "cache_pool",
    "data",          "writecache", "meta_dev", "vdo_pool",  "external_origin"};
constexpr std::string_view kHistory = "historical_logical_volumes";

bool is_known(const Opaque& opaque) {
  const auto type = base_type(opaque.type);
  return type.starts_with("raid") || std::ranges::find(kTypes, type) != kTypes.end();
}

bool is_pv(const Opaque& opaque, const std::string& name) {
  return std::ranges::find(opaque.pv_names, name, &std::pair<std::string, PvId>::first) !=
         opaque.pv_names.end();
}

/// Every text in `tree`, and below it.
template <class Tree, class Visit>
void for_each_text(Tree& tree, Visit&& visit) {
  for (auto& item : tree.data().items)
    if (auto* text = std::get_if<std::string>(&item)) visit(*text);
  for (auto& [key, child] : tree) for_each_text(child, visit);
}

/// Every text of the segment that names an LV, or may.
template <class Body, class Visit>
void for_each_name(const Opaque& opaque, Body& body, Visit&& visit) {
  const bool known = is_known(opaque);
  for (auto& [key, child] : body) {
    if (known && std::ranges::find(kNamingKeys, std::string_view(key)) == kNamingKeys.end()) continue;
    const bool may_be_pv = may_name_pvs(child.data());
    for_each_text(child, [&](auto& text) {
      if (!may_be_pv || !is_pv(opaque, text)) visit(text);
    });
  }
}

/// Takes names out of what one volume of the past was made of and what came from it. True where it did.
bool forget(config::Tree& past, const std::unordered_set<std::string>& gone) {
  bool forgot = false;
  for (auto leaf = past.begin(); leaf != past.end();) {
    auto& items = leaf->second.data().items;
    const bool names_volumes = leaf->first == "origin" || leaf->first == "descendants";
    const auto before = items.size();
    if (names_volumes)
      std::erase_if(items, [&](const config::Scalar& item) {
        const auto* text = std::get_if<std::string>(&item);
        return text != nullptr && gone.contains(*text);
      });
    forgot = forgot || items.size() != before;
    leaf = names_volumes && items.empty() ? past.erase(leaf) : std::next(leaf);
  }
  return forgot;
}

void rename(Area& area, const Renames& renames) {
  auto* logical = std::get_if<LogicalArea>(&area);
  if (logical == nullptr) return;
  if (const auto found = renames.find(logical->lv); found != renames.end()) logical->lv = found->second;
}

}  // namespace

void for_each_reference(const Segment& segment, const std::function<void(const std::string&)>& visit) {
  const auto area = [&](const Area& one) {
    if (const auto* logical = std::get_if<LogicalArea>(&one)) visit(logical->lv);
  };
  match(
      segment.kind, [&](const Striped& striped) { std::ranges::for_each(striped.stripes, area); },
      [&](const Crypt& crypt) {
        visit(crypt.store);
        area(crypt.area);
      },
      [&](const Keystore& store) { std::ranges::for_each(store.copies, area); },
      [&](const Opaque& opaque) { for_each_name(opaque, opaque.body, visit); });
}

bool names_volume(const LogicalVolume& by, std::string_view lv) {
  bool found = false;
  for (const Segment& segment : by.segments)
    for_each_reference(segment, [&](const std::string& name) { found = found || name == lv; });
  return found;
}

void rename_references(Segment& segment, const Renames& renames) {
  const auto apply = [&](std::string& name) {
    if (const auto found = renames.find(name); found != renames.end()) name = found->second;
  };
  match(
      segment.kind,
      [&](Striped& striped) {
        for (Area& area : striped.stripes) rename(area, renames);
      },
      [&](Crypt& crypt) {
        apply(crypt.store);
        rename(crypt.area, renames);
      },
      [&](Keystore& store) {
        for (Area& area : store.copies) rename(area, renames);
      },
      [&](Opaque& opaque) {
        if (is_known(opaque)) return for_each_name(opaque, opaque.body, apply);
        for_each_name(opaque, opaque.body, [&](const std::string& name) {
          if (renames.contains(name))
            throw Error(Errc::unsupported,
                        "a volume of the unknown type {} holds the name {}, and it can't be told what for",
                        opaque.type, name)
                .advise("rename it with the program that made that volume");
        });
      });
}

void rename_in_history(VolumeGroup& vg, const Renames& renames) {
  for (config::CarriedNode& carried : vg.carried) {
    if (carried.key != kHistory) continue;
    for (auto& [name, gone] : carried.node)
      for (auto& [key, value] : gone)
        if (key == "origin" || key == "descendants")
          for_each_text(value, [&](std::string& text) {
            if (const auto found = renames.find(text); found != renames.end()) text = found->second;
          });
  }
}

void forget_in_history(VolumeGroup& vg, const std::unordered_set<std::string>& gone) {
  for (config::CarriedNode& carried : vg.carried) {
    if (carried.key != kHistory) continue;
    std::unordered_set<std::string> names = gone;
    for (bool again = true; std::exchange(again, false);) {
      for (auto past = carried.node.begin(); past != carried.node.end();) {
        again = forget(past->second, names) || again;
        if (config::child(past->second, "descendants") != nullptr) {
          ++past;
          continue;
        }
        names.insert("-" + past->first);
        past = carried.node.erase(past);
        again = true;
      }
    }
  }
  vg.carried.remove_if(
      [](const config::CarriedNode& carried) { return carried.key == kHistory && carried.node.empty(); });
}

std::string_view base_type(std::string_view type) {
  return type.substr(0, type.find('+'));
}

std::string type_of(const LogicalVolume& lv) {
  if (lv.segments.empty()) return "empty";
  return match(
      lv.segments.front().kind,
      [](const Striped& striped) { return std::string(striped.stripes.size() > 1 ? "striped" : "linear"); },
      [](const Crypt&) { return std::string("crypt"); },
      [](const Keystore&) { return std::string("crypt-keystore"); },
      [](const Opaque& opaque) { return std::string(base_type(opaque.type)); });
}

VolumeIndex index_of(const VolumeGroup& vg) {
  VolumeIndex index;
  index.reserve(vg.lvs.size());
  for (const LogicalVolume& lv : vg.lvs) index.emplace(lv.name, &lv);
  return index;
}

bool is_shown(const VolumeGroup& vg, const LogicalVolume& lv) {
  if (is_visible(lv)) return type_of(lv) != "snapshot";
  return std::ranges::any_of(vg.lvs, [&](const LogicalVolume& other) {
    if (type_of(other) != "snapshot") return false;
    const auto& body = std::get<Opaque>(other.segments.front().kind).body;
    const auto is_it = [&](const char* key) {
      const auto* leaf = config::child(body, key);
      return leaf != nullptr && config::as_string(*leaf) == lv.name;
    };
    return is_it("cow_store") || is_it("merging_store");
  });
}

}  // namespace cv::metadata
