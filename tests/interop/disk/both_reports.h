// What stock LVM2 and cvm report of the same devices, held against each other.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/interop/disk/stock_lvm.h"

namespace cv::test {

/// A row of a report: field and value.
using ReportRow = std::map<std::string, std::string>;

/// cvm itself, as the variable CVM names it; with the configuration of the StockLvm that is there.
ProgramResult run_cvm(const std::string& command);
/// Throws with its output where it fails.
void must_cvm(const std::string& command);

/// The rows of `lvm COMMAND` and `cvm COMMAND`. Throws where it fails; stock LVM2 does also for some of what
/// is damaged, and reports the rest nonetheless: `may_complain`.
std::vector<ReportRow> stock_rows(const StockLvm& lvm, const std::string& command, bool may_complain = false);
std::vector<ReportRow> our_rows(const std::string& command);

class BothReports {
 public:
  explicit BothReports(const StockLvm& lvm) : lvm_(lvm) {}

  /// Every field that both know, of groups, PVs and (hidden ones too) segments: a sentence for each that
  /// differs.
  std::vector<std::string> differences();
  /// How many values were compared so far.
  unsigned long compared() const { return compared_; }

 private:
  void compare(const std::string& kind, const std::string& stock_command, const std::string& our_command,
               std::vector<std::string>& found);

  const StockLvm& lvm_;
  std::map<std::string, std::string> shared_;  ///< of each kind: the fields that both have, with commas
  unsigned long compared_ = 0;
};

}  // namespace cv::test
