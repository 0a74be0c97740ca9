#include "metadata/edit_properties.h"

#include <algorithm>
#include <unordered_set>

#include "lib/base/error.h"
#include "metadata/edit.h"
#include "metadata/references.h"
#include "metadata/tags.h"

namespace cv::metadata {

namespace {

void require_own_permission(const VolumeGroup& vg, const LogicalVolume& lv) {
  const auto is_opaque = [](const Segment& s) { return std::holds_alternative<Opaque>(s.kind); };
  if (std::ranges::any_of(lv.segments, is_opaque))
    throw Error(Errc::refused, "{}/{} is of type {}, whose permission cvm does not change", vg.name, lv.name,
                type_of(lv))
        .advise("use lvchange");
  for (const LogicalVolume& other : vg.lvs)
    if (&other != &lv && names_volume(other, lv.name))
      throw Error(Errc::refused, "{}/{} is part of {}/{}, which relies on its permission", vg.name, lv.name,
                  vg.name, other.name)
          .advise("use lvchange");
}

/// A value that could not be read, of which there is another now.
void forget_carried(LogicalVolume& lv, std::string_view key) {
  config::Carried kept;
  for (const auto& node : lv.carried)
    if (node.key != key) kept.push_back(node);
  if (kept.size() != lv.carried.size()) lv.carried = std::move(kept);
}

void require_own_device(const VolumeGroup& vg, const LogicalVolume& lv) {
  const auto is_opaque = [](const Segment& s) { return std::holds_alternative<Opaque>(s.kind); };
  if (std::ranges::any_of(lv.segments, is_opaque))
    throw Error(Errc::refused, "{}/{} is of type {}, whose device cvm does not manage", vg.name, lv.name,
                type_of(lv))
        .advise("use lvchange");
}

void set(Flags& flags, std::string_view name, bool on) {
  if (on)
    set_flag(flags, name);
  else
    clear_flag(flags, name);
}

}  // namespace

VolumeGroup set_device_properties(VolumeGroup vg, const std::vector<std::string>& names,
                                  const DeviceProperties& wanted) {
  if (!wanted.read_ahead && !wanted.minor) return vg;
  const std::unordered_set<std::string_view> chosen(names.begin(), names.end());
  const auto minor = wanted.minor ? wanted.minor->value : std::nullopt;
  if (minor && chosen.size() > 1)
    throw Error(Errc::exists, "{} volumes can't all have the minor number {}", chosen.size(), *minor)
        .advise("name one volume");
  for (LogicalVolume& lv : vg.lvs) {
    if (!chosen.contains(lv.name)) {
      if (minor && lv.minor == minor && has_flag(lv.flags, "FIXED_MINOR"))
        throw Error(Errc::exists, "{}/{} has the minor number {} already", vg.name, lv.name, *minor)
            .advise("choose another one");
      continue;
    }
    if (wanted.read_ahead) {
      lv.read_ahead = wanted.read_ahead->value;
      forget_carried(lv, "read_ahead");
    }
    if (!wanted.minor) continue;
    set(lv.flags, "FIXED_MINOR", minor.has_value());
    lv.minor = minor;
    // As LVM2 writes it where the kernel chooses the major number.
    lv.major = minor ? std::optional<std::uint32_t>(0) : std::nullopt;
    forget_carried(lv, "minor");
    forget_carried(lv, "major");
  }
  return vg;
}

VolumeGroup change_properties(VolumeGroup vg, const std::string& name, const NewProperties& wanted) {
  require_no_conversion(vg);
  const LogicalVolume& now = lv_at(vg, name);
  if (!is_shown(vg, now))
    throw Error(Errc::refused, "{}/{} is {}", vg.name, name,
                keystore_of(now) != nullptr ? "a keystore" : "a hidden part of another volume")
        .advise("name a volume that `cvs {}` shows", vg.name);
  if (has_flag(now.flags, "LOCKED"))
    throw Error(Errc::refused, "{}/{} is locked", vg.name, name)
        .advise("let the program that locked it finish");
  if (wanted.writable) require_own_permission(vg, now);
  if (wanted.device.read_ahead || wanted.device.minor) require_own_device(vg, now);
  if (wanted.activation_skip == false && crypt_of(now) != nullptr)
    throw Error(Errc::refused, "{}/{} is encrypted: stock LVM2 has to pass it by", vg.name, name)
        .advise("cvchange -ay opens it all the same");

  const bool is_of_encryption = wanted.discards || wanted.inline_workqueues;
  if (is_of_encryption && crypt_of(now) == nullptr)
    throw Error(Errc::refused, "{}/{} is not encrypted: discards and queues are up to its disks", vg.name,
                name)
        .advise("name encrypted volumes only");

  vg = set_device_properties(std::move(vg), {name}, wanted.device);
  LogicalVolume& lv = *find_lv(vg, name);
  change_tags(lv.tags, wanted.add_tags, wanted.delete_tags);
  if (wanted.writable) set(lv.flags, "WRITE", *wanted.writable);
  if (wanted.allocation) lv.allocation = *wanted.allocation;
  if (wanted.activation_skip) set(lv.flags, "ACTIVATION_SKIP", *wanted.activation_skip);
  if (wanted.autoactivation) set(lv.flags, "NOAUTOACTIVATE", !*wanted.autoactivation);
  for (Segment& segment : lv.segments) {
    auto* crypt = std::get_if<Crypt>(&segment.kind);
    if (crypt == nullptr) continue;
    crypt->discards = wanted.discards.value_or(crypt->discards);
    crypt->inline_workqueues = wanted.inline_workqueues.value_or(crypt->inline_workqueues);
  }
  return vg;
}

}  // namespace cv::metadata
