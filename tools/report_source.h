// What reports are made of: one scan, the groups in it, and what is live.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/error.h"
#include "metadata/scan.h"
#include "tools/report/report.h"
#include "tools/session.h"

namespace cv::tools {

class ReportSource {
 public:
  /// Scans under the shared locks; what the scan found wrong is warned about, and is no failure of a report
  /// on something else.
  explicit ReportSource(Session& session);
  ReportSource(const ReportSource&) = delete;
  ReportSource& operator=(const ReportSource&) = delete;

  const metadata::Scan& scan() const { return scan_; }
  const std::vector<report::GroupFacts>& groups() const { return groups_; }
  /// Null where there is none of that name; finish() says why then.
  const report::GroupFacts* group(std::string_view name);

  struct Depth {
    bool keys = false;   ///< the keyring too
    bool drift = false;  ///< live tables too, to compare them with the metadata
  };
  /// Asks device-mapper about all volumes.
  void look_at_devices(Session& session, const Depth& depth);

  /// Misses the groups that can't be read; those on the devices of these paths, where there are any.
  void miss_unreadable(const std::set<std::string>& paths = {});
  /// What was asked for and is not there: the report goes on without it and ends with this.
  void miss(const Error& error);
  /// The rows that the request lets pass, written; then throws what was missed first.
  void finish(Session& session, const report::Request& request, std::vector<report::Row> rows);
  void finish() const;

 private:
  static void note_devices(report::GroupFacts& facts,
                           const std::unordered_map<std::string, activate::DeviceInfo>& devices);
  static void note_drift(Session& session, report::GroupFacts& facts);
  static void note_keys(Session& session, report::GroupFacts& facts);

  metadata::Scan scan_;
  std::vector<report::GroupFacts> groups_;
  std::optional<Error> missed_;
};

}  // namespace cv::tools
