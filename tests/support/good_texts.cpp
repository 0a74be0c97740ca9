#include "tests/support/good_texts.h"

#include <nlohmann/json.hpp>

#include "tests/support/fixture_files.h"

namespace cv::test {

using metadata::TextForm;

std::vector<GoodText> good_texts() {
  std::vector<GoodText> all;
  for (const auto& path : test_files("fixtures", ".vg")) all.push_back({path, TextForm::backup});
  for (const auto* folder : {"golden/on_disk", "golden/guest"})
    for (const auto& path : test_files(folder, ".txt")) all.push_back({path, TextForm::on_disk});
  for (const auto* ending : {"/on-disk.txt", "/after-stock-rewrite.txt"})
    for (const auto& path : test_files("fixtures", ending)) all.push_back({path, TextForm::on_disk});
  const auto grammar = nlohmann::json::parse(test_file("fixtures/grammar/expected.json"));
  for (const auto& [file, answer] : grammar.items())
    if (answer["stock_rc"] == 0) all.push_back({"fixtures/grammar/" + file, TextForm::on_disk});
  return all;
}

}  // namespace cv::test
