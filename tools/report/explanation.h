// A volume explained in sentences: what it is, where it lies, what opens it, what is wrong with it.
#pragma once

#include <string>
#include <vector>

#include "metadata/damage.h"
#include "tools/report/row.h"

namespace cv::tools::report {

/// One sentence or more in each line. `findings`: all that is wrong with its group; those that speak of the
/// volume, or of what it stands on, are told.
std::vector<std::string> explain_volume(const metadata::LogicalVolume& lv, const GroupFacts& group,
                                        const std::vector<metadata::Damage>& findings);

}  // namespace cv::tools::report
