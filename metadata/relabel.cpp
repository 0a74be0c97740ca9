#include "metadata/relabel.h"

#include "lib/base/error.h"

namespace cv::metadata {

void ignore_area(device::BlockDevice& device, const disk::DiskArea& area, bool ignore) {
  auto header = disk::read_area_header(device, area);
  header.committed.flags = ignore ? disk::kAreaIgnored : 0;
  disk::write_area_header(device, header);
}

void relabel(PvOnDisk& pv, const disk::Label& wanted,
             const std::function<void(const disk::DiskArea&)>& fill) {
  CV_ASSERT(wanted.metadata_areas.size() == pv.areas.size());
  auto& device = *pv.device;
  for (std::size_t i = 0; i < pv.areas.size(); ++i) {
    auto& area = pv.areas[i];
    const auto& place = wanted.metadata_areas[i];
    if (area.place == place) continue;
    disk::format_area(device, place);
    if (area.header && area.header->ignored())
      ignore_area(device, place, true);
    else
      fill(place);
    area = AreaOnDisk{};
    area.place = place;
    area.header = disk::read_area_header(device, place);
  }
  disk::Label label = wanted;
  label.flags = pv.label.flags;  // a change that was finished meanwhile may have set one
  if (label == pv.label) return;
  device.flush();
  disk::write_label(device, label);
  device.flush();
  pv.label = std::move(label);
}

}  // namespace cv::metadata
