// LVM2's configuration and metadata grammar, pulled as events over the caller's buffer.
//
// Grammar (measured against LVM2 2.03.16, docs/FORMAT.md):
//   file  := { node }       node  := key ( '{' { node } '}' | '=' value )
//   value := item | '[' [ item { ',' item } [','] ] ']'
//   item  := int | float | "string" | 'string' | bareword
// '#' starts a comment anywhere between tokens; a NUL byte or the end of the buffer ends the text. In "..." a
// backslash escapes '"' and itself only; in '...' it is a character like any other. A bareword, as a key
// without quotes, ends at white space and at # = { } alone: `[a, b]` needs quotes or spaces, as in LVM2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace cv::config {

/// Where something stands in a text; both count from 1.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// One item of a value. Views point into the buffer, or, for strings with escapes, into the parser;
/// they are valid until the next call of Parser::next().
struct Item {
  enum class Kind { integer, real, string };
  Kind kind = Kind::string;
  std::int64_t integer = 0;  ///< kind integer; decimal, or octal with a leading 0
  std::string_view text;     ///< string: unescaped; integer and real: as written
};

struct Event {
  enum class Kind {
    section,      ///< key {
    end_section,  ///< }
    value,        ///< key = item, or key = [ items ]
    end           ///< the end of the text; comes back on every further call
  };
  Kind kind = Kind::end;
  std::string_view key;         ///< section and value; "a/b" is one key with a slash (see Tree for nesting)
  bool is_list = false;         ///< value: written in brackets
  std::span<const Item> items;  ///< value: one, or any number when is_list
  Position position;            ///< of the key, or of the brace
};

struct Limits {
  std::size_t max_bytes = std::size_t{256} << 20;
  std::uint32_t max_depth = 64;
};

/// Pulls events off `text`, which must outlive the parser. Every syntax error throws Errc::damaged with
/// "line L, column C: ...". Allocates only to grow its own scratch space.
class Parser {
 public:
  explicit Parser(std::string_view text, Limits limits = {});

  /// The event, and the views in it, are valid until the next call of a function that is not const.
  const Event& next();

  /// Consumes everything up to the end of the section whose `section` event came last.
  void skip_section();

  /// A place to come back to, between two events.
  struct Mark {
    std::size_t at = 0;
    std::size_t line_start = 0;
    std::uint32_t line = 1;
    std::uint32_t depth = 0;
  };
  Mark mark() const { return mark_; }
  void rewind(const Mark& mark) { mark_ = mark; }

  /// How many sections are open.
  std::uint32_t depth() const { return mark_.depth; }
  const Limits& limits() const { return limits_; }

 private:
  bool at_end() const { return mark_.at == text_.size(); }
  void skip_space();
  [[noreturn]] void fail(std::size_t at, std::string_view what) const;
  std::string_view read_key();
  std::string_view read_bare();
  std::string_view read_quoted();
  std::string_view read_raw();
  void read_value();
  Item read_item();
  Item read_number();

  std::string_view text_;
  Limits limits_;
  Mark mark_;
  Event event_;
  std::vector<Item> items_;
  std::deque<std::string> unescaped_;  ///< strings that had escapes, of the current event
};

/// A piece of a text as it may stand in a message: cut where it is long, with \\xNN for what is not
/// printable.
std::string shown(std::string_view text);

/// "line L, column C: ..." for a text whose meaning is wrong at that place.
template <class... Args>
Error damaged(const Position& where, fmt::format_string<Args...> format, Args&&... args) {
  return Error(Errc::damaged, "line {}, column {}: {}", where.line, where.column,
               fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cv::config
