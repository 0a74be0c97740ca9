// explain: what an id of damage or of an error means.
#include "lib/base/error.h"
#include "metadata/check.h"
#include "metadata/damage.h"
#include "tools/commands/list.h"
#include "tools/manual.h"
#include "tools/report/explanation.h"
#include "tools/report_source.h"
#include "tools/session.h"
#include "tools/volume_name.h"

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

std::string explanation(ReportSource& source, const VolumeName& name) {
  const auto* group = source.group(name.vg);
  const auto* lv = group == nullptr ? nullptr : group->find_lv(*name.lv);
  if (lv == nullptr) {
    if (group != nullptr)
      source.miss(Error(Errc::not_found, "there is no volume {} in {}", *name.lv, name.vg));
    return {};
  }
  auto findings = group->found->findings;
  for (auto& damage : metadata::check(group->vg())) findings.push_back(std::move(damage));
  std::string text;
  for (const auto& line : report::explain_volume(*lv, *group, findings)) text += wrapped(line);
  return text;
}

void run(Session& session, const Arguments& arguments) {
  std::optional<ReportSource> source;  // ids need no disk
  std::string text;
  for (const auto& word : arguments.operands()) {
    if (!text.empty()) text += '\n';
    if (word.find('/') == std::string::npos) {
      text += explanation(word);
      continue;
    }
    const FullVolumeName name = parse_full_volume_name(word);
    if (!source) {
      source.emplace(session);
      source->look_at_devices(session, {.keys = true, .drift = true});
    }
    text += explanation(*source, {name.vg, name.lv});
  }
  session.output().text(text);
  if (source) source->finish();
}

}  // namespace

Command explain() {
  return {
      .name = "explain",
      .summary = "say what an id means, or how it stands with a volume",
      .synopsis = {"ID|VG/LV..."},
      .description =
          "Prints what an id means that cvck(8) has reported, or that an error has in JSON, and what to do "
          "about it.\n\n"
          "Of a volume it tells in sentences what it is, where it lies, which key opens it and whether that "
          "is at hand, what is wrong with it, and what can be done next. No key is needed for that.",
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "at least one id or volume",
      .examples = {{"What cvck means by LV-OVERLAP:", "cvm explain LV-OVERLAP"},
                   {"Why a volume does not open:", "cvm explain vg0/home"}},
      .see_also = {"cvck", "cvs"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
