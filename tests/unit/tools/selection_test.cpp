// Which rows a selection lets pass.
#include "tools/report/selection.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tools/expect_error.h"

using namespace cv;
using namespace cv::tools::report;
using metadata::LogicalVolume;

namespace {

// A catalogue of its own: the name, the number of segments as a size in bytes, the creation time, the tags.
const std::array kCatalogue{
    Field{"lv_name", "LV", About::lv, Type::text, "", [](const Row& row) -> Cell { return row.lv->name; }},
    Field{"lv_host", "Host", About::lv, Type::text, "", [](const Row&) -> Cell { return {}; }},
    Field{"lv_size", "LSize", About::lv, Type::size, "",
          [](const Row& row) -> Cell { return Bytes(row.lv->creation_time.value_or(0)); }},
    Field{
        "lv_time", "Time", About::lv, Type::number, "",
        [](const Row& row) -> Cell { return row.lv->creation_time ? Cell(*row.lv->creation_time) : Cell(); }},
    Field{"lv_tags", "Tags", About::lv, Type::list, "", [](const Row& row) -> Cell { return row.lv->tags; }},
    Field{"devices", "Devices", About::segment, Type::list, "", [](const Row&) -> Cell { return {}; }},
};

LogicalVolume volume(std::string name, std::optional<std::uint64_t> number = std::nullopt,
                     std::vector<std::string> tags = {}) {
  LogicalVolume lv;
  lv.name = std::move(name);
  lv.creation_time = number;
  lv.tags = std::move(tags);
  return lv;
}

bool selected(std::string_view text, const LogicalVolume& lv) {
  Row row;
  row.lv = &lv;
  return Selection(text, kCatalogue, "lv_").matches(row);
}

const LogicalVolume kHome = volume("home", 2048, {"a", "b"});

}  // namespace

TEST(Selection, ComparesTexts) {
  EXPECT_TRUE(selected("lv_name=home", kHome));
  EXPECT_TRUE(selected("lv_name = 'home'", kHome));
  EXPECT_TRUE(selected("lv_name=\"home\"", kHome));
  EXPECT_FALSE(selected("lv_name=hom", kHome));
  EXPECT_TRUE(selected("lv_name!=root", kHome));
}

TEST(Selection, ComparesSizesWithTheirUnits) {
  EXPECT_TRUE(selected("lv_size=2k", kHome));
  EXPECT_TRUE(selected("lv_size>=2048b", kHome));
  EXPECT_TRUE(selected("lv_size<1m", kHome));
  EXPECT_TRUE(selected("lv_size<=4s", kHome));
  EXPECT_FALSE(selected("lv_size>2k", kHome));
}

TEST(Selection, ComparesNumbersAsNumbers) {
  EXPECT_TRUE(selected("lv_time>300", kHome));
  EXPECT_TRUE(selected("lv_time!=300", kHome));
}

TEST(Selection, FindsNoNumberWhereThereIsNone) {
  EXPECT_FALSE(selected("lv_time<5", volume("x")));
  EXPECT_FALSE(selected("lv_time>=0", volume("x")));
  EXPECT_TRUE(selected("lv_time!=0", volume("x")));
}

TEST(Selection, TakesAnAbsentTextForTheEmptyOne) {
  EXPECT_TRUE(selected("lv_host=''", kHome));
  EXPECT_FALSE(selected("lv_host=x", kHome));
}

TEST(Selection, SearchesByRegularExpression) {
  EXPECT_TRUE(selected("lv_name=~^ho", kHome));
  EXPECT_TRUE(selected("lv_name=~(x|om)", kHome));
  EXPECT_TRUE(selected("lv_name!~^om", kHome));
  EXPECT_TRUE(selected("lv_tags=~b", kHome));
  EXPECT_TRUE(selected("(lv_name=~ho)", kHome));
}

TEST(Selection, LooksIntoLists) {
  EXPECT_TRUE(selected("lv_tags=a", kHome));
  EXPECT_FALSE(selected("lv_tags=c", kHome));
  EXPECT_TRUE(selected("lv_tags!=c", kHome));
  EXPECT_TRUE(selected("lv_tags={a,b}", kHome));
  EXPECT_TRUE(selected("lv_tags={c||b}", kHome));
  EXPECT_FALSE(selected("lv_tags={c && b}", kHome));
  EXPECT_TRUE(selected("lv_tags=[b,a]", kHome));
  EXPECT_FALSE(selected("lv_tags=[a]", kHome));
  EXPECT_TRUE(selected("lv_tags=[]", volume("x")));
}

TEST(Selection, BindsAndBeforeOr) {
  EXPECT_TRUE(selected("lv_name=home || lv_name=x && lv_name=y", kHome));
  EXPECT_FALSE(selected("(lv_name=home || lv_name=x) && lv_name=y", kHome));
  EXPECT_TRUE(selected("lv_name=home&&lv_size=2k", kHome));
}

TEST(Selection, DeniesOneThingOrAGroup) {
  EXPECT_FALSE(selected("!lv_name=home", kHome));
  EXPECT_TRUE(selected("!(lv_name=x || lv_name=y)", kHome));
  EXPECT_TRUE(selected("!!lv_name=home", kHome));
}

TEST(Selection, KnowsFieldsWithoutPrefixAndUnderscores) {
  EXPECT_TRUE(selected("name=home", kHome));
  EXPECT_TRUE(selected("lvname=home", kHome));
}

TEST(Selection, NamesTheFieldsThatItLooksAt) {
  const Selection selection("name=x || (devices=y && !size>1)", kCatalogue, "lv_");

  ASSERT_EQ(selection.fields().size(), 3u);
  EXPECT_EQ(selection.fields()[1]->name, "devices");
}

TEST(Selection, IsRefusedWhereItCantBeUnderstood) {
  for (const char* bad : {"", "name", "name=", "=x", "name=x name=y", "name=x &&", "(name=x", "name=x)",
                          "name='x", "tags={a", "tags>a", "name==x && ", "! "}) {
    test::expect_error(Errc::usage, "selection", [&] { selected(bad, kHome); });
  }
  test::expect_error(Errc::usage, "nosuch", [] { selected("nosuch=1", kHome); });
  test::expect_error(Errc::usage, "regular expression", [] { selected("name=~[", kHome); });
  test::expect_error(Errc::bad_size, "no size", [] { selected("size>big", kHome); });
  test::expect_error(Errc::usage, "no number", [] { selected("time>x", kHome); });
}

TEST(Selection, IsRefusedWhereItIsNestedTooDeeply) {
  const std::string deep = std::string(100000, '(') + "name=x";
  const std::string denied = std::string(100000, '!') + "name=x";

  test::expect_error(Errc::usage, "too deeply", [&] { selected(deep, kHome); });
  test::expect_error(Errc::usage, "too deeply", [&] { selected(denied, kHome); });
}
