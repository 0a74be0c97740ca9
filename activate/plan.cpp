#include "activate/plan.h"

#include <algorithm>
#include <set>

#include "activate/device_name.h"
#include "lib/base/error.h"
#include "lib/base/match.h"

namespace cv::activate {

namespace {

using metadata::VolumeGroup;

const LiveDevice* find(const LiveDevices& live, const std::string& uuid) {
  const auto found = live.find(uuid);
  return found == live.end() ? nullptr : &found->second;
}

/// The table with the numbers of the devices below that exist already.
Table numbered(Table table, const LiveDevices& live) {
  const auto resolve = [&](Device& device) {
    const auto* below = std::get_if<DeviceBelow>(&device);
    if (below == nullptr) return;
    if (const auto* there = find(live, below->uuid)) device = there->info.number;
  };
  for (auto& line : table) {
    match(
        line.target, [&](LinearTarget& linear) { resolve(linear.device); },
        [&](StripedTarget& striped) {
          for (auto& stripe : striped.stripes) resolve(stripe.device);
        },
        [&](CryptTarget& crypt) { resolve(crypt.device); }, [](ErrorTarget&) {}, [](ZeroTarget&) {});
  }
  return table;
}

void require_same_sort(const PlannedDevice& wanted, const LiveDevice& there) {
  if (there.info.open_count == 0 || !there.info.has_live_table) return;
  // What holds the device open would from one moment to the next see ciphertext, or have its plaintext
  // written to disk.
  if (there.table && has_crypt(*there.table) == has_crypt(wanted.table)) return;
  throw Error(Errc::in_use, "{} is open as {} with a table that is not its own", wanted.lv, there.info.name)
      .advise("close what uses it, then deactivate and activate it");
}

std::optional<Step> step_for(const PlannedDevice& wanted, const LiveDevices& live) {
  const auto* there = find(live, wanted.uuid);
  if (there == nullptr) return CreateStep{wanted};
  const auto table = numbered(wanted.table, live);
  const bool is_right = there->info.has_live_table && there->table && same_mapping(*there->table, table) &&
                        there->info.read_only == wanted.read_only;
  if (is_right && !there->info.suspended) return std::nullopt;
  // A resume would bring in whatever waits in the inactive slot.
  if (is_right && !there->info.has_inactive_table) return ResumeStep{wanted};
  require_same_sort(wanted, *there);
  ReloadStep step{.device = wanted, .live_name = there->info.name, .former = {}, .grows = false};
  if (there->table) step.former = *there->table;
  step.grows = !step.former.empty() && continues(step.former, table);
  return step;
}

RemoveStep removal(const VolumeGroup& vg, std::string_view lv, const LiveDevice& there) {
  const auto& volume = metadata::lv_at(vg, lv);
  return {.lv = vg.name + "/" + volume.name,
          .name = there.info.name,
          .uuid = there.info.uuid,
          .number = there.info.number,
          .publication = publication_of(vg, volume)};
}

RenameStep renaming(const PlannedDevice& wanted, const LiveDevice& there) {
  return {.lv = wanted.lv,
          .former_name = there.info.name,
          .name = wanted.name,
          .uuid = wanted.uuid,
          .former = wanted.publication,
          .publication = wanted.publication};
}

std::string what_it_is(const PlannedDevice& device) {
  auto text = device.name;
  if (!device.publication.link.empty()) text += fmt::format(" (/dev/{})", device.publication.link);
  text += fmt::format(", {} sectors", length_of(device.table).n);
  if (has_crypt(device.table)) text += ", encrypted";
  if (device.read_only) text += ", read-only";
  if (device.publication.hidden) text += ", hidden";
  return text;
}

const PlannedDevice* device_of(const Step& step) {
  return match(
      step, [](const CreateStep& s) { return &s.device; }, [](const ReloadStep& s) { return &s.device; },
      [](const ResumeStep&) -> const PlannedDevice* { return nullptr; },
      [](const RemoveStep&) -> const PlannedDevice* { return nullptr; },
      [](const RenameStep&) -> const PlannedDevice* { return nullptr; });
}

}  // namespace

std::string describe(const Step& step) {
  return match(
      step, [](const CreateStep& create) { return "create " + what_it_is(create.device); },
      [](const ReloadStep& reload) {
        auto text = "load a new table into " + what_it_is(reload.device);
        if (reload.live_name != reload.device.name) text += ", now called " + reload.live_name;
        if (!reload.former.empty()) text += fmt::format(", until now {} sectors", length_of(reload.former).n);
        return text;
      },
      [](const ResumeStep& resume) { return "resume " + resume.device.name + ", which is suspended"; },
      [](const RemoveStep& remove) { return "remove " + remove.name; },
      [](const RenameStep& rename) {
        return fmt::format("rename {} to {}", rename.former_name, rename.name);
      });
}

std::string describe(const Plan& plan) {
  std::string text;
  for (const auto& step : plan) {
    text += describe(step) + "\n";
    if (const auto* device = device_of(step))
      for (const auto& line : device->table) text += "  " + masked_text(line) + "\n";
  }
  return text;
}

std::vector<std::string> uuids_of(const VolumeGroup& vg, std::string_view lv) {
  std::vector<std::string> uuids{dm_uuid(vg.id, metadata::lv_at(vg, lv).id)};
  for (const auto& below : volumes_below(vg, lv))
    uuids.push_back(dm_uuid(vg.id, metadata::lv_at(vg, below).id));
  return uuids;
}

Plan plan_activation(const VolumeGroup& current, const VolumeGroup& next, std::string_view lv,
                     const TreeInputs& inputs, const LiveDevices& live) {
  Plan plan;
  std::set<std::string> wanted;
  for (const auto& device : devices_of(next, lv, inputs)) {
    wanted.insert(device.uuid);
    if (auto step = step_for(device, live)) plan.push_back(std::move(*step));
    const auto* there = find(live, device.uuid);
    if (there != nullptr && there->info.name != device.name) plan.push_back(renaming(device, *there));
  }
  if (metadata::find_lv(current, lv) == nullptr) return plan;
  for (const auto& below : volumes_below(current, lv)) {
    const auto uuid = dm_uuid(current.id, metadata::lv_at(current, below).id);
    const auto* there = find(live, uuid);
    if (there != nullptr && !wanted.contains(uuid)) plan.push_back(removal(current, below, *there));
  }
  return plan;
}

Plan plan_deactivation(const VolumeGroup& vg, std::string_view lv, const LiveDevices& live) {
  Plan plan;
  if (find(live, dm_uuid(vg.id, metadata::lv_at(vg, lv).id)) != nullptr) require_manageable(vg, lv);
  auto names = volumes_below(vg, lv);
  names.insert(names.begin(), std::string(lv));
  for (const auto& name : names)
    if (const auto* there = find(live, dm_uuid(vg.id, metadata::lv_at(vg, name).id)))
      plan.push_back(removal(vg, name, *there));
  return plan;
}

std::optional<RenameStep> plan_renaming(const VolumeGroup& current, const VolumeGroup& next,
                                        std::string_view lv, const LiveDevices& live) {
  const auto& volume = metadata::lv_at(next, lv);
  const auto* there = find(live, dm_uuid(next.id, volume.id));
  auto wanted = dm_name(next.name, volume.name);
  if (there == nullptr || there->info.name == wanted) return std::nullopt;
  const auto before = std::ranges::find(current.lvs, volume.id, &metadata::LogicalVolume::id);
  const auto& former = before == current.lvs.end() ? volume : *before;
  return RenameStep{.lv = next.name + "/" + volume.name,
                    .former_name = there->info.name,
                    .name = std::move(wanted),
                    .uuid = there->info.uuid,
                    .former = publication_of(current, former),
                    .publication = publication_of(next, volume)};
}

std::vector<std::string> stores_of(const Plan& plan) {
  std::vector<std::string> stores;
  for (const auto& step : plan) {
    const auto* device = device_of(step);
    if (device == nullptr) continue;
    for (const auto& store : device->stores)
      if (std::ranges::find(stores, store) == stores.end()) stores.push_back(store);
  }
  return stores;
}

}  // namespace cv::activate
