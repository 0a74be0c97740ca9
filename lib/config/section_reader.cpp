#include "lib/config/section_reader.h"

#include "lib/base/log.h"

namespace cv::config {

namespace {

const Item& single_item(const Event& event, Item::Kind kind, std::string_view what) {
  expect_value(event);
  if (event.items.size() != 1 || event.items.front().kind != kind)
    throw damaged(event.position, "{} is not {}", shown(event.key), what);
  return event.items.front();
}

}  // namespace

std::size_t rank_of(KeyOrder order, std::string_view key, std::size_t hint) {
  CV_ASSERT(order.size() <= 64 && hint <= order.size());
  // Most keys come where they are expected; others only cost a comparison of lengths each.
  for (std::size_t i = hint; i < order.size(); ++i) {
    if (order[i] == key) return i;
  }
  const KeyOrder before = order.first(hint);
  const auto found = std::ranges::find(before, key);
  return found == before.end() ? order.size() : static_cast<std::size_t>(found - before.begin());
}

std::uint64_t to_unsigned(const Event& event, std::uint64_t max) {
  const std::int64_t number = to_integer(event);
  if (number < 0) throw damaged(event.position, "{} is negative", shown(event.key));
  const auto value = static_cast<std::uint64_t>(number);
  if (value > max) throw damaged(event.position, "{} is {}, more than {}", shown(event.key), value, max);
  return value;
}

std::uint32_t to_unsigned32(const Event& event) {
  return static_cast<std::uint32_t>(to_unsigned(event, UINT32_MAX));
}

std::int64_t to_integer(const Event& event) {
  return single_item(event, Item::Kind::integer, "a whole number").integer;
}

std::string_view to_text(const Event& event) {
  return single_item(event, Item::Kind::string, "a string").text;
}

std::string to_string(const Event& event) {
  return std::string(to_text(event));
}

std::vector<std::string> to_strings(const Event& event) {
  std::vector<std::string> strings;
  strings.reserve(event.items.size());
  for_each_string(event, [&](std::string_view text) { strings.emplace_back(text); });
  return strings;
}

void expect_section(const Event& event) {
  if (event.kind != Event::Kind::section)
    throw damaged(event.position, "{} is a value, not a section", shown(event.key));
}

void expect_value(const Event& event) {
  if (event.kind != Event::Kind::value)
    throw damaged(event.position, "{} is a section, not a value", shown(event.key));
}

void throw_missing(const Position& section, std::string_view section_name, std::string_view key) {
  throw damaged(section, "{} is missing in {}", key, shown(section_name));
}

void warn_of_duplicate(const Event& event) {
  log::warning("line {}, column {}: {} is there twice; the first one counts", event.position.line,
               event.position.column, shown(event.key));
}

void refuse_nested_known_key(const Event& event, KeyOrder order) {
  std::string_view head = event.key;
  head.remove_prefix(std::min(head.find_first_not_of('/'), head.size()));
  head = head.substr(0, head.find('/'));
  if (rank_of(order, head) < order.size())
    throw damaged(event.position, "{} reaches into {} with a slash", shown(event.key), head);
}

void carry(Carried& carried, std::string_view after, Parser& parser, const Event& event) {
  Tree parent;
  append_node(parent, parser, event);
  CarriedNode& node = carried.emplace_back();
  node.after = after;
  node.key = parent.front().first;
  node.node.swap(parent.front().second);
}

void sort_as_printed(Carried& carried, KeyOrder order) {
  // What stands behind no known key comes first.
  std::ranges::stable_sort(carried, {}, [&](const CarriedNode& node) {
    return node.after.empty() ? 0 : rank_of(order, node.after) + 1;
  });
}

}  // namespace cv::config
