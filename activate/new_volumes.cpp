#include "activate/new_volumes.h"

#include <optional>

#include "activate/device_name.h"
#include "activate/device_tree.h"
#include "lib/base/blocked_signals.h"
#include "lib/base/error.h"
#include "metadata/usage.h"
#include "metadata/volume_finder.h"

namespace cv::activate {

namespace {

using metadata::LogicalVolume;
using metadata::VolumeGroup;

class Wiping {
 public:
  explicit Wiping(Mapper& mapper) : mapper_(mapper) {}

  void run(const VolumeGroup& vg, const LogicalVolume& lv) {
    if (!stores_of(lv).empty() && metadata::has_flag(lv.flags, "WRITE")) {
      const auto uuid = dm_uuid(vg.id, lv.id);
      const auto info = mapper_.find_uuid(uuid);
      if (!info || !info->has_live_table) return;
      attempt([&] { mapper_.run(WipeDevice{uuid, kWipedOfNew}); });
      attempt([&] { show(uuid, publication_of(vg, lv)); });
    }
  }

  void finish() {
    mapper_.settle();
    if (failure_) throw *failure_;
  }

 private:
  template <class Work>
  void attempt(Work&& work) {
    try {
      work();
    } catch (const Error& error) {
      if (!failure_) failure_ = error;
    }
  }

  /// The kernel tells udev of a device that is resumed, and of no other.
  void show(const std::string& uuid, const Publication& publication) {
    const BlockedSignals until_resumed;
    mapper_.run(SuspendDevice{uuid});
    mapper_.run(ResumeDevice{uuid, publication, std::nullopt});
  }

  Mapper& mapper_;
  std::optional<Error> failure_;
};

}  // namespace

void wipe_new_volumes(Mapper& mapper, const VolumeGroup& vg, const std::vector<std::string>& lvs) {
  Wiping wiping(mapper);
  metadata::VolumeFinder volumes(vg);
  for (const auto& name : lvs)
    if (const auto* lv = volumes.find_lv(name)) wiping.run(vg, *lv);
  wiping.finish();
}

}  // namespace cv::activate
