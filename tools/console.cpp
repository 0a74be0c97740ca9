#include "tools/console.h"

#include "lib/base/log.h"

namespace cv::tools {

bool confirmed(Console& console, const std::string& question, Assume assume) {
  if (assume == Assume::yes) return true;
  constexpr int kPatience = 5;
  for (int i = 0; i < kPatience; ++i) {
    const auto answer = console.ask(question + " [y/n]: ");
    if (!answer) {
      log::notice("{} no answer counts as no; --yes answers with yes", question);
      return false;
    }
    if (*answer == "y" || *answer == "Y" || *answer == "yes") return true;
    if (*answer == "n" || *answer == "N" || *answer == "no") return false;
  }
  return false;
}

}  // namespace cv::tools
