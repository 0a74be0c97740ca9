// What a command is: a name, a table of options, prose for its page, and a function to run.
//
// The table is the one source of parsing, `--help`, the man page and the shell completion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cv::tools {

class Arguments;
class Session;

/// One option. Commands list the constants of common_options.h or their own; the same constant asks
/// Arguments for the value.
struct Option {
  char letter = 0;           ///< 'L' for -L; 0: no short form
  std::string_view name;     ///< "size" for --size; hyphens as the page shows them
  std::string_view value;    ///< what stands for its value on the page, "SIZE"; empty: a flag
  std::string_view help;     ///< one sentence in lower case, without a full stop
  std::string_view choices;  ///< "y|n|ay": nothing else is taken; empty: anything
  bool repeats = false;      ///< may be given more than once
};

/// The same option with what it means in one command.
constexpr Option meaning(Option option, std::string_view help) {
  option.help = help;
  return option;
}

/// "-L|--size", for messages.
std::string label(const Option& option);

struct OptionGroup {
  std::string_view heading;  ///< "Key options"
  std::vector<Option> options;
};

/// A section of prose on the man page; paragraphs are separated by an empty line.
struct Section {
  std::string_view heading;
  std::string_view text;
};

struct Example {
  std::string_view what;
  std::string_view line;
};

inline constexpr std::size_t kAnyNumber = SIZE_MAX;

struct Command {
  std::string_view name;     ///< "cvcreate", "pvcreate"
  std::string_view summary;  ///< one line in lower case, without a full stop
  /// What follows the name on the command line, one form each: "-L SIZE [-n NAME] VG [PV]...".
  std::vector<std::string_view> synopsis;
  std::string_view description;
  std::vector<OptionGroup> options;  ///< without those of every command
  std::size_t min_operands = 0;
  std::size_t max_operands = 0;
  std::string_view operands;  ///< for messages: "a volume group"
  std::vector<Section> sections;
  std::vector<Example> examples;
  std::vector<std::string_view> see_also;  ///< further commands
  bool has_link = false;                   ///< callable by its own name, not only behind cvm
  bool only_reads = false;                 ///< never changes a group: has no --autobackup
  void (*run)(Session& session, const Arguments& arguments) = nullptr;
};

/// Its own options, then those of every command.
std::vector<OptionGroup> all_options(const Command& command);

}  // namespace cv::tools
