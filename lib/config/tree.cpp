#include "lib/config/tree.h"

#include <utility>

namespace cv::config {

namespace {

/// LVM2 keeps every node of metadata, but merges those of a configuration file.
enum class Again { another, merged };

Value value_of(const Event& event) {
  Value value;
  value.is_section = false;
  value.is_list = event.is_list;
  value.items.reserve(event.items.size());
  for (const Item& item : event.items) {
    switch (item.kind) {
      case Item::Kind::integer: value.items.emplace_back(item.integer); break;
      case Item::Kind::real: value.items.emplace_back(Real{std::string(item.text)}); break;
      case Item::Kind::string: value.items.emplace_back(std::string(item.text)); break;
    }
  }
  return value;
}

Tree& add_child(Tree& parent, std::string_view key, Again again) {
  if (again == Again::merged) {
    if (const Tree* found = child(parent, key)) return const_cast<Tree&>(*found);
  }
  return parent.push_back({std::string(key), Tree()})->second;
}

class Builder {
 public:
  /// `depth`: how many sections are open around what will be added.
  Builder(Parser& parser, Again again, std::uint32_t depth) : parser_(parser), again_(again), depth_(depth) {}

  /// Everything up to the end of the section, or of the text.
  void fill(Tree& tree) {
    for (;;) {
      const Event& event = parser_.next();
      if (event.kind == Event::Kind::end || event.kind == Event::Kind::end_section) return;
      add(tree, event);
    }
  }

  void add(Tree& parent, const Event& event) {
    const std::uint32_t outside = depth_;
    Tree& node = nest(parent, event);
    if (event.kind == Event::Kind::value) {
      node.clear();
      node.data() = value_of(event);
    } else {
      node.data() = Value{};
      fill(node);
    }
    depth_ = outside;
  }

 private:
  /// Makes "a/b" two nodes. The sections this makes count as depth: what is printed must be readable again.
  Tree& nest(Tree& parent, const Event& event) {
    const std::uint32_t deepest = parser_.limits().max_depth + (event.kind == Event::Kind::value ? 1 : 0);
    Tree* node = &parent;
    std::string_view rest = event.key;
    while (!rest.empty()) {
      const auto slash = rest.find('/');
      const std::string_view part = rest.substr(0, slash);
      rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
      if (part.empty()) continue;
      if (++depth_ > deepest) throw damaged(event.position, "sections are nested too deeply");
      node = &add_child(*node, part, again_);
    }
    return *node;
  }

  Parser& parser_;
  Again again_;
  std::uint32_t depth_;
};

}  // namespace

Value scalar(std::int64_t number) {
  return Value{false, false, {number}};
}

Value scalar(std::string text) {
  return Value{false, false, {std::move(text)}};
}

Value list(std::vector<Scalar> items) {
  return Value{false, true, std::move(items)};
}

Tree read_section(Parser& parser) {
  Tree tree;
  Builder(parser, Again::another, parser.depth()).fill(tree);
  return tree;
}

Tree read_value(const Event& event) {
  return Tree(value_of(event));
}

Tree read_tree(std::string_view text, Limits limits) {
  Parser parser(text, limits);
  Tree tree;
  Builder(parser, Again::merged, 0).fill(tree);
  return tree;
}

void append_node(Tree& parent, Parser& parser, const Event& event) {
  const std::uint32_t opened = event.kind == Event::Kind::section ? 1 : 0;
  Builder(parser, Again::another, parser.depth() - opened).add(parent, event);
}

const Tree* child(const Tree& tree, std::string_view key) {
  for (const auto& [name, node] : tree) {
    if (name == key) return &node;
  }
  return nullptr;
}

const Tree* lookup(const Tree& tree, std::string_view path) {
  const auto slash = path.find('/');
  const Tree* found = child(tree, path.substr(0, slash));
  if (found == nullptr || slash == std::string_view::npos) return found;
  return lookup(*found, path.substr(slash + 1));
}

std::optional<std::int64_t> as_integer(const Tree& leaf) {
  if (leaf.data().items.size() != 1) return std::nullopt;
  const auto* number = std::get_if<std::int64_t>(&leaf.data().items.front());
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<std::string> as_string(const Tree& leaf) {
  if (leaf.data().items.size() != 1) return std::nullopt;
  const auto* text = std::get_if<std::string>(&leaf.data().items.front());
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::vector<std::string> as_strings(const Tree& leaf) {
  std::vector<std::string> strings;
  for (const Scalar& item : leaf.data().items) {
    if (const auto* text = std::get_if<std::string>(&item)) strings.push_back(*text);
  }
  return strings;
}

}  // namespace cv::config
