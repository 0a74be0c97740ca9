#include "tests/interop/disk/both_reports.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tools/report/report.h"

namespace cv::test {

namespace {

using tools::report::Kind;

/// What a program knows only of devices that the kernel has, of which neither was asked: stock then says
/// "unknown" where we say nothing.
const std::set<std::string> kLive{"lv_suspended", "lv_device_open"};

const Kind& kind_called(const std::string& name) {
  if (name == "vg") return tools::report::vg_report();
  return name == "pv" ? tools::report::pv_report() : tools::report::lv_report();
}

/// Only what can be JSON: stock LVM2 puts lines of other kinds between.
std::string json_lines(const std::string& output) {
  std::string kept;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) {
    const auto first = line.find_first_not_of(' ');
    if (first != std::string::npos && std::string_view("{}[]\"").find(line[first]) != std::string_view::npos)
      kept += line + "\n";
  }
  return kept;
}

std::vector<ReportRow> rows_in(const ProgramResult& result, const std::string& command) {
  const std::string text = json_lines(result.output);
  if (result.status != 0 || text.empty())
    throw std::runtime_error(fmt::format("'{}' failed with {}: {}", command, result.status, result.output));
  const auto document = nlohmann::json::parse(text);
  std::vector<ReportRow> rows;
  for (const auto& report : document.at("report"))
    for (const auto& [kind, list] : report.items())
      for (const auto& row : list) {
        ReportRow& added = rows.emplace_back();
        for (const auto& [field, value] : row.items()) added[field] = value.get<std::string>();
      }
  return rows;
}

std::string text_of_row(const ReportRow& row) {
  std::string text;
  for (const auto& [field, value] : row) text += fmt::format(" {}={}", field, value);
  return text;
}

}  // namespace

ProgramResult run_cvm(const std::string& command) {
  const char* program = std::getenv("CVM");
  if (program == nullptr) throw std::runtime_error("set CVM to the program");
  std::vector<std::string> words{program};
  std::istringstream stream(command);
  for (std::string word; stream >> word;) words.push_back(word);
  words.insert(words.end(), {"--driverloaded", "n"});
  return run_program(words);
}

void must_cvm(const std::string& command) {
  const auto result = run_cvm(command);
  if (result.status != 0)
    throw std::runtime_error(
        fmt::format("'cvm {}' failed with {}: {}", command, result.status, result.output));
}

std::vector<ReportRow> stock_rows(const StockLvm& lvm, const std::string& command, bool may_complain) {
  const std::string whole = command + " --reportformat json --units s --nosuffix";
  auto result = run_program({"sh", "-c", fmt::format("exec lvm {} --driverloaded n 2>/dev/null", whole)});
  if (may_complain) result.status = 0;
  return rows_in(result.status == 0 ? result : lvm.run(whole), command);
}

std::vector<ReportRow> our_rows(const std::string& command) {
  return rows_in(run_cvm(command + " --reportformat json --units s --nosuffix"), command);
}

void BothReports::compare(const std::string& kind, const std::string& stock_command,
                          const std::string& our_command, std::vector<std::string>& found) {
  const auto theirs = stock_rows(lvm_, stock_command);
  std::string& shared = shared_[kind];
  if (shared.empty() && !theirs.empty()) {
    for (const auto& field : kind_called(kind).fields) {
      const std::string name(field.name);
      if (theirs[0].contains(name) && !kLive.contains(name)) shared += (shared.empty() ? "" : ",") + name;
    }
  }
  if (shared.empty()) return;
  const auto ours = our_rows(our_command + " -o " + shared);
  std::multiset<ReportRow> left;
  for (const ReportRow& row : theirs) {
    ReportRow reduced;
    for (const auto& [field, value] : row)
      if (("," + shared + ",").find("," + field + ",") != std::string::npos) reduced[field] = value;
    compared_ += reduced.size();
    left.insert(reduced);
  }
  for (const ReportRow& row : ours) {
    if (const auto same = left.find(row); same != left.end()) {
      left.erase(same);
    } else {
      found.push_back("ours:" + text_of_row(row));
    }
  }
  for (const ReportRow& row : left) found.push_back("stock:" + text_of_row(row));
}

std::vector<std::string> BothReports::differences() {
  std::vector<std::string> found;
  compare("vg", "vgs -o vg_all", "vgs", found);
  compare("pv", "pvs -o pv_all,vg_name", "pvs", found);
  compare("lv", "lvs -a -o lv_all,seg_all,vg_name", "cvs -a", found);
  return found;
}

}  // namespace cv::test
