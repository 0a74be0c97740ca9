#include "tools/program.h"

#include "lib/base/error.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/help.h"
#include "tools/version.h"

namespace cv::tools {

namespace {

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// Programs are told by their name, wherever they are installed. No secret is ever an argument.
std::string command_line(const std::vector<std::string>& words) {
  std::string line(base_name(words[0]));
  for (std::size_t i = 1; i < words.size(); ++i) line += " " + words[i];
  return line;
}

Format format_called(std::string_view name) {
  if (name == "json") return Format::json;
  if (name == "json_std") return Format::json_std;
  return Format::basic;
}

}  // namespace

Call call_of(const std::vector<std::string>& words) {
  CV_ASSERT(!words.empty());
  const auto* linked = find_command(base_name(words[0]));
  if (linked != nullptr && linked->has_link) return {linked, {words.begin() + 1, words.end()}};
  if (words.size() < 2) {
    throw Error(Errc::usage, "no command was given").advise("'cvm help' lists the commands");
  }
  const std::string& name = words[1];
  if (name == "--help" || name == "-h") return {&command_named("help"), {words.begin() + 2, words.end()}};
  if (name == "--version") return {&command_named("version"), {words.begin() + 2, words.end()}};
  if (name.starts_with('-')) {
    throw Error(Errc::usage, "there is no command '{}'", name)
        .advise("options stand behind the command: cvm COMMAND {}", name);
  }
  return {&command_named(name), {words.begin() + 2, words.end()}};
}

Format format_in(const std::vector<std::string>& words) {
  constexpr std::string_view kOption = "--reportformat";
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == kOption && i + 1 < words.size()) return format_called(words[i + 1]);
    if (word.starts_with(kOption) && word.substr(kOption.size()).starts_with('=')) {
      return format_called(word.substr(kOption.size() + 1));
    }
  }
  return Format::basic;
}

void run_command(const std::vector<std::string>& words, const Host& host, MessageSink& sink) {
  const Call call = call_of(words);
  const Arguments arguments(*call.command, call.words);
  sink.show_up_to(level_of(arguments.count(kVerbose), arguments.has(kQuiet)));
  if (const auto format = arguments.text(kReportFormat)) host.output->use(format_called(*format));
  if (arguments.has(kHelp)) {
    host.output->text(help_text(*call.command));
  } else if (arguments.has(kVersion)) {
    host.output->text(version_text());
  } else {
    Host called = host;
    called.command_line = command_line(words);
    Session session(called, arguments);
    call.command->run(session, arguments);
  }
}

}  // namespace cv::tools
