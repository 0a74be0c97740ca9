// pvs: a report on physical volumes.
#include <algorithm>
#include <set>

#include "lib/base/error.h"
#include "tools/commands/list.h"
#include "tools/report_source.h"

namespace cv::tools::commands {

namespace {

using report::Row;

std::vector<Row> all_rows(const ReportSource& source) {
  std::vector<Row> rows;
  std::set<const metadata::FoundPv*> members;
  for (const auto& group : source.groups()) {
    for (const auto& pv : group.vg().pvs) {
      const auto found = group.pvs.find(pv.id);
      Row row;
      row.group = &group;
      row.pv = &pv;
      if (found != group.pvs.end()) row.found_pv = found->second;
      members.insert(row.found_pv);
      rows.push_back(row);
    }
  }
  for (const auto& pv : source.scan().pvs) {
    Row row;
    row.found_pv = &pv;
    if (!members.contains(&pv)) rows.push_back(row);
  }
  return rows;
}

void keep_named(Session& session, ReportSource& source, const std::vector<std::string>& names,
                std::vector<Row>& rows) {
  std::set<std::string> wanted;
  for (const auto& name : names) {
    auto path = session.device_path(name);
    const auto* pv = metadata::find_pv(source.scan(), path);
    if (pv == nullptr) source.miss(Error(Errc::not_found, "there is no physical volume {}", name));
    wanted.insert(std::move(path));
  }
  source.miss_unreadable(wanted);
  std::erase_if(rows, [&](const Row& row) {
    return row.found_pv == nullptr || !wanted.contains(row.found_pv->disk.device->path());
  });
}

void run(Session& session, const Arguments& arguments) {
  const report::Request request(report::pv_report(), arguments);
  if (request.wants_field_list()) return session.output().text(report::field_list(request.kind()));
  ReportSource source(session);
  auto rows = all_rows(source);
  if (arguments.operands().empty())
    source.miss_unreadable();
  else
    keep_named(session, source, arguments.operands(), rows);
  source.finish(session, request, std::move(rows));
}

}  // namespace

Command pvs() {
  return {
      .name = "pvs",
      .summary = "report on physical volumes",
      .synopsis = {"[OPTION]... [PV]..."},
      .description =
          "Shows a line for each physical volume, or for those that are named. A physical volume that a "
          "group "
          "misses is shown as [unknown].",
      .options = {report::report_options()},
      .max_operands = kAnyNumber,
      .operands = "physical volumes",
      .examples = {{"Free space, in bytes, for a script:",
                    "cvm pvs --noheadings --nosuffix --units b -o pv_name,pv_free"}},
      .see_also = {"vgs", "cvs", "pvcreate"},
      .only_reads = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
