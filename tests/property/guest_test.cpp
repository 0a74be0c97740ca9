// Writing like a guest: whatever stands in a group that we don't manage is there after any number of our
// changes, with the same meaning and in the same order. The texts themselves are compared, so that nothing is
// missed that our values have no place for.
//
// CVM_SEED=N repeats a run.
#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/config/tree.h"
#include "tests/support/fixture_files.h"
#include "tests/support/good_texts.h"
#include "tests/support/random_edits.h"
#include "tests/support/silence.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using config::Tree;

constexpr unsigned kEdits = 50;
constexpr const char* kOurs = "ours_";

/// Keys that we write and that a text may leave out.
const std::set<std::string> kAdded{"flags",  "metadata_copies", "max_lv",        "max_pv", "format",
                                   "device", "dev_size",        "creation_time", "tags"};

/// What stock LVM2 too writes in its own way: segments by number, ids with their hyphens.
const std::map<std::string, std::vector<std::string>> kRewritten{
    {"fixtures/grammar/23.txt", {"lost: lin/foo", "new: lin/segment1"}},
    {"fixtures/grammar/28.txt", {"changed: lin/id"}}};

/// Two texts of one group, one before and one after what we did.
class Comparison {
 public:
  Comparison(const std::string& before, const std::string& after)
      : before_(group_in(before)), after_(group_in(after)) {
    before_names_ = pv_names(before_);
    after_names_ = pv_names(after_);
  }

  std::vector<std::string> differences() {
    compare(before_, after_, "", {"seqno", "tags", "physical_volumes", "logical_volumes"});
    compare_tags();
    compare_pvs();
    compare_volumes();
    return std::move(found_);
  }

 private:
  using Names = std::map<std::string, std::string>;

  /// The one section that has physical volumes.
  static Tree group_in(const std::string& text) {
    const Tree whole = config::read_tree(text);
    for (const auto& [key, tree] : whole)
      if (config::child(tree, "seqno") != nullptr) return tree;
    throw std::runtime_error("no group in the text");
  }

  static Names pv_names(const Tree& group) {
    Names names;
    if (const Tree* pvs = config::child(group, "physical_volumes"))
      for (const auto& [name, pv] : *pvs) names[name] = *config::as_string(*config::child(pv, "id"));
    return names;
  }

  /// In lists of segments the name of a PV stands for its id.
  config::Value meaning(const config::Value& value, const Names& names) const {
    config::Value result = value;
    if (!value.is_list || !in_segment_) return result;
    for (config::Scalar& item : result.items)
      if (const auto* text = std::get_if<std::string>(&item))
        if (const auto found = names.find(*text); found != names.end()) item = found->second;
    return result;
  }

  static const Tree* nth(const Tree& tree, const std::string& key, std::size_t n) {
    for (const auto& [name, node] : tree)
      if (name == key && n-- == 0) return &node;
    return nullptr;
  }

  void compare(const Tree& before, const Tree& after, const std::string& path,
               const std::set<std::string>& but_for) {
    std::map<std::string, std::size_t> seen;
    for (const auto& [key, node] : before) {
      const std::string here = path + "/" + key;
      const Tree* there = nth(after, key, seen[key]++);
      if (but_for.contains(key)) continue;
      if (there == nullptr) {
        found_.push_back("lost: " + here);
      } else if (!(meaning(node.data(), before_names_) == meaning(there->data(), after_names_))) {
        found_.push_back("changed: " + here);
      } else {
        compare(node, *there, here, but_for);
      }
    }
    for (const auto& [key, node] : after)
      if (!seen.contains(key) && !but_for.contains(key) && !kAdded.contains(key))
        found_.push_back("new: " + path + "/" + key);
  }

  void compare_tags() {
    const auto tags = [](const Tree& group) {
      const Tree* leaf = config::child(group, "tags");
      return leaf == nullptr ? std::vector<std::string>() : config::as_strings(*leaf);
    };
    const auto before = tags(before_);
    const auto after = tags(after_);
    if (after.size() < before.size() || !std::equal(before.begin(), before.end(), after.begin()))
      found_.emplace_back("changed: tags");
  }

  void compare_pvs() {
    const Tree* before = config::child(before_, "physical_volumes");
    const Tree* after = config::child(after_, "physical_volumes");
    if (before == nullptr) return;
    if (after == nullptr || before->size() != after->size()) return found_.emplace_back("other PVs"), void();
    auto there = after->begin();
    for (const auto& [name, pv] : *before) compare(pv, (there++)->second, "pv " + name, {});
  }

  /// As docs/FORMAT.md parts the volumes: known to stock, data LVs, keystores, encrypted ones.
  static int part_of(const std::string& name, const Tree& lv) {
    const Tree* segment = config::child(lv, "segment1");
    const Tree* type = segment == nullptr ? nullptr : config::child(*segment, "type");
    const std::string kind = type == nullptr ? "" : config::as_string(*type).value_or("");
    if (kind == "crypt") return 3;
    if (kind == "crypt-keystore") return 2;
    return name.find("_crdata") != std::string::npos ? 1 : 0;
  }

  void compare_volumes() {
    const Tree* before = config::child(before_, "logical_volumes");
    const Tree* after = config::child(after_, "logical_volumes");
    if (before == nullptr) return;
    if (after == nullptr) return found_.emplace_back("lost: all volumes"), void();
    in_segment_ = true;
    std::map<int, std::vector<std::string>> order_before;
    std::map<int, std::vector<std::string>> order_after;
    for (const auto& [name, lv] : *before) {
      order_before[part_of(name, lv)].push_back(name);
      const Tree* there = config::child(*after, name);
      if (there == nullptr) {
        found_.push_back("lost: " + name);
      } else {
        compare(lv, *there, name, {"iv_next"});
      }
    }
    for (const auto& [name, lv] : *after)
      if (config::child(*before, name) != nullptr) order_after[part_of(name, lv)].push_back(name);
    if (order_before != order_after) found_.emplace_back("the volumes stand in another order");
  }

  Tree before_;
  Tree after_;
  Names before_names_;
  Names after_names_;
  bool in_segment_ = false;
  std::vector<std::string> found_;
};

struct Changed {
  VolumeGroup vg;
  unsigned edits = 0;
};
Changed changed_at_random(const VolumeGroup& start, std::uint64_t seed) {
  EditWorld world(start, seed, kOurs);
  Changed changed;
  for (unsigned i = 0; i < kEdits; ++i) {
    changed.edits += random_edit(world).done ? 1 : 0;
    // As a command does: what is written is read by the next one.
    world.vg = read_group(print_group(world.vg, {}));
  }
  changed.vg = std::move(world.vg);
  return changed;
}

/// The same group with PVs that are called otherwise, as stock LVM2 leaves them behind a vgreduce.
std::string with_other_pv_names(const std::string& text) {
  static const std::regex kName("\\bpv([0-9])\\b");
  return std::regex_replace(text, kName, "pv1$1");
}

TEST(Guest, LeavesWhatItDoesNotManageAsItWas) {
  const Silence silence;  // policies that nobody knows
  const std::uint64_t seed = seed_from_environment();
  unsigned edits = 0;
  const auto texts = good_texts();
  for (const GoodText& good : texts) {
    for (const bool renamed : {false, true}) {
      SCOPED_TRACE(
          fmt::format("{}{}, CVM_SEED={}", good.path, renamed ? " with other names of PVs" : "", seed));
      const std::string text = renamed ? with_other_pv_names(test_file(good.path)) : test_file(good.path);
      const VolumeGroup start = read_group(text, good.form);

      const Changed changed = changed_at_random(start, seed);

      edits += changed.edits;
      const auto expected = kRewritten.find(good.path);
      EXPECT_EQ(Comparison(text, print_group(changed.vg, {})).differences(),
                expected == kRewritten.end() ? std::vector<std::string>() : expected->second);
    }
  }
  std::cout << fmt::format("guest: {} texts, {} edits, CVM_SEED={}\n", texts.size() * 2, edits, seed);
  EXPECT_GT(edits, texts.size() * 20);
}

TEST(Guest, WouldBeFoundOut) {
  const std::string text = test_file("golden/guest/of-many-kinds.txt");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    const auto at = other.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    other.replace(at, from.size(), to);
    return Comparison(text, other).differences();
  };

  EXPECT_THAT(changed("later_segment_key = \"kept\"", ""),
              testing::ElementsAre("lost: pool/segment1/later_segment_key"));
  EXPECT_THAT(changed("later_scalar = -17", "later_scalar = -18"),
              testing::ElementsAre("changed: /later_scalar"));
  EXPECT_THAT(changed("places = [\"pv1\", 28]", "places = [\"pv0\", 28]"),
              testing::ElementsAre("changed: oddity/segment1/places"));
  EXPECT_THAT(changed("deep = 3", "deep = 3\ndeeper = 4"),
              testing::ElementsAre("new: ext/segment1/later_striped_section/deeper"));
}

TEST(Guest, DropsFurtherSectionsAndCommentsAsStockDoes) {
  const std::string text =
      test_file("golden/guest/of-many-kinds.txt") + "\nfurther_section { key = 1 } # a comment\n";

  const std::string printed = print_group(read_group(text), {});

  EXPECT_EQ(printed.find("further_section"), std::string::npos);
  EXPECT_EQ(printed.find("a comment"), std::string::npos);
  EXPECT_NE(printed.find("later_section"), std::string::npos);
}

}  // namespace
}  // namespace cv::metadata
