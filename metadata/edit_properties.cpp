#include "metadata/edit_properties.h"

#include <algorithm>

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

void set(Flags& flags, std::string_view name, bool on) {
  if (on)
    set_flag(flags, name);
  else
    clear_flag(flags, name);
}

}  // namespace

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
  if (wanted.activation_skip == false && crypt_of(now) != nullptr)
    throw Error(Errc::refused, "{}/{} is encrypted: stock LVM2 has to pass it by", vg.name, name)
        .advise("cvchange -ay opens it all the same");

  LogicalVolume& lv = *find_lv(vg, name);
  change_tags(lv.tags, wanted.add_tags, wanted.delete_tags);
  if (wanted.writable) set(lv.flags, "WRITE", *wanted.writable);
  if (wanted.allocation) lv.allocation = *wanted.allocation;
  if (wanted.activation_skip) set(lv.flags, "ACTIVATION_SKIP", *wanted.activation_skip);
  if (wanted.autoactivation) set(lv.flags, "NOAUTOACTIVATE", !*wanted.autoactivation);
  return vg;
}

}  // namespace cv::metadata
