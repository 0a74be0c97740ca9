// Volumes as commands that take many are given them: VG, VG/LV, @TAG.
#pragma once

#include <string>
#include <vector>

#include "metadata/scan.h"

namespace cv::tools {

struct ChosenVolumes {
  std::string vg;
  std::vector<std::string> lvs;  ///< each once, in the order of the words
};

/// A group, also one with the tag, stands for all that a person sees in it, each volume behind those that lie
/// on it; a tag for the volumes that have it. Throws Errc::not_found for a name or a tag that nothing has.
std::vector<ChosenVolumes> chosen_volumes(const metadata::Scan& scan, const std::vector<std::string>& words);

}  // namespace cv::tools
