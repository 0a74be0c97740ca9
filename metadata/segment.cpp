#include "metadata/segment.h"

#include <algorithm>

namespace cv::metadata {

namespace {

const PvId* pv_called(const Opaque& opaque, const std::string& name) {
  const auto found = std::ranges::find(opaque.pv_names, name, &std::pair<std::string, PvId>::first);
  return found == opaque.pv_names.end() ? nullptr : &found->second;
}

/// Whether two items of lists mean the same.
bool same_item(const Opaque& a, const config::Scalar& item_a, const Opaque& b, const config::Scalar& item_b) {
  const auto* name_a = std::get_if<std::string>(&item_a);
  const auto* name_b = std::get_if<std::string>(&item_b);
  if (name_a == nullptr || name_b == nullptr) return item_a == item_b;
  const PvId* pv_a = pv_called(a, *name_a);
  const PvId* pv_b = pv_called(b, *name_b);
  if (pv_a == nullptr || pv_b == nullptr) return pv_a == pv_b && *name_a == *name_b;
  return *pv_a == *pv_b;
}

bool same_value(const Opaque& a, const config::Value& value_a, const Opaque& b,
                const config::Value& value_b) {
  if (!may_name_pvs(value_a) || !may_name_pvs(value_b)) return value_a == value_b;
  return value_a.is_section == value_b.is_section &&
         std::ranges::equal(value_a.items, value_b.items, [&](const auto& item_a, const auto& item_b) {
           return same_item(a, item_a, b, item_b);
         });
}

bool same_tree(const Opaque& a, const config::Tree& tree_a, const Opaque& b, const config::Tree& tree_b) {
  return same_value(a, tree_a.data(), b, tree_b.data()) &&
         std::ranges::equal(tree_a, tree_b, [&](const auto& node_a, const auto& node_b) {
           return node_a.first == node_b.first && same_tree(a, node_a.second, b, node_b.second);
         });
}

}  // namespace

bool may_name_pvs(const config::Value& value) {
  return value.is_list || value.items.size() > 1;
}

bool operator==(const Opaque& a, const Opaque& b) {
  return a.type == b.type && same_tree(a, a.body, b, b.body);
}

}  // namespace cv::metadata
