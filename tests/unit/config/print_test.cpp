#include "lib/config/print.h"

#include <gtest/gtest.h>

namespace cv::config {
namespace {

using namespace cv::literals;

TEST(Printer, LaysOutPlainTextWithoutTabsAndComments) {
  Printer printer(Layout::plain);

  printer.open("vg");
  printer.number("extent_size", 8192, "4 Megabytes");
  printer.rows("stripes", {"pv0", 0, "pv1", 5});
  printer.texts("tags", {"a", "b"});
  printer.close();

  EXPECT_EQ(std::move(printer).take(),
            "vg {\nextent_size = 8192\nstripes = [\n\"pv0\", 0,\n\"pv1\", 5\n]\ntags = [\"a\", \"b\"]\n}\n");
}

TEST(Printer, LinesCommentsUpAsLvmDoes) {
  Printer printer(Layout::readable);

  printer.open("vg");
  printer.text("format", "lvm2", "informational");
  printer.open("pv0");
  printer.number("dev_size", 131072, "64 Megabytes");
  printer.open("deep");
  printer.text("device", "/dev/loop0", "Hint only");
  printer.close();
  printer.close();
  printer.close();

  EXPECT_EQ(std::move(printer).take(),
            "vg {\n\tformat = \"lvm2\"\t\t\t# informational\n\tpv0 {\n\t\tdev_size = 131072\t# 64 Megabytes\n"
            "\t\tdeep {\n\t\t\tdevice = \"/dev/loop0\"\t# Hint only\n\t\t}\n\t}\n}\n");
}

TEST(Printer, QuotesWhatABareKeyCannotHold) {
  Printer printer(Layout::plain);

  printer.number("plain-key_1.x+", 1);
  printer.number("two words", 2);
  printer.number("l@1", 3);
  printer.number("a\"b\\c", 4);

  const std::string text = std::move(printer).take();
  EXPECT_EQ(text, "plain-key_1.x+ = 1\n\"two words\" = 2\n\"l@1\" = 3\n\"a\\\"b\\\\c\" = 4\n");
  Parser parser(text);
  for (const auto* key : {"plain-key_1.x+", "two words", "l@1", "a\"b\\c"}) EXPECT_EQ(parser.next().key, key);
}

TEST(Printer, EscapesSoThatParsingGivesTheSameString) {
  for (const std::string text :
       {"plain", "quote \" backslash \\ both \\\"", "new\nline", "\\", "\\\\", "a'b#{}"}) {
    Printer printer(Layout::plain);

    printer.text("key", text);

    const std::string printed = std::move(printer).take();
    Parser parser(printed);
    EXPECT_EQ(parser.next().items.front().text, text);
  }
}

TEST(Printer, RefusesANulByteThatWouldEndTheText) {
  Printer printer(Layout::plain);

  EXPECT_THROW(printer.text("key", std::string_view("a\0b", 3)), Error);
}

TEST(Printer, PrintsATreeThatReadsBackTheSame) {
  const std::string text = "s {\na = -1\nb = 1.50\nc = [\"x\"]\nd = []\ne {\nf = \"\"\n}\n}\n";
  const Tree tree = read_tree(text);
  Printer printer(Layout::plain);

  printer.node("s", *child(tree, "s"));

  EXPECT_EQ(std::move(printer).take(), text);
}

TEST(Printer, SaysSizesAsLvmDoes) {
  EXPECT_EQ(size_comment(8192_sectors), "4 Megabytes");
  EXPECT_EQ(size_comment(0_sectors), "0 Kilobytes");
  EXPECT_EQ(size_comment(2048_sectors), "1024 Kilobytes");
  EXPECT_EQ(size_comment(2049_sectors), "1.00049 Megabytes");
  EXPECT_EQ(size_comment(Sectors(std::uint64_t{1} << 34)), "8 Terabytes");
  EXPECT_EQ(size_comment(Sectors(std::uint64_t{1} << 50)), "524288 Terabytes");
}

}  // namespace
}  // namespace cv::config
