#include "lib/config/parse.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace cv::config {

namespace {

enum CharClass : std::uint8_t {
  kSpace = 1,      ///< isspace() of the C locale
  kBareEnd = 2,    ///< ends a bareword
  kQuotedEnd = 4,  ///< needs a closer look inside "..."
  kDigit = 8,
};

constexpr auto kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  const auto mark = [&](std::string_view characters, int bits) {
    for (const char c : characters) {
      auto& entry = classes[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | bits);
    }
  };
  mark(" \t\n\v\f\r", kSpace | kBareEnd);
  mark("#={}", kBareEnd);
  mark("\"\\\n", kQuotedEnd);
  mark("0123456789", kDigit);
  return classes;
}();

bool is(char c, CharClass wanted) {
  return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

std::string shown(char c) {
  return c != ' ' && is_printable(c) ? fmt::format("'{}'", c)
                                     : fmt::format("byte 0x{:02x}", static_cast<unsigned char>(c));
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string result;
  for (const char c : text.substr(0, kLongest)) {
    if (is_printable(c))
      result += c;
    else
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(c));
  }
  if (text.size() > kLongest) result += "...";
  return result;
}

Parser::Parser(std::string_view text, Limits limits)
    : text_(text.substr(0, text.find('\0'))), limits_(limits) {
  if (text_.size() > limits_.max_bytes)
    throw Error(Errc::damaged, "the text is {} bytes long, more than {} are not read", text_.size(),
                limits_.max_bytes);
}

const Event& Parser::next() {
  items_.clear();
  if (!unescaped_.empty()) unescaped_.clear();
  event_ = Event{};
  skip_space();
  event_.position = {mark_.line, static_cast<std::uint32_t>(mark_.at - mark_.line_start + 1)};
  if (at_end()) {
    if (mark_.depth > 0) fail(mark_.at, "the text ends inside a section");
    return event_;
  }
  if (text_[mark_.at] == '}') {
    if (mark_.depth == 0) fail(mark_.at, "'}' closes no section");
    ++mark_.at;
    --mark_.depth;
    event_.kind = Event::Kind::end_section;
    return event_;
  }
  event_.key = read_key();
  skip_space();
  if (at_end()) fail(mark_.at, "the text ends after a key");
  switch (text_[mark_.at]) {
    case '{':
      if (mark_.depth == limits_.max_depth) fail(mark_.at, "sections are nested too deeply");
      ++mark_.at;
      ++mark_.depth;
      event_.kind = Event::Kind::section;
      break;
    case '=':
      ++mark_.at;
      event_.kind = Event::Kind::value;
      read_value();
      break;
    default: fail(mark_.at, fmt::format("'=' or '{{' is missing before {}", shown(text_[mark_.at])));
  }
  return event_;
}

void Parser::skip_section() {
  const std::uint32_t inside = mark_.depth;
  CV_ASSERT(inside > 0);
  while (mark_.depth >= inside) next();
}

// The loops over characters work on local copies: a store through a char pointer could change any member.

void Parser::skip_space() {
  std::size_t at = mark_.at;
  const std::string_view text = text_;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size()) - 1;
    } else if (!is(c, kSpace)) {
      break;
    } else if (c == '\n') {
      mark_.line_start = at + 1;
      ++mark_.line;
    }
  }
  mark_.at = at;
}

void Parser::fail(std::size_t at, std::string_view what) const {
  const std::string_view before = text_.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  throw Error(Errc::damaged, "line {}, column {}: {}", line, at - line_start + 1, what);
}

std::string_view Parser::read_key() {
  const std::size_t start = mark_.at;
  std::string_view key;
  switch (text_[start]) {
    case '"': key = read_quoted(); break;
    case '\'': key = read_raw(); break;
    case '[':
    case ']':
    case ',': fail(start, fmt::format("{} stands where a key should be", shown(text_[start])));
    default: key = read_bare();
  }
  // LVM2 takes a slash for nesting, so that a key of nothing else would name nothing.
  if (key.find_first_not_of('/') == std::string_view::npos) fail(start, "a key is empty");
  return key;
}

std::string_view Parser::read_bare() {
  const std::size_t start = mark_.at;
  const std::string_view text = text_;
  std::size_t at = start;
  while (at < text.size() && !is(text[at], kBareEnd)) ++at;
  if (at == start) fail(start, fmt::format("{} is not expected here", shown(text[start])));
  mark_.at = at;
  return text.substr(start, at - start);
}

std::string_view Parser::read_quoted() {
  const std::size_t start = mark_.at;
  const std::string_view text = text_;
  std::string* copy = nullptr;
  std::size_t copied_to = start + 1;
  for (std::size_t at = start + 1; at < text.size(); ++at) {
    const char c = text[at];
    if (!is(c, kQuotedEnd)) continue;
    if (c == '"') {
      mark_.at = at + 1;
      const std::string_view rest = text.substr(copied_to, at - copied_to);
      if (copy == nullptr) return rest;
      return copy->append(rest);
    }
    if (c == '\n') {
      ++mark_.line;
      mark_.line_start = at + 1;
      continue;
    }
    const char escaped = at + 1 < text.size() ? text[at + 1] : '\0';
    if (escaped != '"' && escaped != '\\') continue;
    if (copy == nullptr) copy = &unescaped_.emplace_back();
    copy->append(text.substr(copied_to, at - copied_to));
    copied_to = ++at;
  }
  fail(start, "a string is not closed");
}

std::string_view Parser::read_raw() {
  const std::size_t start = mark_.at + 1;
  const std::size_t end = text_.find('\'', start);
  if (end == std::string_view::npos) fail(mark_.at, "a string is not closed");
  const std::string_view string = text_.substr(start, end - start);
  if (const auto newline = string.rfind('\n'); newline != std::string_view::npos) {
    mark_.line += static_cast<std::uint32_t>(std::count(string.begin(), string.end(), '\n'));
    mark_.line_start = start + newline + 1;
  }
  mark_.at = end + 1;
  return string;
}

void Parser::read_value() {
  skip_space();
  if (at_end()) fail(mark_.at, "the text ends before a value");
  if (text_[mark_.at] != '[') {
    items_.push_back(read_item());
  } else {
    event_.is_list = true;
    const std::size_t start = mark_.at++;
    for (bool comma = true;;) {
      skip_space();
      if (at_end()) fail(start, "a list is not closed");
      if (text_[mark_.at] == ']') break;
      if (!comma) fail(mark_.at, "',' or ']' is missing in a list");
      items_.push_back(read_item());
      skip_space();
      comma = !at_end() && text_[mark_.at] == ',';
      if (comma) ++mark_.at;
    }
    ++mark_.at;
  }
  event_.items = items_;
}

Item Parser::read_item() {
  const char c = text_[mark_.at];
  if (is(c, kDigit) || c == '-' || c == '+' || c == '.') return read_number();
  Item item;
  switch (c) {
    case '"': item.text = read_quoted(); break;
    case '\'': item.text = read_raw(); break;
    case '[':
    case ']':
    case ',': fail(mark_.at, fmt::format("{} stands where a value should be", shown(c)));
    default: item.text = read_bare();
  }
  return item;
}

Item Parser::read_number() {
  const std::size_t start = mark_.at;
  bool negative = false;
  if (const char sign = text_[start]; sign == '-' || sign == '+') {
    negative = sign == '-';
    ++mark_.at;
  }
  const std::size_t digits_start = mark_.at;
  bool fraction = false;
  for (; !at_end(); ++mark_.at) {
    const bool dot = text_[mark_.at] == '.' && !fraction;
    if (!dot && !is(text_[mark_.at], kDigit)) break;
    fraction = fraction || dot;
  }
  const std::string_view digits = text_.substr(digits_start, mark_.at - digits_start);
  Item item;
  item.text = text_.substr(start, mark_.at - start);
  if (digits.empty() || digits == ".") fail(start, "a number has no digits");
  if (fraction) {
    item.kind = Item::Kind::real;
    return item;
  }
  item.kind = Item::Kind::integer;
  const bool octal = digits.size() > 1 && digits.front() == '0';
  std::uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, octal ? 8 : 10);
  if (error == std::errc() && end != digits.data() + digits.size())
    fail(start, fmt::format("{} begins with 0 and is no octal number", cv::config::shown(item.text)));
  const std::uint64_t limit = static_cast<std::uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (error != std::errc() || magnitude > limit)
    fail(start, fmt::format("{} is too large", cv::config::shown(item.text)));
  item.integer = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return item;
}

}  // namespace cv::config
