// The man pages, written from the tables of the commands.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "tools/command.h"

namespace cv::tools {

struct ManualPage {
  std::string name;  ///< of the file: "cvcreate.8"
  std::string text;  ///< man(7)
};

/// cvm.8, cvm.7 and a page for each command.
std::vector<ManualPage> manual_pages(std::span<const Command> commands);

ManualPage manual_page(const Command& command);

/// Prose of cvm.7 and cvm.8 (manual_text.cpp).
std::vector<Section> overview_sections();
std::vector<Section> concept_sections();

/// What an id of an error stands for.
struct ErrorKind {
  Errc code;
  std::string_view meaning;
};
/// Null where there is no error with that id; upper and lower case are the same.
const ErrorKind* find_error_kind(std::string_view id);

/// Text as man(7) shows it word for word.
std::string roff(std::string_view text);

}  // namespace cv::tools
