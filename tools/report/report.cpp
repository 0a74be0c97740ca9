#include "tools/report/report.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/match.h"

namespace cv::tools::report {

namespace {

template <class Deed>
void for_each_name(std::string_view list, Deed&& deed) {
  for (;;) {
    const auto comma = list.find(',');
    deed(list.substr(0, comma));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

std::vector<Field> joined(std::initializer_list<std::span<const Field>> parts) {
  std::vector<Field> all;
  for (const auto part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::string_view about_name(About about) {
  switch (about) {
    case About::pv: return "physical volume";
    case About::vg: return "volume group";
    case About::lv: return "logical volume";
    case About::segment: return "segment";
  }
  return {};
}

/// "all", "pv_all", "seg_all": every field about that.
std::optional<About> all_of(std::string_view name, std::string_view prefix) {
  if (name == "all") name = prefix;
  if (name == "pv_all" || name == "pv_") return About::pv;
  if (name == "vg_all" || name == "vg_") return About::vg;
  if (name == "lv_all" || name == "lv_") return About::lv;
  if (name == "seg_all") return About::segment;
  return std::nullopt;
}

}  // namespace

OptionGroup report_options() {
  return {"Options of reports", {kFields, kSort, kSelect, kNoHeadings, kSeparator, kUnits, kNoSuffix}};
}

const Kind& pv_report() {
  static const Kind kind{"pv", "pv_", joined({pv_fields(), vg_fields()}),
                         "pv_name,vg_name,pv_fmt,pv_attr,pv_size,pv_free", "pv_name"};
  return kind;
}

const Kind& vg_report() {
  static const Kind kind{"vg", "vg_", joined({vg_fields()}),
                         "vg_name,pv_count,lv_count,snap_count,vg_attr,vg_size,vg_free", "vg_name"};
  return kind;
}

const Kind& lv_report() {
  static const Kind kind{"lv", "lv_", joined({lv_fields(), segment_fields(), vg_fields()}),
                         "lv_name,vg_name,lv_attr,lv_size,keystore,key_handler,cipher", "vg_name,lv_name"};
  return kind;
}

Request::Request(const Kind& kind, const Arguments& arguments) : kind_(&kind) {
  const auto lists = arguments.texts(kFields);
  if (lists.empty() || lists.front().starts_with('+')) add_fields(kind.usual);
  for (std::string_view list : lists) {
    if (list.starts_with('+')) list.remove_prefix(1);
    add_fields(list);
  }
  add_sort(arguments.text(kSort).value_or(std::string(kind.sort)));
  if (const auto criteria = arguments.text(kSelect)) selection_.emplace(*criteria, kind.fields, kind.prefix);
  if (const auto units = arguments.text(kUnits)) style_.units = parse_units(*units);
  style_.suffix = !arguments.has(kNoSuffix);
  style_.headings = !arguments.has(kNoHeadings);
  style_.separator = arguments.text(kSeparator);
}

void Request::add_fields(std::string_view list) {
  for_each_name(list, [&](std::string_view name) {
    if (name == "help") {
      field_list_ = true;
    } else if (const auto about = all_of(name, kind_->prefix)) {
      for (const auto& field : kind_->fields) {
        if (field.about == *about) fields_.push_back(&field);
      }
    } else {
      fields_.push_back(&field_named(name, kind_->fields, kind_->prefix));
    }
  });
}

void Request::add_sort(std::string_view list) {
  for_each_name(list, [&](std::string_view name) {
    SortKey key;
    key.descending = name.starts_with('-');
    if (key.descending || name.starts_with('+')) name.remove_prefix(1);
    key.field = &field_named(name, kind_->fields, kind_->prefix);
    sort_.push_back(key);
  });
}

bool Request::any_field(const std::function<bool(const Field&)>& is_it) const {
  const auto points_to_it = [&](const Field* field) { return is_it(*field); };
  const auto selected = selection_ ? selection_->fields() : std::vector<const Field*>();
  return std::ranges::any_of(fields_, points_to_it) || std::ranges::any_of(selected, points_to_it) ||
         std::ranges::any_of(sort_, points_to_it, &SortKey::field);
}

bool Request::mentions(About about) const {
  return any_field([about](const Field& field) { return field.about == about; });
}

bool Request::mentions(std::string_view name) const {
  return any_field([name](const Field& field) { return field.name == name; });
}

std::vector<Row> Request::arranged(std::vector<Row> rows) const {
  if (selection_) std::erase_if(rows, [&](const Row& row) { return !selection_->matches(row); });

  struct Keyed {
    std::vector<Cell> keys;
    Row row;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(rows.size());
  for (const auto& row : rows) {
    Keyed next{{}, row};
    for (const auto& key : sort_) next.keys.push_back(without_brackets(key.field->value(row)));
    keyed.push_back(std::move(next));
  }
  std::ranges::stable_sort(keyed, [&](const Keyed& a, const Keyed& b) {
    for (std::size_t i = 0; i < sort_.size(); ++i) {
      const int order = compare(a.keys[i], b.keys[i]);
      if (order != 0) return (order < 0) != sort_[i].descending;
    }
    return false;
  });
  std::ranges::transform(keyed, rows.begin(), &Keyed::row);
  return rows;
}

Table table_of(const Request& request, const std::vector<Row>& rows) {
  Table table{request.kind().name, request.fields(), {}};
  table.rows.reserve(rows.size());
  for (const auto& row : rows) {
    auto& cells = table.rows.emplace_back();
    for (const Field* field : table.fields) cells.push_back(field->value(row));
  }
  return table;
}

std::string text_of(const Cell& cell, const Style& style) {
  return match(
      cell, [](std::monostate) { return std::string(); }, [](const std::string& text) { return text; },
      [](std::uint64_t number) { return std::to_string(number); },
      [&](Bytes size) { return format_size(size, style.units, style.suffix); },
      [](const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ",")); });
}

std::string field_list(const Kind& kind) {
  std::string text;
  std::optional<About> last;
  for (const auto& field : kind.fields) {
    if (field.about != last) {
      text += fmt::format("{}  Fields of a {}\n", last ? "\n" : "", about_name(field.about));
      last = field.about;
    }
    text += fmt::format("    {:24} - {}\n", field.name, field.help);
  }
  return text;
}

}  // namespace cv::tools::report
