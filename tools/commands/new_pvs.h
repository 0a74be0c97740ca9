// Devices that a command takes into a group: they become physical volumes first where they are none.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "metadata/store.h"
#include "tools/session.h"

namespace cv::tools::commands {

class NewPvs {
 public:
  /// Finds the devices. Throws Errc::not_found for one that may not be used, Errc::usage for one that is
  /// named twice.
  NewPvs(Session& session, const std::vector<std::string>& named, metadata::NewPv wanted);

  /// Asks what has to be asked before devices are made PVs. Throws Errc::refused for a no; nothing is
  /// written.
  void agree(const metadata::Scan& seen);
  /// Throws where they would not fit to the members of a group with such extents.
  void require_fitting(const metadata::PvDevices& members, Sectors extent_size) const;
  /// What make() would do, for --test.
  void describe() const;
  /// Makes PVs of those that are none, and lists all in the devices file that is in force.
  void make();

  const std::vector<std::string>& paths() const { return paths_; }

 private:
  struct Bare {
    std::string path;
    bool marked = false;  ///< for a group that never came to be
  };

  Session& session_;
  metadata::NewPv wanted_;
  std::vector<std::string> paths_;
  std::vector<Bare> bare_;
  std::vector<std::pair<std::string, PvId>> there_;  ///< are PVs already
};

/// The person agrees that a group loses this PV: `question` goes on "\"PATH\" of volume group \"VG\"?".
/// Nothing is asked for one that is in none. Throws Errc::refused.
void require_consent_to_loss(Session& session, const metadata::FoundPv& pv, std::string_view question);

/// The person agrees to take a PV that is_marked_only(). Throws Errc::refused.
void require_consent_to_marked(Session& session, const std::string& path);

}  // namespace cv::tools::commands
