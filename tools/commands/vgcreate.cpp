// vgcreate: makes a volume group of physical volumes.
#include <algorithm>
#include <bit>

#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/names.h"
#include "tools/commands/list.h"
#include "tools/commands/pv_options.h"
#include "tools/common_options.h"
#include "tools/sizes.h"

namespace cv::tools::commands {

namespace {

using metadata::Allocation;
using metadata::VolumeGroup;

constexpr Option kExtentSize{'s', "physicalextentsize", "SIZE", "size of an extent; 4m if not given"};
constexpr Option kMaxVolumes{'l', "maxlogicalvolumes", "N",
                             "most logical volumes it may have; 0: any number"};
constexpr Option kMaxPvs{'p', "maxphysicalvolumes", "N", "most physical volumes it may have; 0: any number"};

constexpr Sectors kUsualExtent{8192};

/// LVM2's rule: a power of two from 1 KiB on, or a multiple of 128 KiB.
Sectors extent_size(const Arguments& arguments) {
  const auto text = arguments.text(kExtentSize);
  if (!text) return kUsualExtent;
  const Bytes bytes = parse_size(*text);
  const Sectors size = whole_sectors(bytes);
  constexpr std::uint64_t kMultiple = 256;
  const bool fits = bytes.n % kSectorBytes == 0 && size.n >= 2 && size.n <= UINT32_MAX &&
                    (std::has_single_bit(size.n) || size.n % kMultiple == 0);
  if (!fits) {
    throw Error(Errc::bad_size, "an extent can't be {} large", *text)
        .advise("use a power of two from 1k on, or a multiple of 128k");
  }
  return size;
}

Allocation policy(const Arguments& arguments) {
  const auto name = arguments.text(kAlloc).value_or("normal");
  if (name == "contiguous") return Allocation::contiguous;
  if (name == "cling") return Allocation::cling;
  if (name == "anywhere") return Allocation::anywhere;
  return Allocation::normal;
}

void check_tag(const std::string& tag) {
  constexpr std::string_view kLegal =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-/=!:&#";
  if (!tag.empty() && tag.front() != '-' && tag.find_first_not_of(kLegal) == std::string::npos) return;
  throw Error(Errc::bad_name, "'{}' can't be a tag", tag)
      .advise("a tag has letters, digits and _ + . - / = ! : & #, and does not begin with a hyphen");
}

VolumeGroup empty_group(const Arguments& arguments, const metadata::StoreOptions& host) {
  VolumeGroup vg;
  vg.name = arguments.operand(0);
  vg.id = VgId::random();
  for (const char* flag : {"RESIZEABLE", "READ", "WRITE"}) metadata::set_flag(vg.flags, flag);
  vg.extent_size = extent_size(arguments);
  vg.allocation = policy(arguments);
  vg.system_id = host.host_system_id;
  vg.max_lv = static_cast<std::uint32_t>(arguments.number(kMaxVolumes, UINT32_MAX).value_or(0));
  vg.max_pv = static_cast<std::uint32_t>(arguments.number(kMaxPvs, UINT32_MAX).value_or(0));
  for (const auto& tag : arguments.texts(kAddTag)) {
    check_tag(tag);
    if (std::ranges::find(vg.tags, tag) == vg.tags.end()) vg.tags.push_back(tag);
  }
  return vg;
}

/// The group's folder will be there; LVM2 refuses such names too.
void require_no_such_device(const std::string& name) {
  const auto path = fmt::format("/dev/{}", name);
  if (access(path.c_str(), F_OK) != 0) return;
  throw Error(Errc::exists, "{} exists already, the volumes of {} would stand there", path, name)
      .advise("choose another name");
}

/// Devices that are no PVs yet become some, as in LVM2.
std::vector<std::string> without_label(const metadata::Scan& scan, const std::vector<std::string>& paths) {
  std::vector<std::string> bare;
  std::ranges::copy_if(paths, std::back_inserter(bare),
                       [&](const auto& path) { return metadata::find_pv(scan, path) == nullptr; });
  return bare;
}

void run(Session& session, const Arguments& arguments) {
  const std::string& name = arguments.operand(0);
  metadata::require_new_vg_name(name);
  metadata::NewPv new_pv;
  new_pv.layout = pv_layout(arguments);
  new_pv.wipe = true;
  auto vg = empty_group(arguments, session.store().options());

  std::vector<std::string> paths;
  for (std::size_t i = 1; i < arguments.operands().size(); ++i) {
    auto path = new_pv_path(session, arguments.operand(i));
    if (std::ranges::find(paths, path) != paths.end()) {
      throw Error(Errc::usage, "{} is named twice", path).advise("name each physical volume once");
    }
    paths.push_back(std::move(path));
  }
  const auto seen = session.store().scan();
  if (std::ranges::find(seen.groups, name, [](const auto& g) { return g.vg.name; }) != seen.groups.end()) {
    throw Error(Errc::exists, "there is a volume group {} already", name).advise("choose another name");
  }
  require_no_such_device(name);
  const auto bare = without_label(seen, paths);
  confirm_wiping(session, bare);
  if (session.is_test()) {
    for (const auto& path : bare) log::notice("would make a physical volume of {}", path);
    log::notice("would make volume group {} of {} physical volumes", name, paths.size());
    return;
  }
  for (const auto& path : bare) {
    new_pv.id = PvId::random();
    session.store().create_pv(path, new_pv);
    log::notice("Physical volume \"{}\" successfully created.", path);
  }

  auto change = session.store().begin_new(name);
  for (const auto& path : paths) vg.pvs.push_back(change.new_member(path, vg.extent_size));
  change.prepare(std::move(vg), fmt::format("created VG {}", name));
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
          "asks first.\n\nThe group belongs to this host where global/system_id_source of lvm.conf says so.",
      .options = {{"Options of this command", {kExtentSize, kMaxVolumes, kMaxPvs, kAlloc, kAddTag}},
                  pv_layout_options()},
      .min_operands = 2,
      .max_operands = kAnyNumber,
      .operands = "a VG and at least one PV",
      .examples = {{"A group of two disks:", "cvm vgcreate vg0 /dev/sdb /dev/sdc"}},
      .see_also = {"pvcreate", "vgremove", "vgs", "cvcreate"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
