#include "lib/config/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cv::config {
namespace {

using ::testing::HasSubstr;

/// Every event of a text on one line: "a{ b=1 c=[x|y] }".
std::string events_of(std::string_view text, Limits limits = {}) {
  Parser parser(text, limits);
  std::string result;
  for (;;) {
    const Event& event = parser.next();
    if (!result.empty() && event.kind != Event::Kind::end) result += ' ';
    switch (event.kind) {
      case Event::Kind::end: return result;
      case Event::Kind::section: result += std::string(event.key) + "{"; break;
      case Event::Kind::end_section: result += "}"; break;
      case Event::Kind::value:
        result += std::string(event.key) + (event.is_list ? "=[" : "=");
        for (const Item& item : event.items) {
          if (&item != &event.items.front()) result += '|';
          switch (item.kind) {
            case Item::Kind::integer: result += std::to_string(item.integer); break;
            case Item::Kind::real: result += "~" + std::string(item.text); break;
            case Item::Kind::string: result += std::string(item.text); break;
          }
        }
        if (event.is_list) result += ']';
    }
  }
}

std::string error_of(std::string_view text, Limits limits = {}) {
  try {
    return "no error: " + events_of(text, limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::damaged);
    return error.what();
  }
}

TEST(Parser, ReadsSectionsAndValues) {
  EXPECT_EQ(events_of("vg { id = \"x\"\n n = 3 }\nversion = 1"), "vg{ id=x n=3 } version=1");
  EXPECT_EQ(events_of(""), "");
  EXPECT_EQ(events_of(" \t\n# only a comment"), "");
  EXPECT_EQ(events_of("a{b{c=1}}"), "a{ b{ c=1 } }");
}

TEST(Parser, GivesTheEndAgainAndAgain) {
  Parser parser("a = 1");

  parser.next();

  EXPECT_EQ(parser.next().kind, Event::Kind::end);
  EXPECT_EQ(parser.next().kind, Event::Kind::end);
}

TEST(Parser, ReadsListsWithTrailingCommaAndComments) {
  EXPECT_EQ(events_of("a = []"), "a=[]");
  EXPECT_EQ(events_of("a = [ 1 ]"), "a=[1]");
  EXPECT_EQ(events_of("a=[1,2,]"), "a=[1|2]");
  EXPECT_EQ(events_of("a = [ # one\n \"x\", # two\n 7\n # three\n ]"), "a=[x|7]");
}

TEST(Parser, WantsCommasBetweenItems) {
  EXPECT_THAT(error_of("a = [1 2]"), HasSubstr("line 1, column 8: ',' or ']' is missing"));
  EXPECT_THAT(error_of("a = [,]"), HasSubstr("',' stands where a value should be"));
  EXPECT_THAT(error_of("a = [1,,2]"), HasSubstr("',' stands where a value should be"));
  EXPECT_THAT(error_of("a = [[1]]"), HasSubstr("'[' stands where a value should be"));
}

TEST(Parser, ReadsNumbersAsLvmDoes) {
  EXPECT_EQ(events_of("a=0 b=10 c=-1 d=+5"), "a=0 b=10 c=-1 d=5");
  EXPECT_EQ(events_of("a=0256 b=-010 c=00"), "a=174 b=-8 c=0");
  EXPECT_EQ(events_of("a=1.50 b=.5 c=-2."), "a=~1.50 b=~.5 c=~-2.");
  EXPECT_EQ(events_of("a=9223372036854775807 b=-9223372036854775808"),
            "a=9223372036854775807 b=-9223372036854775808");
}

TEST(Parser, RefusesNumbersThatLvmCannotRead) {
  EXPECT_EQ(error_of("a = 0x3\n b = 4"), "line 2, column 2: '=' or '{' is missing before 'b'");
  EXPECT_EQ(error_of("a = 0x3 }"), "line 1, column 9: '=' or '{' is missing before '}'");
  EXPECT_THAT(error_of("a = 08"), HasSubstr("is no octal number"));
  EXPECT_THAT(error_of("a = -"), HasSubstr("no digits"));
  EXPECT_THAT(error_of("a = ."), HasSubstr("no digits"));
  EXPECT_THAT(error_of("a = 9223372036854775808"), HasSubstr("too large"));
  EXPECT_THAT(error_of("a = -9223372036854775809"), HasSubstr("too large"));
  EXPECT_THAT(error_of("a = 99999999999999999999999"), HasSubstr("too large"));
}

TEST(Parser, UnescapesQuotesAndBackslashesOnly) {
  EXPECT_EQ(events_of(R"(a = "x\"y\\z")"), R"(a=x"y\z)");
  EXPECT_EQ(events_of(R"(a = "tab\t")"), R"(a=tab\t)");
  EXPECT_EQ(events_of(R"(a = 'x\"y')"), R"(a=x\"y)");
  EXPECT_EQ(events_of(R"(a = ["\\1", "\\22", "\"333", "plain"])"), R"(a=[\1|\22|"333|plain])");
}

TEST(Parser, LeavesEveryOtherByteInAStringAlone) {
  EXPECT_EQ(events_of("a = \"one\ntwo # {}=\xff\""), "a=one\ntwo # {}=\xff");
  EXPECT_EQ(events_of("a = \"\" b = ''"), "a= b=");
}

TEST(Parser, ReadsQuotedKeysAndBareStrings) {
  EXPECT_EQ(events_of("\"my lv\" { 'x' = striped }"), "my lv{ x=striped }");
  EXPECT_EQ(events_of("a/b = 1 1lv { }"), "a/b=1 1lv{ }");
  EXPECT_EQ(events_of("a = x,y]"), "a=x,y]");
}

TEST(Parser, EndsBarewordsWhereLvmEndsThem) {
  EXPECT_EQ(events_of("a = [READ , WRITE ]"), "a=[READ|WRITE]");
  EXPECT_THAT(error_of("a = [READ, WRITE ]"), HasSubstr("',' or ']' is missing"));
}

TEST(Parser, TreatsCarriageReturnsAsSpace) {
  EXPECT_EQ(events_of("a {\r\n b = [\r\n1\r\n]\r\n}\r\n"), "a{ b=[1] }");
}

TEST(Parser, EndsAtANulByte) {
  EXPECT_EQ(events_of(std::string_view("a = 1\n\0 }}}", 11)), "a=1");
  EXPECT_THAT(error_of(std::string_view("a = \"x\0y\"", 9)), HasSubstr("a string is not closed"));
}

TEST(Parser, SaysWhereItStoppedUnderstanding) {
  EXPECT_EQ(error_of("vg {\n  id = \"x\n"), "line 2, column 8: a string is not closed");
  EXPECT_EQ(error_of("vg {\n  id 5\n}"), "line 2, column 6: '=' or '{' is missing before '5'");
  EXPECT_EQ(error_of("vg {\n"), "line 2, column 1: the text ends inside a section");
  EXPECT_EQ(error_of("\n\n}"), "line 3, column 1: '}' closes no section");
  EXPECT_EQ(error_of("a = [\n1,\n"), "line 1, column 5: a list is not closed");
  EXPECT_EQ(error_of("a ="), "line 1, column 4: the text ends before a value");
  EXPECT_EQ(error_of("a"), "line 1, column 2: the text ends after a key");
  EXPECT_EQ(error_of("= 1"), "line 1, column 1: '=' is not expected here");
  EXPECT_EQ(error_of("a = }"), "line 1, column 5: '}' is not expected here");
  EXPECT_EQ(error_of("\"\" = 1"), "line 1, column 1: a key is empty");
  EXPECT_EQ(error_of("// { }"), "line 1, column 1: a key is empty");
  EXPECT_EQ(error_of("a \x01"), "line 1, column 3: '=' or '{' is missing before byte 0x01");
}

TEST(Parser, CountsLinesInsideStringsToo) {
  Parser parser("a = \"1\n2\n3\" b = 'x\ny'\n  c { }");

  parser.next();
  const Position second = parser.next().position;
  const Position third = parser.next().position;

  EXPECT_EQ(second.line, 3u);
  EXPECT_EQ(second.column, 4u);
  EXPECT_EQ(third.line, 5u);
  EXPECT_EQ(third.column, 3u);
}

TEST(Parser, BoundsDepthAndSize) {
  EXPECT_EQ(events_of("a{b{}}", {.max_depth = 2}), "a{ b{ } }");
  EXPECT_EQ(error_of("a{b{c{}}}", {.max_depth = 2}), "line 1, column 6: sections are nested too deeply");
  EXPECT_THAT(error_of("a = 1", {.max_bytes = 4}), HasSubstr("more than 4 are not read"));
  EXPECT_THAT(error_of(std::string(1000000, '{')), HasSubstr("column 1"));
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "a{";
  EXPECT_THAT(error_of(deep), HasSubstr("nested too deeply"));
}

TEST(Parser, SkipsASectionWithAllInIt) {
  Parser parser("a { b { c = 1 } d = 2 } e = 3");

  parser.next();
  parser.skip_section();

  EXPECT_EQ(parser.next().key, "e");
}

TEST(Parser, GoesBackToAMark) {
  Parser parser("a {\n b = 1 }\nc = 2");
  parser.next();
  const Parser::Mark mark = parser.mark();
  parser.skip_section();
  parser.next();

  parser.rewind(mark);

  const Event& event = parser.next();
  EXPECT_EQ(event.key, "b");
  EXPECT_EQ(event.position.line, 2u);
  EXPECT_EQ(parser.depth(), 1u);
}

}  // namespace
}  // namespace cv::config
