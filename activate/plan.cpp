#include "activate/plan.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "activate/device_name.h"
#include "activate/plan_names.h"
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
  for_each_device(table, [&](Device& device) {
    const auto* below = std::get_if<DeviceBelow>(&device);
    if (below == nullptr) return;
    if (const auto* there = find(live, below->uuid)) device = there->info.number;
  });
  return table;
}

void require_same_sort(const PlannedDevice& wanted, const LiveDevice& there) {
  if (there.info.open_count == 0 || !there.info.has_live_table) return;
  // What holds the device open would from one moment to the next see ciphertext, or have its plaintext
  // written to disk.
  if (there.table && has_crypt(*there.table) == has_crypt(wanted.table)) return;
  // Nobody has been reading anything, and nothing was written.
  if (there.table && answers_with_errors(*there.table)) return;
  throw Error(Errc::in_use, "{} is open as {} with a table that is not its own", wanted.lv, there.info.name)
      .advise("close what uses it, then deactivate and activate it");
}

/// A resume of a device that is not suspended changes nothing but how it is shown.
std::optional<ResumeStep::Why> why_resume(const PlannedDevice& wanted, const LiveDevice& there) {
  if (there.info.suspended) return ResumeStep::Why::suspended;
  // Another name brings another node with it.
  if (!there.is_shown && there.info.name == wanted.name) return ResumeStep::Why::not_shown;
  if (wanted.read_ahead && there.read_ahead && *wanted.read_ahead != *there.read_ahead)
    return ResumeStep::Why::read_ahead;
  return std::nullopt;
}

void add_steps(Plan& plan, const PlannedDevice& wanted, const LiveDevices& live) {
  const auto* there = find(live, wanted.uuid);
  if (there == nullptr) {
    plan.emplace_back(CreateStep{wanted});
    return;
  }
  const auto& info = there->info;
  const auto table = numbered(wanted.table, live);
  const bool is_mapped = info.has_live_table && there->table && same_mapping(*there->table, table);
  if (is_mapped && info.read_only == wanted.read_only) {
    // A resume would bring in whatever waits in the inactive slot.
    if (info.has_inactive_table) plan.emplace_back(ClearStep{info.name, info.uuid});
    if (const auto why = why_resume(wanted, *there)) plan.emplace_back(ResumeStep{wanted, *why});
    return;
  }
  require_same_sort(wanted, *there);
  ReloadStep step{.device = wanted, .live_name = info.name, .former = {}};
  step.changes_mapping = !is_mapped;
  if (there->table) step.former = *there->table;
  step.grows = !step.former.empty() && continues(step.former, table);
  plan.emplace_back(std::move(step));
}

RemoveStep removal(const VolumeGroup& vg, const metadata::LogicalVolume& volume, const LiveDevice& there) {
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
  if (device.publication.unscanned) text += ", nobody's to look at until it is wiped";
  return text;
}

/// Of a step that loads a table.
const PlannedDevice* device_of(const Step& step) {
  if (const auto* create = std::get_if<CreateStep>(&step)) return &create->device;
  if (const auto* reload = std::get_if<ReloadStep>(&step)) return &reload->device;
  return nullptr;
}

std::string describe_resume(const ResumeStep& step) {
  switch (step.why) {
    case ResumeStep::Why::suspended: return "resume " + step.device.name + ", which is suspended";
    case ResumeStep::Why::not_shown: return "make the node and link of " + step.device.name + " anew";
    case ResumeStep::Why::read_ahead:
      return fmt::format("set the read-ahead of {} to {} sectors", step.device.name,
                         step.device.read_ahead.value_or(0));
  }
  return {};
}

std::string_view drift_word(const Step& step) {
  return match(
      step, [](const CreateStep&) { return std::string_view("part missing"); },
      [](const ReloadStep& reload) -> std::string_view {
        return reload.changes_mapping ? "table" : "permission";
      },
      [](const ClearStep&) { return std::string_view("table waiting"); },
      [](const ResumeStep& resume) -> std::string_view {
        switch (resume.why) {
          case ResumeStep::Why::suspended: return "suspended";
          case ResumeStep::Why::not_shown: return "node";
          case ResumeStep::Why::read_ahead: return "read-ahead";
        }
        return {};
      },
      [](const RemoveStep&) { return std::string_view("part too many"); },
      [](const RenameStep&) { return std::string_view("name"); },
      [](const HideStep&) { return std::string_view("node"); });
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
      [](const ClearStep& clear) { return "drop the table that waits in " + clear.name; },
      [](const ResumeStep& resume) { return describe_resume(resume); },
      [](const RemoveStep& remove) {
        return "remove " + remove.name + (remove.lv.empty() ? ", which belongs to no volume" : "");
      },
      [](const RenameStep& rename) {
        return fmt::format("rename {} to {}", rename.former_name, rename.name);
      },
      [](const HideStep& hide) { return "take away what is left of " + hide.name + " in /dev"; });
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

Plan plan_activation(const GroupView& current, const GroupView& next, std::string_view lv,
                     const TreeInputs& inputs, LiveDevices live) {
  Plan plan;
  std::set<std::string> wanted;
  auto devices = devices_of(next, lv, inputs);
  // Old bytes under a new key are noise, in which somebody may think to see a file system.
  auto& top = devices.back();
  if (current.find_lv(lv) == nullptr && has_crypt(top.table) && !top.read_only)
    top.publication.unscanned = true;
  // Top down: what is in the way may stand on what else is in the way.
  for (auto device = devices.rbegin(); device != devices.rend(); ++device)
    std::ranges::move(
        make_room({device->uuid, device->name, device->lv + " can't be activated"}, current, next, live),
        std::back_inserter(plan));
  for (const auto& device : devices) {
    wanted.insert(device.uuid);
    add_steps(plan, device, live);
    const auto* there = find(live, device.uuid);
    if (there != nullptr && there->info.name != device.name) plan.emplace_back(renaming(device, *there));
  }
  // What stood below before, or was left there by a command that did not get far.
  const auto remove_unwanted = [&](const GroupView& view) {
    if (view.find_lv(lv) == nullptr) return;
    for (const auto* below : volumes_below(view, lv)) {
      const auto uuid = dm_uuid(view.vg().id, below->id);
      const auto* there = find(live, uuid);
      if (there != nullptr && wanted.insert(uuid).second)
        plan.emplace_back(removal(view.vg(), *below, *there));
    }
  };
  remove_unwanted(current);
  if (&next != &current) remove_unwanted(next);
  return plan;
}

Plan plan_deactivation(const GroupView& view, std::string_view lv, const LiveDevices& live) {
  Plan plan;
  const auto& vg = view.vg();
  const auto& volume = view.lv_at(lv);
  if (find(live, dm_uuid(vg.id, volume.id)) != nullptr) require_manageable(view, lv);
  auto tree = volumes_below(view, lv);
  tree.insert(tree.begin(), &volume);
  for (auto part = tree.rbegin(); part != tree.rend(); ++part) {
    const auto* there = find(live, dm_uuid(vg.id, (*part)->id));
    if (there == nullptr || !there->info.suspended || !there->info.has_live_table) continue;
    const auto& info = there->info;
    if (info.has_inactive_table) plan.emplace_back(ClearStep{info.name, info.uuid});
    PlannedDevice device;
    device.lv = vg.name + "/" + (*part)->name;
    device.name = info.name;
    device.uuid = info.uuid;
    device.publication = publication_of(vg, **part);
    plan.emplace_back(ResumeStep{std::move(device), ResumeStep::Why::suspended});
  }
  for (const auto* part : tree)
    if (const auto* there = find(live, dm_uuid(vg.id, part->id)))
      plan.emplace_back(removal(vg, *part, *there));
  return plan;
}

Plan plan_renaming(const GroupView& current, const GroupView& next, std::string_view lv, LiveDevices live) {
  const auto& volume = next.lv_at(lv);
  const auto uuid = dm_uuid(next.vg().id, volume.id);
  auto wanted = dm_name(next.vg().name, volume.name);
  const auto full_name = next.vg().name + "/" + volume.name;
  if (const auto* there = find(live, uuid); there == nullptr || there->info.name == wanted) return {};
  // By the names that are valid before the commit: whoever has this one may have missed another.
  auto plan = make_room({uuid, wanted, full_name + " can't be renamed"}, current, current, live);
  const auto& lvs = current.vg().lvs;
  const auto before = std::ranges::find(lvs, volume.id, &metadata::LogicalVolume::id);
  const auto& former = before == lvs.end() ? volume : *before;
  plan.emplace_back(RenameStep{.lv = full_name,
                               .former_name = find(live, uuid)->info.name,
                               .name = std::move(wanted),
                               .uuid = uuid,
                               .former = publication_of(current.vg(), former),
                               .publication = publication_of(next.vg(), volume)});
  return plan;
}

Plan plan_cleaning(const GroupView& view, const std::vector<DeviceInfo>& all) {
  const auto& vg = view.vg();
  const auto prefix = uuid_prefix(vg);
  const auto length = prefix.size() + kIdLength;
  std::unordered_set<std::string> ours;
  for (const auto& lv : vg.lvs) ours.insert(dm_uuid(vg.id, lv.id));
  Plan plan;
  for (const auto& info : all)
    if (info.uuid.starts_with(prefix) && info.open_count == 0 && !ours.contains(info.uuid.substr(0, length)))
      plan.emplace_back(removal_of_stray(vg, info));
  return plan;
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

std::vector<std::string> drift_of(const Plan& plan) {
  std::vector<std::string> words;
  for (const auto& step : plan)
    if (std::ranges::find(words, drift_word(step)) == words.end()) words.emplace_back(drift_word(step));
  return words;
}

}  // namespace cv::activate
