// Our reports on the disks of the real LVM2 against what the real LVM2 reported on them.
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/fixture_disk.h"
#include "tests/support/fixture_files.h"
#include "tools/report/report.h"

using namespace cv;
using namespace cv::tools::report;
using nlohmann::json;

namespace {

/// Fields that need more than the disks: the time zone of the machine that reported.
const std::set<std::string> kElsewhere{"lv_time"};

Style stock_style() {
  Style style;
  style.units = tools::parse_units("s");
  return style;
}

class Machine {
 public:
  explicit Machine(const std::string& folder)
      : disks_(test::fixture_disks(folder, Bytes(64 << 20))),
        store_(test::store_on(disks_)),
        scan_(store_.scan()) {
    for (const auto& found : scan_.groups) {
      auto& facts = groups_.emplace_back(scan_, found);
      // The machine had no device-mapper: LVM2 then says "not active".
      for (const auto& lv : found.vg.lvs) facts.seen[lv.name].live = Live::inactive;
    }
  }

  std::vector<Row> pvs() const {
    std::vector<Row> rows;
    for (const auto& group : groups_) {
      for (const auto& pv : group.vg().pvs) {
        Row row;
        row.group = &group;
        row.pv = &pv;
        row.found_pv = group.pvs.at(pv.id);
        rows.push_back(row);
      }
    }
    for (const auto& pv : scan_.pvs) {
      Row row;
      row.found_pv = &pv;
      if (pv.state == metadata::PvState::orphan) rows.push_back(row);
    }
    return rows;
  }

  std::vector<Row> vgs() const {
    std::vector<Row> rows;
    for (const auto& group : groups_) {
      Row row;
      row.group = &group;
      rows.push_back(row);
    }
    return rows;
  }

  std::vector<Row> segments() const {
    std::vector<Row> rows;
    for (const auto& group : groups_) {
      for (const auto& lv : group.vg().lvs) {
        for (const auto& segment : lv.segments) {
          Row row;
          row.group = &group;
          row.lv = &lv;
          row.segment = &segment;
          rows.push_back(row);
        }
      }
    }
    return rows;
  }

 private:
  std::vector<test::Disk> disks_;
  metadata::MetadataStore store_;
  metadata::Scan scan_;
  std::vector<GroupFacts> groups_;
};

using TextRow = std::map<std::string, std::string>;

/// Both reports reduced to the fields that both have, in an order of their own.
std::multiset<TextRow> ours(const Kind& kind, const std::vector<Row>& rows,
                            const std::set<std::string>& names) {
  std::multiset<TextRow> all;
  for (const auto& row : rows) {
    TextRow text;
    for (const auto& field : kind.fields) {
      if (names.contains(std::string(field.name))) {
        text[std::string(field.name)] = text_of(field.value(row), stock_style());
      }
    }
    all.insert(text);
  }
  return all;
}

std::multiset<TextRow> theirs(const json& rows, const std::set<std::string>& names) {
  std::multiset<TextRow> all;
  for (const auto& row : rows) {
    TextRow text;
    for (const auto& [key, value] : row.items()) {
      if (names.contains(key)) text[key] = value.get<std::string>();
    }
    all.insert(text);
  }
  return all;
}

std::set<std::string> shared_fields(const Kind& kind, const json& rows) {
  std::set<std::string> names;
  for (const auto& field : kind.fields) {
    const std::string name(field.name);
    if (rows[0].contains(name) && !kElsewhere.contains(name)) names.insert(name);
  }
  return names;
}

json stock_rows(const std::string& folder, const std::string& kind) {
  const auto document = json::parse(test::test_file("fixtures/" + folder + "/" + kind + "s.json"));
  return document["report"][0][kind];
}

class StockReport : public testing::TestWithParam<std::string> {};

}  // namespace

TEST_P(StockReport, OnPhysicalVolumesIsOurs) {
  const Machine machine(GetParam());
  const auto stock = stock_rows(GetParam(), "pv");
  const auto names = shared_fields(pv_report(), stock);

  EXPECT_GE(names.size(), 15u);
  EXPECT_EQ(ours(pv_report(), machine.pvs(), names), theirs(stock, names));
}

TEST_P(StockReport, OnVolumeGroupsIsOurs) {
  const Machine machine(GetParam());
  const auto stock = stock_rows(GetParam(), "vg");
  const auto names = shared_fields(vg_report(), stock);

  EXPECT_GE(names.size(), 15u);
  EXPECT_EQ(ours(vg_report(), machine.vgs(), names), theirs(stock, names));
}

TEST_P(StockReport, OnSegmentsIsOurs) {
  const Machine machine(GetParam());
  const auto stock = stock_rows(GetParam(), "lv");
  const auto names = shared_fields(lv_report(), stock);

  EXPECT_GE(names.size(), 15u);
  EXPECT_EQ(ours(lv_report(), machine.segments(), names), theirs(stock, names));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, StockReport,
                         testing::Values("linear", "striped", "multi-pv", "label-sector-ba"),
                         [](const auto& fixture) {
                           std::string name = fixture.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(StockReportOfAnOrphan, IsOurs) {
  const Machine machine("orphan-pv");
  const auto stock = stock_rows("orphan-pv", "pv");
  const auto names = shared_fields(pv_report(), stock);

  EXPECT_EQ(ours(pv_report(), machine.pvs(), names), theirs(stock, names));
}

TEST(StockReportOfFlags, IsOurs) {
  for (const std::string folder : {"tags", "exported"}) {
    const Machine machine(folder);
    for (const auto* kind : {&pv_report(), &vg_report()}) {
      const auto stock = stock_rows(folder, std::string(kind->name));
      const auto names = shared_fields(*kind, stock);
      const auto rows = kind == &pv_report() ? machine.pvs() : machine.vgs();

      EXPECT_EQ(ours(*kind, rows, names), theirs(stock, names)) << folder;
    }
  }
}
