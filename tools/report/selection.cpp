#include "tools/report/selection.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "lib/base/error.h"
#include "lib/base/match.h"
#include "tools/regex.h"
#include "tools/sizes.h"

namespace cv::tools::report {

namespace {

constexpr unsigned kDeepest = 64;

std::string without_underscores(std::string_view name) {
  std::string bare(name);
  std::erase(bare, '_');
  return bare;
}

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string shown(const Cell& cell) {
  return match(
      cell, [](std::monostate) { return std::string(); }, [](const std::string& text) { return text; },
      [](std::uint64_t number) { return std::to_string(number); },
      [](Bytes size) { return format_size(size); },
      [](const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ",")); });
}

}  // namespace

const Field& field_named(std::string_view name, std::span<const Field> catalogue, std::string_view prefix) {
  const auto bare = without_underscores(name);
  const auto with_prefix = without_underscores(prefix) + bare;
  for (const std::string& wanted : {bare, with_prefix}) {
    const auto found = std::ranges::find(catalogue, wanted,
                                         [](const Field& field) { return without_underscores(field.name); });
    if (found != catalogue.end()) return *found;
  }
  throw Error(Errc::usage, "this report has no field '{}'", name).advise("-o help lists the fields");
}

class Selection::Parser {
 public:
  Parser(std::string_view text, std::span<const Field> catalogue, std::string_view prefix)
      : text_(text), catalogue_(catalogue), prefix_(prefix) {}

  Node run() {
    Node all = any_of(0);
    skip_space();
    if (at_ != text_.size()) fail("&& or || is missing");
    return all;
  }

 private:
  Node any_of(unsigned depth) { return joined(depth, Node::Kind::any, "||", &Parser::all_of); }
  Node all_of(unsigned depth) { return joined(depth, Node::Kind::all, "&&", &Parser::one); }

  Node joined(unsigned depth, Node::Kind kind, std::string_view sign, Node (Parser::*part)(unsigned)) {
    if (depth > kDeepest) fail("it is nested too deeply");
    Node node;
    node.kind = kind;
    do {
      node.parts.push_back((this->*part)(depth));
    } while (take(sign));
    return node;
  }

  Node one(unsigned depth) {
    if (depth > kDeepest) fail("it is nested too deeply");
    if (take("(")) {
      Node inner = any_of(depth + 1);
      if (!take(")")) fail("a closing parenthesis is missing");
      return inner;
    }
    if (take("!")) {
      Node node;
      node.kind = Node::Kind::none;
      node.parts.push_back(one(depth + 1));
      return node;
    }
    Node node;
    node.kind = Node::Kind::comparison;
    node.comparison = comparison();
    return node;
  }

  Comparison comparison() {
    skip_space();
    const auto begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (at_ == begin) fail("the name of a field is missing");
    Comparison wanted;
    wanted.field = &field_named(text_.substr(begin, at_ - begin), catalogue_, prefix_);
    wanted.op = comparison_sign();
    const bool pattern = wanted.op == Operator::like || wanted.op == Operator::unlike;
    const bool ordered = !pattern && wanted.op != Operator::equal && wanted.op != Operator::unequal;
    const Type type = wanted.field->type;
    if (type == Type::list && ordered) fail("a list can't be compared with > or <");
    if (type == Type::list && !pattern) {
      list_value(wanted);
      return wanted;
    }
    wanted.text = word(pattern);
    if (pattern) {
      found_in(wanted.text, "");
    } else if (type == Type::number) {
      wanted.number = number_of(wanted.text);
    } else if (type == Type::size) {
      wanted.number = parse_size(wanted.text).n;
    }
    return wanted;
  }

  Operator comparison_sign() {
    constexpr std::array<std::pair<std::string_view, Operator>, 8> signs{{{"!=", Operator::unequal},
                                                                          {"!~", Operator::unlike},
                                                                          {"=~", Operator::like},
                                                                          {">=", Operator::at_least},
                                                                          {"<=", Operator::at_most},
                                                                          {"=", Operator::equal},
                                                                          {">", Operator::greater},
                                                                          {"<", Operator::less}}};
    for (const auto& [sign, op] : signs) {
      if (take(sign)) return op;
    }
    fail("one of = != > < >= <= =~ !~ is missing");
  }

  void list_value(Comparison& wanted) {
    const bool exact = take("[");
    const bool braces = !exact && take("{");
    wanted.exact = exact;
    if (!exact && !braces) {
      wanted.items.push_back(word(false));
      return;
    }
    const std::string_view end = exact ? "]" : "}";
    if (take(end)) return;
    for (;;) {
      wanted.items.push_back(word(false));
      if (take("||")) {
        wanted.any = true;
      } else if (!take("&&") && !take(",")) {
        break;
      }
    }
    if (!take(end)) fail("the list is not closed");
  }

  /// In quotes, or up to a space or to what ends a value.
  std::string word(bool pattern) {
    skip_space();
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const auto end = text_.find(text_[at_], at_ + 1);
      if (end == std::string_view::npos) fail("the quote is not closed");
      const auto inner = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return std::string(inner);
    }
    const auto begin = at_;
    unsigned open = 0;
    for (; at_ < text_.size() && !is_space(text_[at_]); ++at_) {
      const auto rest = text_.substr(at_);
      if (rest.starts_with("&&") || rest.starts_with("||")) break;
      if (!pattern && (rest.front() == ',' || rest.front() == ']' || rest.front() == '}')) break;
      if (rest.front() == '(') ++open;
      if (rest.front() == ')' && open-- == 0) break;
    }
    if (at_ == begin) fail("a value is missing");
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::uint64_t number_of(const std::string& text) const {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size()) {
      throw Error(Errc::usage, "'{}' in the selection is no number", text);
    }
    return number;
  }

  bool take(std::string_view sign) {
    skip_space();
    if (!text_.substr(at_).starts_with(sign)) return false;
    at_ += sign.size();
    return true;
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  [[noreturn]] void fail(std::string_view why) const {
    throw Error(Errc::usage, "the selection can't be understood at '{}': {}", text_.substr(at_), why);
  }

  std::string_view text_;
  std::span<const Field> catalogue_;
  std::string_view prefix_;
  std::size_t at_ = 0;
};

Selection::Selection(std::string_view text, std::span<const Field> catalogue, std::string_view prefix)
    : root_(Parser(text, catalogue, prefix).run()) {}

bool Selection::matches(const Row& row) const {
  return holds(root_, row);
}

std::vector<const Field*> Selection::fields() const {
  std::vector<const Field*> fields;
  collect(root_, fields);
  return fields;
}

void Selection::collect(const Node& node, std::vector<const Field*>& fields) {
  if (node.comparison.field != nullptr) fields.push_back(node.comparison.field);
  for (const auto& part : node.parts) collect(part, fields);
}

bool Selection::holds(const Node& node, const Row& row) {
  const auto part_holds = [&](const Node& part) { return holds(part, row); };
  switch (node.kind) {
    case Node::Kind::all: return std::ranges::all_of(node.parts, part_holds);
    case Node::Kind::any: return std::ranges::any_of(node.parts, part_holds);
    case Node::Kind::none: return std::ranges::none_of(node.parts, part_holds);
    case Node::Kind::comparison:
      return holds(node.comparison, without_brackets(node.comparison.field->value(row)));
  }
  return false;
}

bool Selection::holds(const Comparison& comparison, const Cell& cell) {
  if (comparison.op == Operator::like) return found_in(comparison.text, shown(cell));
  if (comparison.op == Operator::unlike) return !found_in(comparison.text, shown(cell));
  if (comparison.field->type == Type::list) {
    const auto* list = std::get_if<std::vector<std::string>>(&cell);
    const bool equal = holds_for_list(comparison, list != nullptr ? *list : std::vector<std::string>());
    return equal == (comparison.op == Operator::equal);
  }
  // An absent number is neither above nor below anything; an absent text is the empty one.
  const bool is_text = comparison.field->type == Type::text;
  if (!is_text && std::holds_alternative<std::monostate>(cell)) return comparison.op == Operator::unequal;
  Cell wanted = comparison.text;
  if (comparison.field->type == Type::number) wanted = comparison.number;
  if (comparison.field->type == Type::size) wanted = Bytes(comparison.number);
  const int order =
      compare(is_text && std::holds_alternative<std::monostate>(cell) ? Cell(std::string()) : cell, wanted);
  switch (comparison.op) {
    case Operator::equal: return order == 0;
    case Operator::unequal: return order != 0;
    case Operator::greater: return order > 0;
    case Operator::less: return order < 0;
    case Operator::at_least: return order >= 0;
    case Operator::at_most: return order <= 0;
    case Operator::like:
    case Operator::unlike: break;
  }
  return false;
}

bool Selection::holds_for_list(const Comparison& comparison, const std::vector<std::string>& list) {
  const auto is_there = [&](const std::string& item) { return std::ranges::find(list, item) != list.end(); };
  if (comparison.exact && comparison.items.size() != list.size()) return false;
  if (comparison.any) return std::ranges::any_of(comparison.items, is_there);
  return std::ranges::all_of(comparison.items, is_there);
}

}  // namespace cv::tools::report
