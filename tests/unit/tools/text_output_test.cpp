// Tables that are laid out without libsmartcols look as it lays them out. A backslash sends a table to
// libsmartcols.
#include <gtest/gtest.h>
#include <random>

#include "tools/report/report.h"

namespace cv::tools::report {
namespace {

std::string word(std::mt19937& random) {
  std::string text(random() % 12, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

Cell cell_of(Type type, std::mt19937& random) {
  switch (random() % 8 == 0 ? Type::list : type) {
    case Type::text: return word(random);
    case Type::number: return std::uint64_t{random() % 100000};
    case Type::size: return Bytes(random());
    case Type::list: return random() % 2 == 0 ? Cell() : Cell(std::vector{word(random), word(random)});
  }
  return {};
}

TEST(TextOutput, LooksAsLibsmartcolsMakesIt) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const auto all = lv_fields();
  for (int round = 0; round < 200; ++round) {
    Table table{"lv", {}, {}};
    for (std::size_t i = 0, columns = 1 + random() % 5; i < columns; ++i)
      table.fields.push_back(&all[random() % all.size()]);
    for (std::size_t row = 0, rows = 1 + random() % 5; row < rows; ++row) {
      auto& cells = table.rows.emplace_back();
      for (const Field* field : table.fields) cells.push_back(cell_of(field->type, random));
      if (row == 0) cells.front() = std::string("wide");
    }
    Style style;
    style.headings = random() % 2 == 0;

    const std::string ours = as_text(table, style);
    table.rows.emplace_back(table.fields.size()).front() = std::string("\\");
    const std::string theirs = as_text(table, style);

    EXPECT_EQ(ours, theirs.substr(0, ours.size()));
    EXPECT_EQ(std::ranges::count(theirs, '\n'), std::ranges::count(ours, '\n') + 1);
  }
}

}  // namespace
}  // namespace cv::tools::report
