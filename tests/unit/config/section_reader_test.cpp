#include "lib/config/section_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <array>

#include "lib/config/print.h"

namespace cv::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::array<std::string_view, 3> kKeys = {"id", "size", "tags"};

/// A struct as those of metadata: two known keys, one optional.
struct Thing {
  std::string id;
  std::uint64_t size = 0;
  std::vector<std::string> tags;
  Carried carried;
  friend bool operator==(const Thing&, const Thing&) = default;
};

Thing read_thing(std::string_view text) {
  Parser parser(text);
  parser.next();
  Thing thing;
  thing.carried = read_known(parser, kKeys, [&](const Event& event, std::size_t rank) {
    switch (rank) {
      case known(kKeys, "id"): thing.id = to_string(event); break;
      case known(kKeys, "size"): thing.size = to_unsigned(event); break;
      case known(kKeys, "tags"): thing.tags = to_strings(event); break;
      default: return false;
    }
    return true;
  });
  return thing;
}

std::string print_thing(const Thing& thing) {
  Printer printer(Layout::plain);
  printer.open("thing");
  SectionWriter writer(printer, thing.carried, kKeys);
  writer.text("id", thing.id);
  writer.number("size", thing.size);
  if (!thing.tags.empty()) writer.texts("tags", thing.tags);
  writer.finish();
  printer.close();
  return std::move(printer).take();
}

std::string error_of(std::string_view text) {
  try {
    read_thing(text);
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(SectionReader, PutsUnknownKeysBackInTheirPlace) {
  const std::string text =
      "thing {\nfirst = 1\nid = \"x\"\nbehind = [\"a\", 2]\nnested {\ndeep = 1.5\n}\nsize = 3\nlast = "
      "\"z\"\n}\n";

  const Thing thing = read_thing(text);

  EXPECT_EQ(thing.id, "x");
  EXPECT_EQ(thing.carried.size(), 4u);
  EXPECT_EQ(print_thing(thing), text);
}

TEST(SectionReader, KeepsCarriedKeysWhereTheKeyBeforeThemIsGone) {
  Thing thing = read_thing("thing { id = \"x\" size = 1 tags = [\"t\"] more = 2 }");

  thing.tags.clear();

  EXPECT_EQ(print_thing(thing), "thing {\nid = \"x\"\nsize = 1\nmore = 2\n}\n");
}

TEST(SectionReader, ReadsBackTheSameValueWhateverTheOrderWas) {
  const Thing thing = read_thing("thing { tags = \"t\" a = 1 size = 1 b = 2 id = \"x\" c = 3 }");

  EXPECT_EQ(read_thing(print_thing(thing)), thing);
  EXPECT_THAT(print_thing(thing), HasSubstr("id = \"x\"\nc = 3\nsize = 1\nb = 2\ntags = [\"t\"]\na = 1\n"));
}

TEST(SectionReader, TakesTheFirstOfADuplicateAndKeepsUnknownOnes) {
  const Thing thing = read_thing("thing { id = \"x\" id = \"y\" id { b = 3 } a = 1 a = 2 }");

  EXPECT_EQ(thing.id, "x");
  EXPECT_EQ(thing.carried.size(), 2u);
}

TEST(SectionReader, MakesNestedSectionsOfSlashes) {
  const Thing thing = read_thing("thing { a/b = 1 }");

  ASSERT_EQ(thing.carried.size(), 1u);
  EXPECT_EQ(thing.carried[0].key, "a");
  EXPECT_EQ(as_integer(*child(thing.carried[0].node, "b")), 1);
}

TEST(SectionReader, RefusesSlashesThatReachIntoAKnownKey) {
  EXPECT_EQ(error_of("thing {\n size/b = 1 }"), "line 2, column 2: size/b reaches into size with a slash");
  EXPECT_EQ(error_of("thing {\n /size/b = 1 }"), "line 2, column 2: /size/b reaches into size with a slash");
}

TEST(SectionReader, NamesLineAndKeyOfAWrongType) {
  EXPECT_EQ(error_of("thing {\n id = 5 }"), "line 2, column 2: id is not a string");
  EXPECT_EQ(error_of("thing {\n id = [\"a\", \"b\"] }"), "line 2, column 2: id is not a string");
  EXPECT_EQ(error_of("thing {\n id { } }"), "line 2, column 2: id is a section, not a value");
  EXPECT_EQ(error_of("thing {\n\nsize = \"5\" }"), "line 3, column 1: size is not a whole number");
  EXPECT_EQ(error_of("thing { size = 1.5 }"), "line 1, column 9: size is not a whole number");
  EXPECT_EQ(error_of("thing { size = -1 }"), "line 1, column 9: size is negative");
  EXPECT_EQ(error_of("thing { tags = [\"a\", 1] }"),
            "line 1, column 9: tags has an item that is not a string");
}

TEST(SectionReader, TakesAScalarForAListAndAListOfOneForAScalar) {
  const Thing thing = read_thing("thing { id = [\"x\"] size = [4] tags = \"t\" }");

  EXPECT_EQ(thing.id, "x");
  EXPECT_EQ(thing.size, 4u);
  EXPECT_THAT(thing.tags, ElementsAre("t"));
}

TEST(SectionReader, BoundsNumbers) {
  Parser parser("a = 4294967296");
  const Event& event = parser.next();

  EXPECT_EQ(to_unsigned(event), 4294967296u);
  EXPECT_THROW(to_unsigned32(event), Error);
}

TEST(SectionReader, DropsACarriedValueThatWasReplaced) {
  Thing thing = read_thing("thing { id = \"x\" size = 1 }");
  thing.carried.push_back({"tags", "tags", Tree(scalar("not understood"))});

  thing.tags = {"t"};

  EXPECT_EQ(print_thing(thing), "thing {\nid = \"x\"\nsize = 1\ntags = [\"t\"]\n}\n");
}

}  // namespace
}  // namespace cv::config
