// LVM text, laid out as LVM2 lays it out: bare lines on disk, tabs and comments in backup files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/units.h"
#include "lib/config/section_reader.h"

namespace cv::config {

enum class Layout {
  plain,     ///< on disk: no indentation, no comments behind values
  readable,  ///< in backup files: tabs and comments
};

class Printer {
 public:
  explicit Printer(Layout layout) : layout_(layout) {}

  Layout layout() const { return layout_; }

  void open(std::string_view key);  ///< key {
  void close();                     ///< }
  void blank();                     ///< an empty line
  /// A whole line "# ...", in both layouts.
  void remark(std::string_view comment);

  /// `comment` is printed behind the value where the layout has comments.
  void integer(std::string_view key, std::int64_t number, std::string_view comment = {});
  void number(std::string_view key, std::uint64_t number, std::string_view comment = {});
  void negative(std::string_view key, std::int64_t number, std::string_view comment = {});
  void text(std::string_view key, std::string_view text, std::string_view comment = {});
  void texts(std::string_view key, const std::vector<std::string>& texts);
  void texts(std::string_view key, std::span<const std::string_view> texts);
  void value(std::string_view key, const Value& value);
  /// A list with so many items on each line: how LVM2 writes areas.
  void rows(std::string_view key, const std::vector<Scalar>& items, std::size_t per_line = 2);
  /// A node and all below it.
  void node(std::string_view key, const Tree& tree);

  std::string take() && { return std::move(out_); }

 private:
  void indent();
  void begin(std::string_view key);
  void end(std::string_view comment);
  template <class Text>
  void put_texts(std::span<const Text> texts);
  void put_key(std::string_view key);
  void put_quoted(std::string_view text);
  void put_scalar(const Scalar& scalar);

  Layout layout_;
  std::size_t depth_ = 0;
  std::size_t line_start_ = 0;
  std::string out_;
};

/// "4 Megabytes": the comments that LVM2 writes behind sizes. A larger unit from more than 1024 on.
std::string size_comment(Sectors size);

/// Prints a section's known keys, which its user names in the order of `order`, and puts what was carried
/// back behind the keys where it stood.
class SectionWriter {
 public:
  SectionWriter(Printer& printer, const Carried& carried, KeyOrder order)
      : printer_(printer), carried_(carried), order_(order) {}

  /// For the value of `key`, or for the section of that name.
  Printer& at(std::string_view key);
  void number(std::string_view key, std::uint64_t number, std::string_view comment = {}) {
    at(key).number(key, number, comment);
  }
  void text(std::string_view key, std::string_view text) { at(key).text(key, text); }
  template <class Text>
  void texts(std::string_view key, const std::vector<Text>& texts) {
    at(key).texts(key, texts);
  }
  /// Prints what is left of the carried keys.
  void finish();

 private:
  void print_carried_before(std::size_t rank);

  Printer& printer_;
  const Carried& carried_;
  KeyOrder order_;
  std::size_t next_carried_ = 0;
  std::size_t next_key_ = 0;
  std::uint64_t printed_ = 0;  ///< a bit for each key of order_
};

}  // namespace cv::config
