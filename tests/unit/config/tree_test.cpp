#include "lib/config/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cv::config {
namespace {

using ::testing::ElementsAre;

TEST(Tree, RemembersWhatAValueWas) {
  const Tree tree = read_tree("a = 7\n b = \"7\"\n c = 7.0\n d = [7, \"x\"]\n e { }");

  EXPECT_EQ(child(tree, "a")->data(), scalar(7));
  EXPECT_EQ(child(tree, "b")->data(), scalar("7"));
  EXPECT_EQ(child(tree, "c")->data().items, std::vector<Scalar>{Real{"7.0"}});
  EXPECT_EQ(child(tree, "d")->data(), list({7, "x"}));
  EXPECT_TRUE(child(tree, "d")->data().is_list);
  EXPECT_TRUE(child(tree, "e")->data().is_section);
}

TEST(Tree, FindsByPathLikeLvmConf) {
  const Tree tree = read_tree("devices { dir = \"/dev\" scan = [\"/dev\", \"/tmp\"] }\nglobal/umask = 077");

  EXPECT_EQ(as_string(*lookup(tree, "devices/dir")), "/dev");
  EXPECT_THAT(as_strings(*lookup(tree, "devices/scan")), ElementsAre("/dev", "/tmp"));
  EXPECT_EQ(as_integer(*lookup(tree, "global/umask")), 63);
  EXPECT_EQ(lookup(tree, "devices/none"), nullptr);
  EXPECT_EQ(lookup(tree, "none/dir"), nullptr);
  EXPECT_EQ(lookup(tree, "devices/dir/more"), nullptr);
}

TEST(Tree, DoesNotSplitKeysAtDots) {
  const Tree tree = read_tree("vg.one { lv.two = 1 }");

  EXPECT_EQ(as_integer(*lookup(tree, "vg.one/lv.two")), 1);
  EXPECT_EQ(lookup(tree, "vg/one"), nullptr);
}

// `lvmconfig --type current` of LVM2 2.03.16 answers the same for such a file.
TEST(Tree, MergesSectionsThatComeAgainInAConfiguration) {
  const Tree tree = read_tree("devices { dir = \"/one\" }\ndevices { scan = \"/x\" dir = \"/two\" }");

  EXPECT_EQ(as_string(*lookup(tree, "devices/dir")), "/two");
  EXPECT_EQ(as_string(*lookup(tree, "devices/scan")), "/x");
  EXPECT_EQ(tree.size(), 1u);
}

TEST(Tree, KeepsWhatComesAgainInASectionThatIsCarried) {
  Parser parser("s { a = 1 a = 2 }");
  parser.next();

  const Tree tree = read_section(parser);

  EXPECT_EQ(tree.size(), 2u);
  EXPECT_EQ(parser.next().kind, Event::Kind::end);
}

TEST(Tree, TakesAScalarForAListOfOne) {
  const Tree tree = read_tree("a = \"x\" b = [\"x\"] c = [] d = 1");

  EXPECT_EQ(*child(tree, "a"), *child(tree, "b"));
  EXPECT_THAT(as_strings(*child(tree, "a")), ElementsAre("x"));
  EXPECT_EQ(as_string(*child(tree, "b")), "x");
  EXPECT_NE(*child(tree, "c"), *child(tree, "a"));
  EXPECT_THAT(as_strings(*child(tree, "c")), ElementsAre());
  EXPECT_EQ(as_string(*child(tree, "c")), std::nullopt);
  EXPECT_EQ(as_string(*child(tree, "d")), std::nullopt);
  EXPECT_EQ(as_integer(*child(tree, "a")), std::nullopt);
}

TEST(Tree, TellsAnEmptyListFromAnEmptySection) {
  const Tree tree = read_tree("a = [] b { }");

  EXPECT_NE(*child(tree, "a"), *child(tree, "b"));
}

TEST(Tree, CountsSlashesAsDepth) {
  std::string slashes;
  for (int i = 0; i < 100000; ++i) slashes += "a/";

  EXPECT_THROW(read_tree(slashes + "a = 1"), Error);
  EXPECT_THROW(read_tree("x { a/b/c { d = 1 } }", {.max_depth = 3}), Error);
  EXPECT_NO_THROW(read_tree("x { a/b/d = 1 }", {.max_depth = 3}));
}

TEST(Tree, DropsEmptyPartsOfAPath) {
  EXPECT_EQ(read_tree("/a//b/ = 1"), read_tree("a { b = 1 }"));
}

}  // namespace
}  // namespace cv::config
