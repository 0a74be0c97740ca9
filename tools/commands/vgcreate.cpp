// vgcreate: makes a volume group of physical volumes.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_pvs.h"
#include "metadata/names.h"
#include "metadata/tags.h"
#include "tools/commands/group_options.h"
#include "tools/commands/list.h"
#include "tools/commands/new_pvs.h"
#include "tools/commands/pv_options.h"
#include "tools/common_options.h"

namespace cv::tools::commands {

namespace {

using metadata::Allocation;
using metadata::VolumeGroup;

constexpr Option kMaxVolumes{'l', "maxlogicalvolumes", "N",
                             "most logical volumes it may have; 0: any number"};

constexpr Sectors kUsualExtent{8192};

VolumeGroup empty_group(const Arguments& arguments, const metadata::StoreOptions& host) {
  VolumeGroup vg;
  vg.name = arguments.operand(0);
  vg.id = VgId::random();
  for (const char* flag : {"RESIZEABLE", "READ", "WRITE"}) metadata::set_flag(vg.flags, flag);
  if (arguments.yes_or_no(kAutoActivation) == false) metadata::set_flag(vg.flags, "NOAUTOACTIVATE");
  vg.extent_size = extent_size(arguments).value_or(kUsualExtent);
  vg.allocation = policy(arguments).value_or(Allocation::normal);
  vg.system_id = arguments.text(kSystemId).value_or(host.host_system_id);
  vg.max_lv = limit(arguments, kMaxVolumes).value_or(0);
  vg.max_pv = limit(arguments, kMaxPvs).value_or(0);
  const auto copies = metadata_copies(arguments, kVgCopies);
  vg.metadata_copies = copies ? *copies : metadata_copies(arguments, kMetadataCopies).value_or(0);
  metadata::change_tags(vg.tags, tags(arguments, kAddTag), {});
  return vg;
}

void run(Session& session, const Arguments& arguments) {
  const std::string& name = arguments.operand(0);
  metadata::require_new_vg_name(name);
  arguments.exclude(kVgCopies, kMetadataCopies);
  const auto wanted = new_pv(arguments);
  auto vg = empty_group(arguments, session.store().options());

  const auto& words = arguments.operands();
  NewPvs pvs(session, {words.begin() + 1, words.end()}, wanted);
  const auto seen = session.store().scan();
  if (std::ranges::find(seen.groups, name, [](const auto& g) { return g.vg.name; }) != seen.groups.end()) {
    throw Error(Errc::exists, "there is a volume group {} already", name).advise("choose another name");
  }
  require_no_such_device(session, name);
  pvs.require_fitting({}, vg.extent_size);
  pvs.agree(seen);
  if (session.is_test()) {
    pvs.describe();
    log::notice("would make volume group {} of {} physical volumes", name, pvs.paths().size());
    return;
  }
  pvs.make();

  auto change = session.store().begin_new(name);
  std::vector<metadata::PhysicalVolume> members;
  for (const auto& path : pvs.paths()) members.push_back(change.new_member(path, vg.extent_size));
  change.prepare(metadata::add_pvs(std::move(vg), members), fmt::format("created VG {}", name));
  change.commit();
  log::notice("Volume group \"{}\" successfully created", name);
}

}  // namespace

Command vgcreate() {
  return {
      .name = "vgcreate",
      .summary = "make a volume group of physical volumes",
      .synopsis = {"[OPTION]... VG PV..."},
      .description =
          "Makes a new volume group, as LVM2's vgcreate does with the same defaults. Devices that are no "
          "physical "
          "volumes yet become some first; what they held is lost, and where that was a file system or the "
          "like it "
          "asks first. A device that was marked for a group which never came to be, because the machine "
          "stopped "
          "in between, is taken after a question, too.\n\nThe group belongs to this host where "
          "global/system_id_source of lvm.conf says so.",
      .options = {{"Options of this command",
                   {kExtentSize, kMaxVolumes, kMaxPvs, kAlloc, kAddTag, kVgCopies,
                    meaning(kMetadataCopies, "the same"), kAutoActivation, kSystemId}},
                  pv_layout_options()},
      .min_operands = 2,
      .max_operands = kAnyNumber,
      .operands = "a VG and at least one PV",
      .examples = {{"A group of two disks:", "cvm vgcreate vg0 /dev/sdb /dev/sdc"}},
      .see_also = {"pvcreate", "vgextend", "vgchange", "vgremove", "vgs", "cvcreate"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
