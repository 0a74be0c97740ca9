// Tables and trees for people, laid out by libsmartcols.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>

#include <libsmartcols.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "tools/report/report.h"

namespace cv::tools::report {

namespace {

using ScolsTable = CHandle<libscols_table, scols_unref_table>;

void require(bool done) {
  if (!done) throw Error(Errc::io, "the table can't be laid out: {}", errno_text(ENOMEM));
}

bool is_right_aligned(Type type) {
  return type == Type::number || type == Type::size;
}

ScolsTable new_table(const std::vector<const Field*>& fields, const Style& style, bool tree) {
  ScolsTable table(scols_new_table());
  require(table != nullptr);
  // Never cut or wrapped: what a script or a person reads is the whole value.
  scols_table_set_termforce(table.get(), SCOLS_TERMFORCE_NEVER);
  scols_table_enable_noheadings(table.get(), style.headings ? 0 : 1);
  bool first = true;
  for (const Field* field : fields) {
    int flags = is_right_aligned(field->type) && !(tree && first) ? SCOLS_FL_RIGHT : 0;
    if (tree && first) flags |= SCOLS_FL_TREE;
    require(scols_table_new_column(table.get(), std::string(field->heading).c_str(), 0, flags) != nullptr);
    first = false;
  }
  return table;
}

libscols_line* add_line(libscols_table* table, libscols_line* parent, const std::vector<Cell>& cells,
                        const Style& style) {
  libscols_line* const line = scols_table_new_line(table, parent);
  require(line != nullptr);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    require(scols_line_set_data(line, i, text_of(cells[i], style).c_str()) == 0);
  }
  return line;
}

std::string indented(std::string_view lines) {
  std::string text;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    text += fmt::format("  {}\n", lines.substr(0, end));
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
  return text;
}

std::string printed(libscols_table* table) {
  if (scols_table_get_nlines(table) == 0) return {};
  char* data = nullptr;
  require(scols_print_table_to_string(table, &data) == 0);
  const std::unique_ptr<char, decltype(&std::free)> owner(data, std::free);
  return indented(data);
}

std::string with_separator(const Table& table, const Style& style) {
  std::string text;
  const auto add_row = [&](auto&& cells, auto&& shown) {
    text += "  ";
    bool first = true;
    for (const auto& cell : cells) {
      if (!first) text += *style.separator;
      text += shown(cell);
      first = false;
    }
    text += '\n';
  };
  if (style.headings && !table.rows.empty()) {
    add_row(table.fields, [](const Field* field) { return std::string(field->heading); });
  }
  for (const auto& row : table.rows) {
    add_row(row, [&](const Cell& cell) { return text_of(cell, style); });
  }
  return text;
}

/// What libsmartcols makes of cells that all are printable ASCII, in a fraction of its time. Nothing where
/// one is not.
std::optional<std::string> laid_out(const Table& table, const Style& style) {
  if (table.rows.empty()) return "";
  const std::size_t columns = table.fields.size();
  std::string cells;  // of all rows, one behind the other
  std::vector<std::size_t> ends;
  ends.reserve((table.rows.size() + 1) * columns);
  std::vector<std::size_t> widths(columns, 0);
  const auto add = [&](std::size_t column, std::string_view text) {
    cells += text;
    ends.push_back(cells.size());
    widths[column] = std::max(widths[column], text.size());
  };
  // Columns are as wide as their headings, shown or not.
  for (std::size_t i = 0; i < columns; ++i) add(i, table.fields[i]->heading);
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < columns; ++i) {
      const auto* plain = std::get_if<std::string>(&row[i]);
      add(i, plain == nullptr ? std::string_view(text_of(row[i], style)) : std::string_view(*plain));
    }
  // A backslash is the beginning of what libsmartcols writes for the bytes that it does not show.
  if (!std::ranges::all_of(cells, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; }))
    return std::nullopt;

  std::string text;
  std::size_t begin = 0;
  for (std::size_t cell = 0; cell < ends.size(); ++cell) {
    const std::size_t column = cell % columns;
    const std::string_view shown = std::string_view(cells).substr(begin, ends[cell] - begin);
    begin = ends[cell];
    if (cell < columns && !style.headings) continue;
    const std::size_t padding = widths[column] - shown.size();
    const bool is_last = column + 1 == columns;
    text += column == 0 ? "  " : " ";
    if (is_right_aligned(table.fields[column]->type)) {
      // An empty cell at the end is left out.
      if (!is_last || !shown.empty()) text.append(padding, ' ').append(shown);
    } else {
      text += shown;
      if (!is_last) text.append(padding, ' ');
    }
    if (is_last) text += '\n';
  }
  return text;
}

}  // namespace

std::string as_text(const Table& table, const Style& style) {
  if (style.separator) return with_separator(table, style);
  if (auto text = laid_out(table, style)) return *std::move(text);
  const auto output = new_table(table.fields, style, false);
  for (const auto& row : table.rows) add_line(output.get(), nullptr, row, style);
  return printed(output.get());
}

std::string as_tree(const Request& request, const std::vector<TreeRow>& rows) {
  const auto output = new_table(request.fields(), request.style(), true);
  std::vector<libscols_line*> parents;  // the line each depth hangs on; the table owns them
  for (const auto& [depth, label, row] : rows) {
    CV_ASSERT(depth <= parents.size());
    parents.resize(depth);
    std::vector<Cell> cells;
    for (const Field* field : request.fields()) cells.push_back(field->value(row));
    cells.front() = label;
    parents.push_back(
        add_line(output.get(), parents.empty() ? nullptr : parents.back(), cells, request.style()));
  }
  return printed(output.get());
}

}  // namespace cv::tools::report
