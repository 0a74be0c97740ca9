#include "tools/commands/listed_pvs.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/device/device_id.h"
#include "tools/device_choice.h"

namespace cv::tools::commands {

PvListing::PvListing(Session& session)
    : file_(devices_file_in_force(session.arguments(), session.configuration())),
      locks_(session.store().options().locks) {}

PvListing::~PvListing() {
  if (!file_ || (change_.pvs.empty() && change_.gone_pv_ids.empty())) return;
  try {
    device::change_devices_file(*file_, locks_, change_);
  } catch (const Error& error) {
    log::warning("{} does not list the physical volumes as they are now: {}", *file_, error.what());
    for (const auto& pv : change_.pvs) log::warning("'lvmdevices --adddev {}' lets LVM2 see it", pv.path);
  }
}

void PvListing::add(const std::string& path, const PvId& id) {
  if (file_) change_.pvs.push_back({.id = device::device_id_of(path), .path = path, .pv_id = id.plain()});
}

void PvListing::remove(const PvId& id) {
  if (file_) change_.gone_pv_ids.push_back(id.plain());
}

}  // namespace cv::tools::commands
