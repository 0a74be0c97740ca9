#include "tests/support/fake_mapper.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/match.h"

namespace cv::test {

using namespace cv::activate;

namespace {

constexpr std::uint32_t kDmMajor = 253;

unsigned times_named(const Table& table, DeviceNumber number) {
  const auto is_it = [&](const Device& device) -> unsigned { return device == Device(number) ? 1 : 0; };
  unsigned count = 0;
  for (const auto& line : table) {
    count += match(
        line.target, [&](const LinearTarget& linear) { return is_it(linear.device); },
        [&](const StripedTarget& striped) {
          unsigned sum = 0;
          for (const auto& stripe : striped.stripes) sum += is_it(stripe.device);
          return sum;
        },
        [&](const CryptTarget& crypt) { return is_it(crypt.device); }, [](const ErrorTarget&) { return 0U; },
        [](const ZeroTarget&) { return 0U; });
  }
  return count;
}

}  // namespace

std::optional<DeviceInfo> FakeMapper::find_uuid(const std::string& uuid) {
  const auto found = devices_.find(uuid);
  if (found == devices_.end()) return std::nullopt;
  return info_of(uuid, found->second);
}

std::optional<DeviceInfo> FakeMapper::find_name(const std::string& name) {
  for (const auto& [uuid, device] : devices_)
    if (device.name == name) return info_of(uuid, device);
  return std::nullopt;
}

std::vector<DeviceInfo> FakeMapper::list() {
  std::vector<DeviceInfo> infos;
  for (const auto& [uuid, device] : devices_)
    if (uuid.starts_with("LVM-")) infos.push_back(info_of(uuid, device));
  return infos;
}

std::optional<Table> FakeMapper::live_table(const std::string& uuid) {
  return at(uuid).live;
}

bool FakeMapper::is_shown(const std::string& name, std::optional<DeviceNumber> number, const Publication&) {
  if (!number) return !left_over_.contains(name);
  return std::ranges::any_of(devices_, [&](const auto& entry) {
    return entry.second.number == *number && entry.second.name == name && entry.second.is_shown;
  });
}

std::optional<std::uint32_t> FakeMapper::read_ahead(DeviceNumber number) {
  for (const auto& [uuid, device] : devices_)
    if (device.number == number) return device.read_ahead;
  return std::nullopt;
}

void FakeMapper::run(const Operation& operation) {
  if (is_dead_) return;
  ++runs_;
  perform(operation);
  if (dies_in_ > 0 && --dies_in_ == 0) {
    is_dead_ = true;
    throw Killed{};
  }
}

void FakeMapper::perform(const Operation& operation) {
  if (fails_in_ > 0 && --fails_in_ == 0) {
    if (fails_for_good_) fails_in_ = 1;
    throw Error(Errc::kernel, "the fake was told to fail here");
  }
  match(
      operation,
      [&](const CreateDevice& create) {
        if (devices_.contains(create.uuid) || find_name(create.name))
          throw Error(Errc::exists, "{} exists", create.name);
        const DeviceNumber number{kDmMajor, create.minor.value_or(next_minor_)};
        if (std::ranges::any_of(devices_, [&](const auto& entry) { return entry.second.number == number; }))
          throw Error(Errc::exists, "the minor number {} is taken", number.minor);
        if (!create.minor) ++next_minor_;
        devices_[create.uuid] = {.name = create.name, .number = number};
        history_.push_back("create " + create.name);
      },
      [&](const LoadTable& load) {
        auto& device = at(load.uuid);
        for (const auto& line : load.table) check_target(line);
        device.inactive = load.table;
        device.inactive_read_only = load.read_only;
        history_.push_back("load " + device.name);
      },
      [&](const ClearInactive& clear) {
        auto& device = at(clear.uuid);
        device.inactive.reset();
        history_.push_back("clear " + device.name);
      },
      [&](const SuspendDevice& suspend) {
        auto& device = at(suspend.uuid);
        device.suspended = true;
        history_.push_back("suspend " + device.name);
      },
      [&](const ResumeDevice& resume) {
        auto& device = at(resume.uuid);
        bring_in_table(resume.uuid, device);
        device.suspended = false;
        device.publication = resume.publication;
        if (resume.read_ahead) device.read_ahead = *resume.read_ahead;
        history_.push_back("resume " + device.name + (resume.publication.unscanned ? " unscanned" : ""));
      },
      [&](const WipeDevice& wipe) {
        auto& device = at(wipe.uuid);
        if (!device.live || device.suspended || device.live_read_only)
          throw Error(Errc::io, "{} can't be written to", device.name);
        history_.push_back("wipe " + device.name);
      },
      [&](const RemoveDevice& remove) {
        auto& device = at(remove.uuid);
        if (device.opens + references(device.number) > 0)
          throw Error(Errc::in_use, "{} is in use", device.name);
        history_.push_back("remove " + device.name);
        if (device.is_shown) left_over_.insert(device.name);
        devices_.erase(remove.uuid);
      },
      [&](const RenameDevice& rename) {
        auto& device = at(rename.uuid);
        if (find_name(rename.name)) throw Error(Errc::exists, "{} exists", rename.name);
        history_.push_back("rename " + device.name + " " + rename.name);
        device.name = rename.name;
        device.publication = rename.publication;
        device.is_shown = false;
      },
      [&](const HideDevice& hide) {
        left_over_.erase(hide.name);
        history_.push_back("hide " + hide.name);
      });
}

void FakeMapper::bring_in_table(const std::string& uuid, FakeDevice& device) {
  if (device.inactive) {
    device.suspended = true;
    auto table = std::exchange(device.inactive, std::nullopt);
    if (refusal_ == Refusal::at_swap && is_bad_ && is_bad_(uuid, *table))
      throw Error(Errc::kernel, "{} does not take the table", device.name);
    device.live = std::move(table);
    device.live_read_only = device.inactive_read_only;
  }
  if (refusal_ == Refusal::in_place && device.suspended && is_bad_ && device.live &&
      is_bad_(uuid, *device.live))
    throw Error(Errc::kernel, "{} can't go on with its table", device.name);
}

void FakeMapper::settle() {
  if (is_dead_) return;
  links_.clear();
  left_over_.clear();
  for (auto& [uuid, device] : devices_) device.is_shown = device.live.has_value();
  for (const auto& [uuid, device] : devices_)
    if (device.live && !device.publication.link.empty()) links_.push_back(device.publication.link);
  std::ranges::sort(links_);
}

std::optional<TargetVersion> FakeMapper::target_version(const std::string& type) {
  if (type == "crypt") return TargetVersion{1, 24, 0};
  if (type == "linear" || type == "striped" || type == "error" || type == "zero")
    return TargetVersion{1, 4, 0};
  return std::nullopt;
}

bool FakeMapper::any_suspended() const {
  return std::ranges::any_of(devices_, [](const auto& entry) { return entry.second.suspended; });
}

bool FakeMapper::any_inactive_table() const {
  return std::ranges::any_of(devices_, [](const auto& entry) { return entry.second.inactive.has_value(); });
}

std::string FakeMapper::state() const {
  std::map<DeviceNumber, std::string> names;
  for (const auto& [uuid, device] : devices_) names.emplace(device.number, device.name);
  const auto text_of = [&](const std::optional<Table>& table) -> std::string {
    if (!table) return "  none\n";
    std::string text;
    for (const auto& line : *table) text += "  " + masked_text(line) + "\n";
    for (const auto& [number, name] : names)
      for (auto at = text.find(to_text(number) + " "); at != std::string::npos;
           at = text.find(to_text(number) + " "))
        text.replace(at, to_text(number).size(), name);
    return text;
  };
  std::string text;
  for (const auto& [uuid, device] : devices_) {
    text += fmt::format("{} {} read-ahead {}{}{}{}{}\n", uuid, device.name, device.read_ahead,
                        device.live_read_only ? ", read-only" : "", device.suspended ? ", suspended" : "",
                        device.is_shown ? "" : ", not shown", device.opens > 0 ? ", open" : "");
    text += text_of(device.live);
    if (device.inactive) text += " waiting:\n" + text_of(device.inactive);
  }
  for (const auto& name : left_over_) text += "left over: " + name + "\n";
  return text;
}

DeviceInfo FakeMapper::info_of(const std::string& uuid, const FakeDevice& device) const {
  return {.name = device.name,
          .uuid = uuid,
          .number = device.number,
          .open_count = device.opens + references(device.number),
          .suspended = device.suspended,
          .has_live_table = device.live.has_value(),
          .has_inactive_table = device.inactive.has_value(),
          .read_only = device.live_read_only};
}

FakeMapper::FakeDevice& FakeMapper::at(const std::string& uuid) {
  const auto found = devices_.find(uuid);
  if (found == devices_.end()) throw Error(Errc::not_found, "there is no device {}", uuid);
  return found->second;
}

/// A table holds each device it names open, once however often it names it.
unsigned FakeMapper::references(DeviceNumber number) const {
  unsigned count = 0;
  for (const auto& [uuid, device] : devices_) {
    if (device.live && times_named(*device.live, number) > 0) ++count;
    if (device.inactive && times_named(*device.inactive, number) > 0) ++count;
  }
  return count;
}

void FakeMapper::check_target(const TableLine& line) {
  match(
      line.target,
      [&](const LinearTarget& linear) { check_area(linear.device, linear.offset + line.length); },
      [&](const StripedTarget& striped) {
        const Sectors each(line.length.n / striped.stripes.size());
        for (const auto& stripe : striped.stripes) check_area(stripe.device, stripe.offset + each);
      },
      [&](const CryptTarget& crypt) {
        check_area(crypt.device, crypt.offset + line.length);
        const auto* key = std::get_if<KeyringKey>(&crypt.key);
        if (key != nullptr && keyring_ != nullptr && !keyring_->find(key->description))
          throw Error(Errc::kernel, "the keyring has no {}", key->description);
        if (crypt.iv_offset.n % (crypt.sector_bytes / kSectorBytes) != 0)
          throw Error(Errc::kernel, "iv_offset {} is odd", crypt.iv_offset.n);
      },
      [](const ErrorTarget&) {}, [](const ZeroTarget&) {});
}

void FakeMapper::check_area(const Device& device, Sectors end) {
  const auto* number = std::get_if<DeviceNumber>(&device);
  if (number == nullptr) throw Error(Errc::kernel, "a device has no number");
  if (number->major != kDmMajor) return;
  for (const auto& [uuid, below] : devices_)
    if (below.number == *number && below.live && end <= length_of(*below.live)) return;
  throw Error(Errc::kernel, "{} is too small", to_text(*number));
}

}  // namespace cv::test
