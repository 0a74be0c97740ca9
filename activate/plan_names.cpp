#include "activate/plan_names.h"

#include <algorithm>
#include <vector>

#include "activate/device_name.h"
#include "lib/base/error.h"

namespace cv::activate {

namespace {

using metadata::LogicalVolume;
using metadata::VolumeGroup;

/// "VG/LV" where the name is one that a volume of the group could have, else empty.
std::string link_of(const VolumeGroup& vg, const std::string& name) {
  const auto prefix = dm_name(vg.name, "");
  if (!name.starts_with(prefix)) return {};
  auto lv = name.substr(prefix.size());
  for (auto at = lv.find("--"); at != std::string::npos; at = lv.find("--", at + 1)) lv.erase(at, 1);
  return vg.name + "/" + lv;
}

class Room {
 public:
  Room(const NameWish& wish, const GroupView& current, const GroupView& view, LiveDevices& live)
      : wish_(wish), current_(current), vg_(view.vg()), live_(live) {}

  Plan take() {
    clear(wish_.uuid, wish_.name);
    return std::move(plan_);
  }

 private:
  /// Until nobody but the device `uuid` has the name.
  void clear(const std::string& uuid, const std::string& name) {
    const auto holder = std::ranges::find_if(
        live_, [&](const auto& entry) { return entry.second.info.name == name && entry.first != uuid; });
    if (holder == live_.end()) return;
    const std::string other = holder->first;
    waiting_.push_back(uuid);
    if (std::ranges::find(waiting_, other) != waiting_.end())
      rename(other, "cvm-renaming-" + other.substr(uuid_prefix(vg_).size()), {.hidden = true, .link = {}});
    else
      settle(other, holder->second.info);
    waiting_.pop_back();
  }

  /// Gives the one that has a name which is not its own its own.
  void settle(const std::string& uuid, const DeviceInfo& info) {
    if (!uuid.starts_with(uuid_prefix(vg_))) throw_taken(info.name, "a device that is not ours");
    if (const auto* owner = volume_of(vg_, uuid)) {
      const auto name = dm_name(vg_.name, owner->name);
      if (uuid != dm_uuid(vg_.id, owner->id) || name == info.name)
        throw_taken(info.name, fmt::format("a device of {}/{}", vg_.name, owner->name));
      clear(uuid, name);
      rename(uuid, name, publication_of(vg_, *owner));
      return;
    }
    if (const auto* owner = volume_of(current_.vg(), uuid))
      throw_taken(info.name, fmt::format("the device of {}/{}", vg_.name, owner->name));
    auto step = removal_of_stray(vg_, info);
    step.at_once = true;
    live_.erase(uuid);
    plan_.emplace_back(std::move(step));
  }

  void rename(const std::string& uuid, std::string name, Publication publication) {
    auto& info = live_.at(uuid).info;
    const auto* owner = volume_of(vg_, uuid);
    plan_.emplace_back(RenameStep{.lv = owner == nullptr ? std::string() : vg_.name + "/" + owner->name,
                                  .former_name = info.name,
                                  .name = name,
                                  .uuid = uuid,
                                  .former = {.hidden = false, .link = link_of(vg_, info.name)},
                                  .publication = std::move(publication),
                                  .at_once = true});
    info.name = std::move(name);
  }

  [[noreturn]] void throw_taken(const std::string& name, std::string_view by_whom) const {
    throw Error(Errc::exists, "{}: the device name {} is taken by {}", wish_.what, name, by_whom)
        .advise("look at it with `dmsetup info {}`, then remove or rename it", name);
  }

  const NameWish& wish_;
  const GroupView& current_;
  const VolumeGroup& vg_;
  LiveDevices& live_;
  std::vector<std::string> waiting_;  ///< uuids, each for the name that the next one has
  Plan plan_;
};

}  // namespace

std::string uuid_prefix(const VolumeGroup& vg) {
  const auto uuid = dm_uuid(vg.id, LvId());
  return uuid.substr(0, uuid.size() - kIdLength);
}

const LogicalVolume* volume_of(const VolumeGroup& vg, const std::string& uuid) {
  const auto found =
      std::ranges::find_if(vg.lvs, [&](const auto& lv) { return uuid.starts_with(dm_uuid(vg.id, lv.id)); });
  return found == vg.lvs.end() ? nullptr : &*found;
}

RemoveStep removal_of_stray(const VolumeGroup& vg, const DeviceInfo& info) {
  return {.lv = {},
          .name = info.name,
          .uuid = info.uuid,
          .number = info.number,
          .publication = {.hidden = false, .link = link_of(vg, info.name)}};
}

Plan make_room(const NameWish& wish, const GroupView& current, const GroupView& view, LiveDevices& live) {
  return Room(wish, current, view, live).take();
}

}  // namespace cv::activate
