#include "tools/arguments.h"

#include <algorithm>
#include <charconv>

#include <CLI/CLI.hpp>

#include "lib/base/error.h"
#include "tools/common_options.h"
#include "tools/long_options.h"

namespace cv::tools {

namespace {

std::vector<std::string> split_choices(std::string_view choices) {
  std::vector<std::string> all;
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    all.emplace_back(choices.substr(0, bar));
    choices.remove_prefix(bar == std::string_view::npos ? choices.size() : bar + 1);
  }
  return all;
}

void check_values(const Option& option, const std::vector<std::string>& values) {
  if (!option.repeats && values.size() > 1) {
    throw Error(Errc::usage, "option --{} is given {} times", option.name, values.size())
        .advise("give it once");
  }
  if (option.choices.empty()) return;
  const auto choices = split_choices(option.choices);
  for (const auto& value : values) {
    if (std::ranges::find(choices, value) != choices.end()) continue;
    throw Error(Errc::usage, "option --{} can't be '{}'", option.name, value)
        .advise("it takes one of {}", fmt::join(choices, ", "));
  }
}

template <class Deed>
void for_each_option(const std::vector<OptionGroup>& table, Deed&& deed) {
  for (const auto& group : table) {
    for (const auto& option : group.options) deed(option);
  }
}

void check_operands(const Command& command, std::size_t given) {
  if (given < command.min_operands) {
    throw Error(Errc::usage, "{} needs {}", command.name, command.operands)
        .advise("'cvm help {}' shows how it is called", command.name);
  }
  if (given > command.max_operands) {
    throw Error(Errc::usage, "{} takes {}, not {} arguments", command.name,
                command.max_operands == 0 ? "no arguments" : command.operands, given)
        .advise("'cvm help {}' shows how it is called", command.name);
  }
}

}  // namespace

std::string label(const Option& option) {
  return option.letter == 0 ? fmt::format("--{}", option.name)
                            : fmt::format("-{}|--{}", option.letter, option.name);
}

std::vector<OptionGroup> all_options(const Command& command) {
  auto groups = command.options;
  if (!command.only_reads) groups.push_back(options_of_every_change());
  groups.push_back(options_of_every_command());
  return groups;
}

Arguments::Arguments(const Command& command, std::span<const std::string> words) : command_(&command) {
  const auto table = all_options(command);
  auto plain = plain_arguments(words, table);

  CLI::App app;
  app.set_help_flag("");
  app.allow_windows_style_options(false);
  for_each_option(table, [&](const Option& option) {
    auto& values = values_[std::string(option.name)];
    const std::string name = fmt::format("--{}", option.name);
    if (option.value.empty()) {
      app.add_flag_function(
          name, [&values](std::int64_t times) { values.assign(static_cast<std::size_t>(times), {}); });
    } else {
      const auto store = [&values](const CLI::results_t& results) {
        values = results;
        return true;
      };
      app.add_option(name, store)->take_all();
    }
  });
  try {
    std::reverse(plain.options.begin(), plain.options.end());  // CLI11 takes them from the back
    app.parse(plain.options);
  } catch (const CLI::ParseError& error) {
    throw Error(Errc::usage, "the options can't be understood: {}", error.what());
  }
  for_each_option(table, [&](const Option& option) { check_values(option, texts(option)); });
  operands_ = std::move(plain.operands);
  if (!has(kHelp) && !has(kVersion)) check_operands(command, operands_.size());
}

std::size_t Arguments::count(const Option& option) const {
  const auto found = values_.find(option.name);
  return found == values_.end() ? 0 : found->second.size();
}

std::optional<std::string> Arguments::text(const Option& option) const {
  const auto found = values_.find(option.name);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::texts(const Option& option) const {
  const auto found = values_.find(option.name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::optional<std::uint64_t> Arguments::number(const Option& option, std::uint64_t max) const {
  const auto value = text(option);
  if (!value) return std::nullopt;
  std::uint64_t parsed = 0;
  const char* const end = value->data() + value->size();
  const auto [stopped, problem] = std::from_chars(value->data(), end, parsed);
  if (problem == std::errc::result_out_of_range || (problem == std::errc() && parsed > max)) {
    throw Error(Errc::usage, "option --{} can be at most {}, not {}", option.name, max, *value);
  }
  if (problem != std::errc() || stopped != end) {
    throw Error(Errc::usage, "option --{} takes a number, not '{}'", option.name, *value);
  }
  return parsed;
}

std::optional<bool> Arguments::yes_or_no(const Option& option) const {
  const auto value = text(option);
  if (!value) return std::nullopt;
  return *value == "y";
}

const std::string& Arguments::operand(std::size_t index) const {
  CV_ASSERT(index < operands_.size());
  return operands_[index];
}

void Arguments::exclude(const Option& one, const Option& other) const {
  if (has(one) && has(other)) {
    throw Error(Errc::usage, "{} and {} contradict each other", label(one), label(other))
        .advise("give only one of them");
  }
}

}  // namespace cv::tools
