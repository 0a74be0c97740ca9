// Standard output: text as it comes, or one JSON document at the end.
#pragma once

#include <memory>
#include <string_view>

#include "lib/base/error.h"
#include "tools/report/report.h"

namespace cv::tools {

enum class Format { basic, json, json_std };

class Output {
 public:
  Output(int descriptor, Format format);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  Format format() const { return format_; }
  /// Before anything was written.
  void use(Format format) { format_ = format; }

  /// A report: at once as text, else into the document.
  void report(const report::Table& table, const report::Style& style);
  /// Lines for people; not for JSON.
  void text(std::string_view lines);

  /// Writes the document where there is one, with the error that ended the command. Throws Errc::io where
  /// standard output is full; a reader that has gone away is none.
  void finish(const Error* error);

 private:
  class Document;

  void write(std::string_view text) const;

  int descriptor_;
  Format format_;
  std::unique_ptr<Document> document_;
};

}  // namespace cv::tools
