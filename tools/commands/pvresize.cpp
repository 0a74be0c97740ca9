// pvresize: a physical volume follows the size of its device.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_pvs.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/sizes.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kTo{0, "setphysicalvolumesize", "SIZE", "this size instead of the device's"};

/// Whole sectors of what is asked for, or of the device. Asks where both differ.
Bytes wanted_size(Session& session, const Arguments& arguments, const device::BlockDevice& device) {
  const Bytes real = to_bytes(whole_sectors(device.size()));
  const auto text = arguments.text(kTo);
  if (!text) return real;
  const Bytes wanted = to_bytes(whole_sectors(parse_size(*text)));
  if (wanted == real || session.is_test()) return wanted;
  session.require_confirmed(fmt::format("{}: Requested size {} {} real size {}. Proceed?", device.path(),
                                        format_size(wanted), wanted > real ? "exceeds" : "is less than",
                                        format_size(real)));
  return wanted;
}

void resize_member(Session& session, const std::string& group, const FoundPv& pv, Bytes size) {
  const auto& path = pv.disk.device->path();
  const PvId id = pv.disk.label.id;
  Transaction change = begin_change(session, group);
  if (find_pv(change.current(), id) == nullptr)
    throw Error(Errc::refused, "{} left {} meanwhile", path, group).advise("run the command again");
  const disk::Label label = resized(pv.disk.label, path, size);
  const VolumeGroup base = base_of(session, Purpose::change, change.current(), change.devices(), false);
  VolumeGroup next = resize_pv(base, id, whole_sectors(size), data_end(label, size));
  if (session.is_test())
    return log::notice("would resize {} to {} extents", path, find_pv(next, id)->pe_count.n);
  // What volumes may use must not be metadata before, or any more.
  if (size > pv.disk.label.device_size) change.relabel(id, label);
  if (next != base) {
    change.prepare(std::move(next), fmt::format("resized PV {}", path));
    change.commit();
  }
  change.relabel(id, label);
}

void run(Session& session, const Arguments& arguments) {
  std::size_t resized = 0;
  for (const auto& word : arguments.operands()) {
    const auto path = session.device_path(word);
    const Scan seen = session.store().scan();
    const FoundPv* pv = find_pv(seen, path);
    if (pv == nullptr)
      throw Error(Errc::not_found, "{} is no physical volume", word).advise("'cvm pvs' lists them");
    const Bytes size = wanted_size(session, arguments, *pv->disk.device);
    if (pv->state == PvState::member) {
      resize_member(session, pv->group, *pv, size);
    } else if (session.is_test()) {
      log::notice("would resize {} to {}", path, format_size(size));
    } else {
      session.store().resize_orphan(path, size);
    }
    if (session.is_test()) continue;
    log::notice("Physical volume \"{}\" changed", path);
    ++resized;
  }
  if (!session.is_test())
    log::notice("{} physical volume(s) resized or updated / 0 physical volume(s) not resized", resized);
}

}  // namespace

Command pvresize() {
  return {
      .name = "pvresize",
      .summary = "let physical volumes follow the size of their devices",
      .synopsis = {"[OPTION]... PV..."},
      .description =
          "After a device has grown, gives its new room to the volume group. Before a device is made "
          "smaller, "
          "--setphysicalvolumesize gives up its end, as long as no volume lies there. A second "
          "metadata area at the end moves with the end.",
      .options = {{"Options of this command", {kTo}}},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "at least one PV",
      .examples = {{"The disk was enlarged:", "cvm pvresize /dev/sdb"},
                   {"Before the partition is cut to 40 GiB:",
                    "cvm pvresize --setphysicalvolumesize 40g /dev/sdb1"}},
      .see_also = {"pvs", "pvchange", "vgextend"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
