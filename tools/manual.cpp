#include "tools/manual.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/error.h"
#include "tools/common_options.h"
#include "tools/help.h"

namespace cv::tools {

namespace {

constexpr auto kErrors = std::to_array<ErrorKind>({
    {Errc::key_wrong, "The secret does not open the store."},
    {Errc::key_missing, "There is no secret, and nobody to ask or no answer."},
    {Errc::key_file, "The key file can't be read, or what is in it has the wrong size."},
    {Errc::usage,
     "The command line: an unknown command or option, a missing argument, options that contradict "
     "each other."},
    {Errc::bad_size, "A size or number of extents can't be read."},
    {Errc::bad_name, "A name is illegal or reserved."},
    {Errc::not_found, "There is no such device, group, volume or store."},
    {Errc::exists, "The name is taken."},
    {Errc::no_space, "There are too few free extents, or there is no room for metadata."},
    {Errc::in_use, "A device is open, or something stands above it."},
    {Errc::damaged, "What is on a disk contradicts itself."},
    {Errc::refused, "It would be wrong to do it; the message says why."},
    {Errc::unsupported, "It is not known to this program, this kernel or these libraries."},
    {Errc::no_handler, "No key handler of that name is installed."},
    {Errc::locked, "Somebody else holds the lock."},
    {Errc::overflow, "A number is larger than what can be counted."},
    {Errc::io, "A device or a file failed."},
    {Errc::kernel, "Device-mapper or the keyring refused."},
    {Errc::interrupted, "A signal ended it."},
});

constexpr std::string_view kExitStatus =
    "0 when it is done. 2 when it is about the secret: wrong, missing, unreadable, or nobody to ask. 3 when "
    "it is about "
    "the command line. 5 for any other failure. Every other status than 0 has said why on standard error; 2 "
    "and 3 "
    "have changed nothing.";

std::string paragraphs(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    if (!result.empty()) result += ".PP\n";
    result += roff(text.substr(0, end)) + '\n';
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  }
  return result;
}

std::string heading(std::string_view name, std::string_view section) {
  std::string title;
  for (const char c : name) title += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return fmt::format(
      ".\\\" Written by the build from the tables of the program.\n.TH \"{}\" \"{}\" \"\" \"cvm {}\" "
      "\"cvm\"\n",
      roff(title), section, CVM_VERSION);
}

std::string section(const Section& section) {
  return fmt::format(".SH \"{}\"\n{}", section.heading, paragraphs(section.text));
}

std::string option_entry(const Option& option) {
  std::string entry = ".TP\n";
  if (option.letter != 0) entry += fmt::format("\\fB\\-{}\\fR, ", option.letter);
  entry += fmt::format("\\fB\\-\\-{}\\fR", roff(option.name));
  if (!option.value.empty()) entry += fmt::format(" \\fI{}\\fR", roff(option.value));
  return entry + '\n' + roff(option.help) + ".\n";
}

std::string group_entry(const OptionGroup& group) {
  std::string text = fmt::format(".SS \"{}\"\n", roff(group.heading));
  for (const auto& option : group.options) text += option_entry(option);
  return text;
}

std::string references(const std::vector<std::pair<std::string, std::string>>& pages) {
  std::string text = ".SH \"SEE ALSO\"\n";
  for (std::size_t i = 0; i < pages.size(); ++i) {
    text += fmt::format(".BR {} ({}){}\n", roff(pages[i].first), pages[i].second,
                        i + 1 < pages.size() ? "," : "");
  }
  return text;
}

std::string example_entry(const Example& example) {
  return fmt::format(".PP\n{}\n.PP\n.nf\n.RS\n{}\n.RE\n.fi\n", roff(example.what), roff(example.line));
}

ManualPage overview(std::span<const Command> commands) {
  std::string text = heading("cvm", "8");
  text += ".SH NAME\ncvm \\- manage encrypted logical volumes\n";
  text += ".SH SYNOPSIS\n.B cvm\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n";
  for (const auto& one : overview_sections()) text += section(one);
  text += ".SH COMMANDS\n";
  for (const auto& command : commands) {
    text +=
        fmt::format(".TP\n\\fB{}\\fR\n{}{}: see\n.BR {} (8).\n", roff(command.name), roff(command.summary),
                    command.has_link ? "; also called by its own name" : "", roff(page_name(command)));
  }
  text += ".SH OPTIONS\n" + group_entry(options_of_every_command());
  text += fmt::format(".SH \"EXIT STATUS\"\n{}\n", roff(kExitStatus));
  std::vector<std::pair<std::string, std::string>> pages{{"cvm", "7"}};
  for (const auto& command : commands) pages.emplace_back(page_name(command), "8");
  pages.insert(pages.end(), {{"lvm", "8"}, {"cryptsetup", "8"}});
  return {"cvm.8", text + references(pages)};
}

ManualPage concepts() {
  std::string text = heading("cvm", "7");
  text += ".SH NAME\ncvm \\- volumes, keystores, secrets, sizes and errors of cvm\n";
  for (const auto& one : concept_sections()) text += section(one);
  text += fmt::format(".SH \"EXIT STATUS\"\n{}\n", roff(kExitStatus));
  text +=
      ".SH ERRORS\nWith \\fB\\-\\-reportformat json\\fR an error has one of these ids, which don't change.\n";
  for (const auto& [code, meaning] : kErrors) {
    text += fmt::format(".TP\n\\fB{}\\fR (exit status {})\n{}\n", roff(error_id(code)), exit_status(code),
                        roff(meaning));
  }
  return {"cvm.7", text + references({{"cvm", "8"}, {"cryptsetup", "8"}, {"lvm", "8"}})};
}

}  // namespace

const ErrorKind* find_error_kind(std::string_view id) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  const auto found = std::ranges::find_if(kErrors, [&](const ErrorKind& error) {
    return std::ranges::equal(error_id(error.code), id, {}, {}, upper);
  });
  return found == kErrors.end() ? nullptr : &*found;
}

std::string roff(std::string_view text) {
  std::string result;
  bool line_begins = true;
  for (const char c : text) {
    // A line that begins with one of these would be a command.
    if (line_begins && (c == '.' || c == '\'')) result += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if (c == '\'') {
      result += "\\(aq";
    } else if (c == '^') {
      result += "\\(ha";
    } else if (c == '~') {
      result += "\\(ti";
    } else if (c == '"') {
      result += "\\(dq";
    } else {
      result += c;
    }
  }
  return result;
}

ManualPage manual_page(const Command& command) {
  const auto name = page_name(command);
  std::string text = heading(name, "8");
  text += fmt::format(".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n", roff(name), roff(command.summary));
  auto forms = command.synopsis;
  if (forms.empty()) forms.emplace_back();
  for (std::size_t i = 0; i < forms.size(); ++i) {
    text +=
        fmt::format("{}\\fB{}\\fR {}\n", i == 0 ? "" : ".br\n", roff(invocation(command)), roff(forms[i]));
  }
  text += ".SH DESCRIPTION\n" + paragraphs(command.description);
  text += ".SH OPTIONS\n";
  for (const auto& group : all_options(command)) text += group_entry(group);
  for (const auto& one : command.sections) text += section(one);
  if (!command.examples.empty()) text += ".SH EXAMPLES\n";
  for (const auto& example : command.examples) text += example_entry(example);
  text += fmt::format(".SH \"EXIT STATUS\"\n{}\n", roff(kExitStatus));
  std::vector<std::pair<std::string, std::string>> pages{{"cvm", "8"}, {"cvm", "7"}};
  for (const auto other : command.see_also) {
    const bool behind_cvm = other.starts_with("pv") || other.starts_with("vg");
    pages.emplace_back(behind_cvm ? fmt::format("cvm-{}", other) : std::string(other), "8");
  }
  return {name + ".8", text + references(pages)};
}

std::vector<ManualPage> manual_pages(std::span<const Command> commands) {
  std::vector<ManualPage> pages{overview(commands), concepts()};
  for (const auto& command : commands) pages.push_back(manual_page(command));
  return pages;
}

}  // namespace cv::tools
