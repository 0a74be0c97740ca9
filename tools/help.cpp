#include "tools/help.h"

#include <fmt/format.h>

namespace cv::tools {

namespace {

constexpr std::size_t kWidth = 88;
constexpr std::size_t kHelpColumn = 36;

/// `text` in lines that begin at `indent`; the first goes on where `line` stands.
std::string wrapped(std::string line, std::string_view text, std::size_t indent) {
  std::string result;
  bool fresh = true;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    if (!fresh && line.size() + 1 + word.size() > kWidth) {
      result += line + '\n';
      line = std::string(indent, ' ');
      fresh = true;
    }
    line += fmt::format("{}{}", fresh ? "" : " ", word);
    fresh = false;
  }
  return result + line + '\n';
}

std::string option_help(const Option& option) {
  std::string line = fmt::format("  {}", usage_of(option));
  std::string text;
  if (line.size() + 2 > kHelpColumn) {
    text = line + '\n';
    line.clear();
  }
  line.resize(kHelpColumn, ' ');
  return text + wrapped(line, option.help, kHelpColumn);
}

}  // namespace

std::string invocation(const Command& command) {
  return command.has_link ? std::string(command.name) : fmt::format("cvm {}", command.name);
}

std::string page_name(const Command& command) {
  return command.has_link ? std::string(command.name) : fmt::format("cvm-{}", command.name);
}

std::string usage_of(const Option& option) {
  const auto letter = option.letter == 0 ? std::string("    ") : fmt::format("-{}, ", option.letter);
  return fmt::format("{}--{}{}{}", letter, option.name, option.value.empty() ? "" : " ", option.value);
}

std::string help_text(const Command& command) {
  std::string text = fmt::format("  {} - {}\n\n", command.name, command.summary);
  for (const auto form : command.synopsis) {
    text += wrapped(fmt::format("  {} ", invocation(command)), form, 8);
  }
  if (command.synopsis.empty()) text += fmt::format("  {}\n", invocation(command));
  for (const auto& group : all_options(command)) {
    text += fmt::format("\n  {}:\n", group.heading);
    for (const auto& option : group.options) text += option_help(option);
  }
  text += fmt::format("\n  The page {}(8) says more.\n", page_name(command));
  return text;
}

std::string help_overview(std::span<const Command> commands) {
  std::string text = "  cvm COMMAND [OPTION]... [ARGUMENT]...\n\n";
  for (const auto& command : commands) {
    text += fmt::format("  {:12} {}{}\n", command.name, command.summary,
                        command.has_link ? " (also called by its own name)" : "");
  }
  text += "\n  'cvm help COMMAND' or 'COMMAND --help' lists the options of a command.\n";
  return text;
}

}  // namespace cv::tools
