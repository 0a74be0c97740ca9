#include "lib/base/rare_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace cv {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RareList, IsAsLargeAsAPointer) {
  EXPECT_EQ(sizeof(RareList<std::string>), sizeof(void*));
}

TEST(RareList, BeginsEmptyAndGrows) {
  RareList<std::string> list;
  EXPECT_TRUE(list.empty());
  EXPECT_THAT(list, IsEmpty());

  list.push_back("a");
  list.emplace_back("b");

  EXPECT_EQ(list.size(), 2u);
  EXPECT_THAT(list, ElementsAre("a", "b"));
}

TEST(RareList, IsAValue) {
  const RareList<std::string> list{"a", "b"};

  RareList<std::string> copy = list;
  copy[0] = "c";
  RareList<std::string> assigned;
  assigned = list;

  EXPECT_THAT(list, ElementsAre("a", "b"));
  EXPECT_THAT(copy, ElementsAre("c", "b"));
  EXPECT_EQ(assigned, list);
  EXPECT_NE(copy, list);
}

TEST(RareList, IsEqualToAnEmptyOneOnceAllItemsAreGone) {
  RareList<std::string> list{"a", "b"};

  list.remove_if([](const std::string&) { return true; });

  EXPECT_EQ(list, RareList<std::string>());
}

}  // namespace
}  // namespace cv
