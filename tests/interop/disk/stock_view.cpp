#include "tests/interop/disk/stock_view.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "lib/device/block_device.h"
#include "tests/interop/disk/both_reports.h"

namespace cv::test {

using namespace metadata;

namespace {

/// Where labels and metadata areas of PVs lie: at both ends.
constexpr std::size_t kEnd = 1 << 20;

/// As stock names it where a PV says that it is in use and nobody knows by whom.
std::string group_of(const FoundPv& pv) {
  if (pv.state == PvState::used) return "[unknown]";
  return pv.state == PvState::member ? pv.group : "";
}

}  // namespace

void put_on(const StockLvm& lvm, const CrashImages::Disks& disks) {
  for (std::size_t i = 0; i < lvm.devices().size(); ++i) {
    const auto device = device::open_device(lvm.device(i), device::Access::read_write);
    const std::size_t size = device->size().n;
    std::vector<std::byte> content(size);
    if (i < disks.size()) content = disks[i]->content();
    const std::span<const std::byte> all(content);
    device->write(Bytes(0), all.first(kEnd));
    device->write(Bytes(size - kEnd), all.last(kEnd));
    device->flush();
  }
}

std::vector<std::string> as_stock_says(const StockLvm& lvm) {
  std::vector<std::string> lines;
  for (const auto& row : stock_rows(lvm, "vgs --nohints -o vg_name,vg_uuid,vg_seqno,pv_count", true))
    lines.push_back(fmt::format("group {} {} {} of {}", row.at("vg_name"), row.at("vg_uuid"),
                                row.at("vg_seqno"), row.at("pv_count")));
  for (const auto& row :
       stock_rows(lvm, "lvs --nohints -a -o vg_name,lv_name,lv_uuid,seg_start_pe,seg_size_pe", true))
    lines.push_back(fmt::format("segment {} {} {} {} {}", row.at("vg_name"), row.at("lv_name"),
                                row.at("lv_uuid"), row.at("seg_start_pe"), row.at("seg_size_pe")));
  for (const auto& row : stock_rows(lvm, "pvs --nohints -o pv_name,pv_uuid,vg_name", true))
    lines.push_back(fmt::format("pv {} {} {}", row.at("pv_name"), row.at("pv_uuid"), row.at("vg_name")));
  std::ranges::sort(lines);
  return lines;
}

std::vector<std::string> as_we_say(const StockLvm& lvm) {
  auto store = lvm.store();
  const Scan scan = store.scan();
  std::vector<std::string> lines;
  for (const FoundGroup& group : scan.groups) {
    const VolumeGroup& vg = group.vg;
    lines.push_back(fmt::format("group {} {} {} of {}", vg.name, vg.id.text(), vg.seqno, vg.pvs.size()));
    if (has_flag(vg.flags, "EXPORTED")) continue;  // stock does not list what they hold
    for (const LogicalVolume& lv : vg.lvs)
      for (const Segment& segment : lv.segments)
        lines.push_back(
            fmt::format("segment {} {} {} {} {}", vg.name,
                        is_visible(lv) ? fmt::format("{}", lv.name) : fmt::format("[{}]", lv.name),
                        lv.id.text(), segment.start.n, segment.count.n));
  }
  // One that is marked as missing may be there all the same.
  std::set<PvId> seen;
  for (const FoundPv& pv : scan.pvs) seen.insert(pv.disk.label.id);
  for (const FoundGroup& group : scan.groups)
    for (const PhysicalVolume& pv : group.vg.pvs)
      if (!seen.contains(pv.id))
        lines.push_back(fmt::format("pv [unknown] {} {}", pv.id.text(), group.vg.name));
  // Stock does not list what a group has left behind.
  for (const FoundPv& pv : scan.pvs)
    if (pv.state != PvState::outdated)
      lines.push_back(
          fmt::format("pv {} {} {}", pv.disk.device->path(), pv.disk.label.id.text(), group_of(pv)));
  std::ranges::sort(lines);
  return lines;
}

}  // namespace cv::test
