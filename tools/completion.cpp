#include "tools/completion.h"

#include <algorithm>
#include <vector>

#include <algorithm>

#include <fmt/format.h>

namespace cv::tools {

namespace {

constexpr std::string_view kHead =
    R"bash(# bash completion for cvm; written by the build from the tables of the program.

_cvm_volumes() {
  cvm cvs --noheadings -q -o lv_full_name 2>/dev/null
  cvm vgs --noheadings -q -o vg_name 2>/dev/null
}

)bash";

constexpr std::string_view kTail = R"bash(
_cvm() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[0]##*/}
  COMPREPLY=()
  if [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $cur == = ]]; then cur=; fi
  if [[ $command == cvm ]]; then
    if ((COMP_CWORD == 1)); then
      COMPREPLY=($(compgen -W "$_cvm_commands" -- "$cur"))
      return
    fi
    command=${COMP_WORDS[1]}
  fi
  local choices
  choices=$(_cvm_choices "$prev")
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
  elif [[ $prev == --keyfile || $prev == --devices || $prev == --header || $prev == --names-from ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$(_cvm_options "$command")" -- "$cur"))
  elif [[ $command == help ]]; then
    COMPREPLY=($(compgen -W "$_cvm_commands" -- "$cur"))
  elif [[ $command == pv* || $cur == /* ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$(_cvm_volumes)" -- "$cur"))
  fi
}

)bash";

std::string words_of(const Command& command) {
  std::string words;
  for (const auto& group : all_options(command)) {
    for (const auto& option : group.options)
      words += fmt::format("{}--{}", words.empty() ? "" : " ", option.name);
  }
  return words;
}

std::string spaced(std::string_view choices) {
  std::string words(choices);
  for (char& c : words) {
    if (c == '|') c = ' ';
  }
  return words;
}

std::string choice_cases(std::span<const Command> commands) {
  std::string cases;
  std::vector<std::string_view> done;
  for (const auto& command : commands) {
    for (const auto& group : all_options(command)) {
      for (const auto& option : group.options) {
        const bool known = std::ranges::find(done, option.name) != done.end();
        if (option.choices.empty() || known) continue;
        done.push_back(option.name);
        cases += fmt::format("    --{}) echo '{}' ;;\n", option.name, spaced(option.choices));
      }
    }
  }
  return cases;
}

}  // namespace

std::string bash_completion(std::span<const Command> commands) {
  std::string names;
  std::string options;
  std::string called = "cvm";
  for (const auto& command : commands) {
    names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
    options += fmt::format("    {}) echo '{}' ;;\n", command.name, words_of(command));
    if (command.has_link) called += fmt::format(" {}", command.name);
  }
  return fmt::format(
      "{}_cvm_commands='{}'\n\n_cvm_options() {{\n  case $1 in\n{}  esac\n}}\n\n"
      "_cvm_choices() {{\n  case $1 in\n{}  esac\n}}\n{}complete -F _cvm {}\n",
      kHead, names, options, choice_cases(commands), kTail, called);
}

}  // namespace cv::tools
