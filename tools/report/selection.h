// "-S vg_free>=1g && lv_name=~^home": which rows of a report are shown.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/report/field.h"

namespace cv::tools::report {

/// The field a person means by `name`: exact, or with the report's prefix left out ("size" in cvs is
/// lv_size); underscores are ignored as in LVM2. Throws Errc::usage.
const Field& field_named(std::string_view name, std::span<const Field> catalogue, std::string_view prefix);

/// LVM2's selection criteria: FIELD OPERATOR VALUE with = != > < >= <= =~ !~, joined by && || ! ( ). Values
/// are bare or in quotes; for lists {a,b} means "has both", {a||b} "has one of", [a,b] "is exactly".
class Selection {
 public:
  /// Throws Errc::usage that quotes the place where it can't go on.
  Selection(std::string_view text, std::span<const Field> catalogue, std::string_view prefix);

  bool matches(const Row& row) const;
  /// All fields that it looks at.
  std::vector<const Field*> fields() const;

 private:
  enum class Operator { equal, unequal, greater, less, at_least, at_most, like, unlike };
  struct Comparison {
    const Field* field = nullptr;
    Operator op = Operator::equal;
    std::string text;                ///< the pattern, or the value of a text
    std::uint64_t number = 0;        ///< of a number or, in bytes, of a size
    std::vector<std::string> items;  ///< of a list
    bool any = false;                ///< one of the items is enough
    bool exact = false;              ///< the list has no others
  };
  struct Node {
    enum class Kind { all, any, none, comparison };
    Kind kind = Kind::all;
    std::vector<Node> parts;
    Comparison comparison;
  };
  class Parser;

  static bool holds(const Node& node, const Row& row);
  static bool holds(const Comparison& comparison, const Cell& cell);
  static bool holds_for_list(const Comparison& comparison, const std::vector<std::string>& list);
  static void collect(const Node& node, std::vector<const Field*>& fields);

  Node root_;
};

}  // namespace cv::tools::report
