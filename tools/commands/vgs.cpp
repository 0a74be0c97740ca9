// vgs: a report on volume groups.
#include "tools/commands/list.h"
#include "tools/report_source.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

namespace {

using report::Row;

void run(Session& session, const Arguments& arguments) {
  const report::Request request(report::vg_report(), arguments);
  if (request.wants_field_list()) return session.output().text(report::field_list(request.kind()));
  std::vector<std::string> names;
  for (const auto& operand : arguments.operands()) names.push_back(parse_group_name(operand));

  ReportSource source(session);
  std::vector<Row> rows;
  const auto add = [&](const report::GroupFacts& group) {
    Row row;
    row.group = &group;
    rows.push_back(row);
  };
  if (names.empty()) {
    source.miss_unreadable();
    for (const auto& group : source.groups()) add(group);
  }
  for (const auto& name : names) {
    if (const auto* group = source.group(name)) add(*group);
  }
  source.finish(session, request, std::move(rows));
}

}  // namespace

Command vgs() {
  return {
      .name = "vgs",
      .summary = "report on volume groups",
      .synopsis = {"[OPTION]... [VG]..."},
      .description = "Shows a line for each volume group, or for those that are named.",
      .options = {report::report_options()},
      .max_operands = kAnyNumber,
      .operands = "volume groups",
      .examples = {{"The number of free extents of a group:", "cvm vgs --noheadings -o vg_free_count vg0"}},
      .see_also = {"pvs", "cvs", "vgcreate"},
      .only_reads = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
