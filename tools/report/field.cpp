#include "tools/report/field.h"

#include <compare>

namespace cv::tools::report {

int compare(const Cell& a, const Cell& b) {
  const auto order = a <=> b;
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace cv::tools::report
