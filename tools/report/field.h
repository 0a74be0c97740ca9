// The cells of a report and the fields that make them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/units.h"
#include "tools/report/row.h"

namespace cv::tools::report {

/// One value; monostate is absent: empty in text, null in json_std.
using Cell = std::variant<std::monostate, std::string, std::uint64_t, Bytes, std::vector<std::string>>;

enum class Type { text, number, size, list };

/// What a field is about; a segment field makes one row for each segment.
enum class About { pv, vg, lv, segment };

struct Field {
  std::string_view name;     ///< LVM2's where LVM2 has the field
  std::string_view heading;  ///< likewise
  About about;
  Type type;
  std::string_view help;
  Cell (*value)(const Row& row);
};

std::span<const Field> pv_fields();
std::span<const Field> vg_fields();
std::span<const Field> lv_fields();
std::span<const Field> segment_fields();

/// Tags in the order in which LVM2 shows them.
std::vector<std::string> sorted(std::vector<std::string> items);

/// A name without the brackets that mark a hidden volume: people neither sort nor select by them.
Cell without_brackets(Cell cell);

/// -1, 0 or 1; absent comes first.
int compare(const Cell& a, const Cell& b);

}  // namespace cv::tools::report
