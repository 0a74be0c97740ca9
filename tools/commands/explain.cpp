// explain: what an id of damage or of an error means.
#include "lib/base/error.h"
#include "metadata/damage.h"
#include "tools/commands/list.h"
#include "tools/manual.h"
#include "tools/session.h"

namespace cv::tools::commands {

namespace {

/// Whole words in lines of a terminal's width.
std::string wrapped(std::string_view text) {
  constexpr std::size_t kWidth = 88;
  std::string result;
  std::string line = "  ";
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (line.size() > 2 && line.size() + 1 + word.size() > kWidth) {
      result += line + '\n';
      line = "  ";
    }
    if (line.size() > 2) line += ' ';
    line += word;
  }
  return result + line + '\n';
}

std::string explanation(std::string_view id) {
  if (const auto* kind = metadata::find_damage_kind(id))
    return fmt::format("  {} ({})\n", kind->id, metadata::severity_name(kind->severity)) +
           wrapped(kind->meaning) + wrapped(fmt::format("What to do: {}.", kind->advice));
  if (const auto* error = find_error_kind(id))
    return fmt::format("  {} (exit status {})\n", error_id(error->code), exit_status(error->code)) +
           wrapped(error->meaning);
  throw Error(Errc::usage, "there is no id '{}'", id).advise("cvck(8) and cvm(7) list them");
}

void run(Session& session, const Arguments& arguments) {
  std::string text;
  for (const auto& id : arguments.operands()) text += (text.empty() ? "" : "\n") + explanation(id);
  session.output().text(text);
}

}  // namespace

Command explain() {
  return {
      .name = "explain",
      .summary = "say what an id of damage or of an error means",
      .synopsis = {"ID..."},
      .description =
          "Prints what an id means that cvck(8) has reported, or that an error has in JSON, and what to do "
          "about it.",
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "at least one id",
      .examples = {{"What cvck means by LV-OVERLAP:", "cvm explain LV-OVERLAP"}},
      .see_also = {"cvck"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
