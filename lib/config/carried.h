// What a struct that was read from LVM text keeps without understanding it.
#pragma once

#include <string>

#include "lib/base/rare_list.h"
#include "lib/config/tree.h"

namespace cv::config {

struct CarriedNode {
  std::string after;  ///< the known key before it; empty at the start of the section
  std::string key;
  Tree node;

  /// Where a key stood is layout, not meaning.
  friend bool operator==(const CarriedNode& a, const CarriedNode& b) {
    return a.key == b.key && a.node == b.node;
  }
};

/// Every key that nobody took (section_reader.h), with the known key it stood behind, so that printing puts
/// it back in its place (SectionWriter in print.h).
using Carried = RareList<CarriedNode>;

}  // namespace cv::config
