#include "tools/output.h"

#include <cerrno>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "lib/base/match.h"

namespace cv::tools {

namespace {

using Json = nlohmann::ordered_json;
using report::Cell;
using report::Style;

/// What stands in a text that is no UTF-8 is replaced: a document that can't be parsed helps nobody.
std::string dumped(const Json& document) {
  return document.dump(4, ' ', false, Json::error_handler_t::replace) + "\n";
}

Style without_suffix(Style style) {
  // A number can't be "<1.50g": sizes are bytes unless one unit was asked for.
  if (style.units.factor == 0) style.units = parse_units("b");
  style.suffix = false;
  return style;
}

Json json_of(const Cell& cell, const Style& style) {
  return match(
      cell, [](std::monostate) { return Json(); }, [](const std::string& text) { return Json(text); },
      [](std::uint64_t number) { return Json(number); },
      [&](Bytes size) {
        const auto plain = without_suffix(style);
        if (size.n % plain.units.factor == 0) return Json(size.n / plain.units.factor);
        return Json(static_cast<double>(size.n) / static_cast<double>(plain.units.factor));
      },
      [](const std::vector<std::string>& items) { return Json(items); });
}

}  // namespace

class Output::Document {
 public:
  void add(const report::Table& table, const Style& style, Format format) {
    Json rows = Json::array();
    for (const auto& row : table.rows) {
      Json object = Json::object();
      for (std::size_t i = 0; i < row.size(); ++i) {
        object[std::string(table.fields[i]->name)] =
            format == Format::json_std ? json_of(row[i], style) : Json(report::text_of(row[i], style));
      }
      rows.push_back(std::move(object));
    }
    reports_.push_back(Json{{std::string(table.name), std::move(rows)}});
  }

  std::string text(const Error* error) const {
    Json document = Json::object();
    if (error == nullptr || !reports_.empty()) document["report"] = reports_;
    if (error != nullptr) {
      document["error"] = {
          {"id", error_id(error->code())}, {"message", error->what()}, {"hint", error->advice()}};
    }
    return dumped(document);
  }

 private:
  Json reports_ = Json::array();
};

Output::Output(int descriptor, Format format)
    : descriptor_(descriptor), format_(format), document_(std::make_unique<Document>()) {}

Output::~Output() = default;

void Output::report(const report::Table& table, const Style& style) {
  if (format_ == Format::basic) {
    write(report::as_text(table, style));
  } else {
    document_->add(table, style, format_);
  }
}

void Output::text(std::string_view lines) {
  if (format_ == Format::basic) write(lines);
}

void Output::finish(const Error* error) {
  if (format_ != Format::basic) write(document_->text(error));
}

void Output::write(std::string_view text) const {
  while (!text.empty()) {
    const auto written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) return;
    if (written < 0) throw Error(Errc::io, "standard output can't be written: {}", errno_text(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace cv::tools
