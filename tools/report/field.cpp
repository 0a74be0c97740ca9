#include "tools/report/field.h"

#include <algorithm>
#include <compare>

namespace cv::tools::report {

std::vector<std::string> sorted(std::vector<std::string> items) {
  std::ranges::sort(items);
  return items;
}

Cell without_brackets(Cell cell) {
  auto* text = std::get_if<std::string>(&cell);
  if (text != nullptr && text->starts_with('[') && text->ends_with(']'))
    *text = text->substr(1, text->size() - 2);
  return cell;
}

int compare(const Cell& a, const Cell& b) {
  const auto order = a <=> b;
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace cv::tools::report
