// The volume that a person named, in its group as a look without locks finds it.
#pragma once

#include <string>

#include "metadata/scan.h"
#include "tools/session.h"
#include "tools/volume_name.h"

namespace cv::tools {

/// For commands that judge and ask first and take the lock afterwards.
class SeenVolume {
 public:
  /// `word` is VG/LV. Throws Errc::not_found for an unknown group, what stands in the way of changing it, and
  /// Errc::not_found for an unknown volume.
  SeenVolume(Session& session, std::string_view word)
      : name_(parse_full_volume_name(word)),
        scan_(session.store().scan()),
        group_(&metadata::group_at(scan_, name_.vg)) {
    metadata::require_changeable(*group_);
    static_cast<void>(metadata::lv_at(group_->vg, name_.lv));
  }
  SeenVolume(const SeenVolume&) = delete;
  SeenVolume& operator=(const SeenVolume&) = delete;

  const std::string& vg_name() const { return name_.vg; }
  const std::string& name() const { return name_.lv; }
  const metadata::Scan& scan() const { return scan_; }
  const metadata::VolumeGroup& vg() const { return group_->vg; }
  const metadata::PvDevices& devices() const { return group_->devices; }

 private:
  FullVolumeName name_;
  metadata::Scan scan_;
  const metadata::FoundGroup* group_;
};

}  // namespace cv::tools
