// A report: which fields, which rows in which order, and how they are written.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/arguments.h"
#include "tools/report/field.h"
#include "tools/report/selection.h"
#include "tools/sizes.h"

namespace cv::tools::report {

// The options of every report.
inline constexpr Option kFields{
    'o', "options", "[+]FIELD[,FIELD...]", "show these fields; +: besides the usual ones; help: list them",
    "",  true};
inline constexpr Option kSort{'O', "sort", "[-]FIELD[,FIELD...]", "sort by these fields; -: descending"};
inline constexpr Option kSelect{'S', "select", "SELECTION", "show rows that meet these criteria only"};
inline constexpr Option kNoHeadings{0, "noheadings", "", "leave out the line of headings", "", true};
inline constexpr Option kSeparator{0, "separator", "STRING", "put this between columns and align nothing"};
inline constexpr Option kUnits{0, "units", "[N]r|h|b|s|k|m|g|t|p|e",
                               "the unit of sizes; upper case: powers of 1000; r, h: readable"};
inline constexpr Option kNoSuffix{0, "nosuffix", "", "show sizes without their unit", "", true};

OptionGroup report_options();

/// What a kind of report starts from.
struct Kind {
  std::string_view name;      ///< "lv": the key in JSON
  std::string_view prefix;    ///< "lv_": what may be left out of field names
  std::vector<Field> fields;  ///< all that it can show
  std::string_view usual;     ///< "lv_name,vg_name"
  std::string_view sort;      ///< "vg_name,lv_name"
};
const Kind& pv_report();
const Kind& vg_report();
const Kind& lv_report();

struct SortKey {
  const Field* field = nullptr;
  bool descending = false;
};

/// How sizes and tables are written.
struct Style {
  Units units;
  bool suffix = true;
  bool headings = true;
  std::optional<std::string> separator;
};

class Request {
 public:
  /// Throws Errc::usage for fields that are none and a selection that can't be understood.
  Request(const Kind& kind, const Arguments& arguments);

  const Kind& kind() const { return *kind_; }
  const std::vector<const Field*>& fields() const { return fields_; }
  const Style& style() const { return style_; }
  /// "-o help": a list of the fields is wanted.
  bool wants_field_list() const { return field_list_; }
  /// A row for each segment (or, in a report on PVs or groups, whatever `about` says).
  bool mentions(About about) const;
  /// Whether any part of the request looks at that field.
  bool mentions(std::string_view field) const;

  /// Those that the selection lets pass, sorted; the order of equals is kept.
  std::vector<Row> arranged(std::vector<Row> rows) const;

 private:
  bool any_field(const std::function<bool(const Field&)>& is_it) const;
  void add_fields(std::string_view list);
  void add_sort(std::string_view list);

  const Kind* kind_;
  std::vector<const Field*> fields_;
  std::vector<SortKey> sort_;
  std::optional<Selection> selection_;
  Style style_;
  bool field_list_ = false;
};

/// Rows of cells under their fields, ready to be written.
struct Table {
  std::string_view name;
  std::vector<const Field*> fields;
  std::vector<std::vector<Cell>> rows;
};
Table table_of(const Request& request, const std::vector<Row>& rows);

/// A cell as text in a table or in basic JSON.
std::string text_of(const Cell& cell, const Style& style);

/// Every line begins with two spaces.
std::string as_text(const Table& table, const Style& style);

/// A line of a tree: how deep it stands, what stands in the first column, and what it is about.
struct TreeRow {
  std::size_t depth = 0;
  std::string label;
  Row row;
};
/// The first column carries the branches.
std::string as_tree(const Request& request, const std::vector<TreeRow>& rows);

/// The list for "-o help".
std::string field_list(const Kind& kind);

}  // namespace cv::tools::report
