// What we keep without understanding it: a tree of LVM text. The one alias over Boost.PropertyTree.
//
// Use push_back and find, never PropertyTree's paths: they split at dots, and LV names have dots.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/property_tree/ptree.hpp>

#include "lib/config/parse.h"

namespace cv::config {

/// A number that has a fraction, as it was written.
struct Real {
  std::string text;
  friend bool operator==(const Real&, const Real&) = default;
};
using Scalar = std::variant<std::int64_t, Real, std::string>;

/// What a node holds: nothing (a section), or a scalar, or a list.
struct Value {
  bool is_section = true;
  bool is_list = false;
  std::vector<Scalar> items;

  /// A scalar and the list of one item are the same to LVM2, which turns one into the other; is_list only
  /// remembers how it was written.
  friend bool operator==(const Value& a, const Value& b) {
    return a.is_section == b.is_section && a.items == b.items;
  }
};

using Tree = boost::property_tree::basic_ptree<std::string, Value>;

Value scalar(std::int64_t number);
Value scalar(std::string text);
Value list(std::vector<Scalar> items);

/// The rest of the section whose `section` event `parser` just gave, as a tree. A key with slashes
/// ("a/b = 1") makes nested sections.
Tree read_section(Parser& parser);
/// A value event as a leaf.
Tree read_value(const Event& event);
/// A whole text: lvm.conf, a configuration of our own. As in LVM2, a section that comes again goes on where
/// it ended, and a value that comes again replaces the former.
Tree read_tree(std::string_view text, Limits limits = {});
/// Adds what `event` (a section or a value) says to `parent`; for a section, reads it to its end.
void append_node(Tree& parent, Parser& parser, const Event& event);

/// The first child of that name, or null. No path syntax.
const Tree* child(const Tree& tree, std::string_view key);
/// "section/key" by first match, as LVM2 looks up its configuration; null where it is absent.
const Tree* lookup(const Tree& tree, std::string_view path);
std::optional<std::int64_t> as_integer(const Tree& leaf);
std::optional<std::string> as_string(const Tree& leaf);
/// A scalar counts as a list of one.
std::vector<std::string> as_strings(const Tree& leaf);

}  // namespace cv::config
