// Which fields and rows a request chooses, and how they are written.
#include "tools/report/report.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/fixture_disk.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/tools/expect_error.h"
#include "tools/commands/list.h"
#include "tools/output.h"

using namespace cv;
using namespace cv::tools;
using namespace cv::tools::report;
using nlohmann::json;
using testing::ElementsAre;

namespace {

/// Stock LVM2's group with encrypted volumes in it.
class Machine {
 public:
  Machine()
      : disks_(test::fixture_disks("crypt-native", Bytes(130023424))),
        store_(test::store_on(disks_)),
        scan_(store_.scan()),
        group_(scan_, metadata::group_at(scan_, "vg")) {}

  std::vector<Row> rows(bool segments = false) const {
    std::vector<Row> rows;
    for (const auto& lv : group_.vg().lvs) {
      Row row;
      row.group = &group_;
      row.lv = &lv;
      if (segments) row.segment = &lv.segments.front();
      rows.push_back(row);
    }
    return rows;
  }

 private:
  std::vector<test::Disk> disks_;
  metadata::MetadataStore store_;
  metadata::Scan scan_;
  GroupFacts group_;
};

Request request(std::vector<std::string> words) {
  return Request(lv_report(), Arguments(command_named("cvs"), words));
}

std::vector<std::string> names(const Request& request) {
  std::vector<std::string> names;
  for (const Field* field : request.fields()) names.emplace_back(field->name);
  return names;
}

std::string text(const Machine& machine, std::vector<std::string> words) {
  const auto wanted = request(std::move(words));
  return as_text(table_of(wanted, wanted.arranged(machine.rows(wanted.mentions(About::segment)))),
                 wanted.style());
}

/// What an Output writes.
std::string written(Format format, const std::function<void(Output&)>& deed) {
  const test::TempDir folder;
  const auto path = folder.path("out");
  const CHandle<std::FILE, std::fclose> file(std::fopen(path.c_str(), "w"));
  Output output(fileno(file.get()), format);
  deed(output);
  const auto bytes = test::read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string reported(const Machine& machine, Format format, std::vector<std::string> words,
                     const Error* error = nullptr) {
  return written(format, [&](Output& output) {
    const auto wanted = request(words);
    output.report(table_of(wanted, wanted.arranged(machine.rows(wanted.mentions(About::segment)))),
                  wanted.style());
    output.finish(error);
  });
}

}  // namespace

TEST(ReportRequest, ReplacesOrAddsFields) {
  EXPECT_THAT(names(request({"-o", "lv_name,size"})), ElementsAre("lv_name", "lv_size"));
  EXPECT_EQ(names(request({"-o", "+devices"})).back(), "devices");
  EXPECT_EQ(names(request({"-o", "+devices"})).front(), "lv_name");
  EXPECT_THAT(names(request({"-o", "name", "-o", "+vg_name"})), ElementsAre("lv_name", "vg_name"));
}

TEST(ReportRequest, RefusesFieldsThatAreNone) {
  test::expect_error(Errc::usage, "nosuch", [] { request({"-o", "nosuch"}); });
  test::expect_error(Errc::usage, "field ''", [] { request({"-o", "lv_name,"}); });
  test::expect_error(Errc::usage, "pv_name", [] { request({"-O", "pv_name"}); });
}

TEST(ReportRequest, WantsSegmentsWhereAnyPartNamesOne) {
  EXPECT_FALSE(request({}).mentions(About::segment));
  EXPECT_TRUE(request({"-o", "+segtype"}).mentions(About::segment));
  EXPECT_TRUE(request({"-S", "segtype=crypt"}).mentions(About::segment));
  EXPECT_TRUE(request({"-O", "seg_start"}).mentions(About::segment));
}

TEST(Report, ShowsEncryptedVolumesWithTheirStores) {
  const Machine machine;

  EXPECT_EQ(text(machine, {"-S", "lv_name=tst", "-o",
                           "name,segtype,keystore,key_handler,cipher,key_size,devices", "--noheadings"}),
            "  tst crypt cryptostore1 plain   aes-xts-plain     256 tst_crdata(0)\n");
}

TEST(Report, HasLvmsHeadingsAndAlignment) {
  const Machine machine;

  EXPECT_EQ(text(machine, {"-S", "lv_name=lin || lv_name=lin1", "-o", "name,vg_name,attr,size"}),
            "  LV   VG Attr        LSize\n"
            "  lin  vg -wi-XX---- 12.00m\n"
            "  lin1 vg -wi-XX----  8.00m\n");
}

TEST(Report, ShowsKindsOfVolumesInTheirAttributes) {
  const Machine machine;

  EXPECT_EQ(text(machine, {"-S", "lv_name=~crypto || lv_name=tst", "-o", "name,attr,crypt_attr",
                           "--noheadings", "--separator", "|"}),
            "  [cryptostore1]|krn-XXk---|k---X\n"
            "  [cryptostore2]|kri-XXk---|k---X\n"
            "  [cryptostore2_crdata]|dwI-XX----|\n"
            "  tst|xwi-XXx---|c---X\n");
}

TEST(Report, SortsByAnyFieldBothWaysAndKeepsTheOrderOfEquals) {
  const Machine machine;

  EXPECT_EQ(text(machine, {"-O", "-size,name", "-S", "name=~^lin || name=tst || name=luks1", "-o", "name",
                           "--noheadings"}),
            "  tst\n  lin\n  luks1\n  lin1\n");
}

TEST(Report, HasNothingToSayWhereNoRowIsLeft) {
  const Machine machine;

  EXPECT_EQ(text(machine, {"-S", "lv_name=nosuch"}), "");
}

TEST(Report, ShowsSizesInTheUnitThatIsWanted) {
  const Machine machine;

  EXPECT_EQ(text(machine, {"-S", "name=tst", "-o", "size", "--noheadings", "--units", "b", "--nosuffix"}),
            "  16777216\n");
}

TEST(JsonReport, IsLvmsWithTextsForEverything) {
  const Machine machine;

  const auto document =
      json::parse(reported(machine, Format::json, {"-S", "name=tst", "-o", "name,size,tags,key_size"}));

  EXPECT_EQ(document, json::parse(R"({"report":[{"lv":[
      {"lv_name":"tst","lv_size":"16.00m","lv_tags":"","key_size":"256"}]}]})"));
}

TEST(JsonReport, HasRealNumbersListsAndNullInTheStandardForm) {
  const Machine machine;

  const auto document = json::parse(reported(
      machine, Format::json_std, {"-S", "name=tst || name=lin", "-o", "name,size,keystore,key_size,tags"}));

  EXPECT_EQ(document, json::parse(R"({"report":[{"lv":[
      {"lv_name":"lin","lv_size":12582912,"keystore":null,"key_size":null,"lv_tags":[]},
      {"lv_name":"tst","lv_size":16777216,"keystore":["cryptostore1"],"key_size":256,"lv_tags":[]}]}]})"));
}

TEST(JsonReport, HasFixedUnitsAsNumbersToo) {
  const Machine machine;

  const auto document =
      json::parse(reported(machine, Format::json_std, {"-S", "name=tst", "-o", "size", "--units", "m"}));

  EXPECT_EQ(document["report"][0]["lv"][0]["lv_size"], 16);
}

TEST(JsonReport, CarriesTheErrorThatEndedTheCommand) {
  const Machine machine;
  const auto error = Error(Errc::key_wrong, "the \"key\" is wrong").advise("try another");

  const auto document =
      json::parse(reported(machine, Format::json, {"-S", "name=tst", "-o", "name"}, &error));

  EXPECT_EQ(document["error"],
            json::parse(R"({"id":"CV-KEY-WRONG","message":"the \"key\" is wrong","hint":"try another"})"));
  EXPECT_EQ(document["report"][0]["lv"].size(), 1u);
}

TEST(JsonReport, IsAnErrorAloneWhereNothingWasReported) {
  const Error error(Errc::not_found, "gone");

  const auto text = written(Format::json_std, [&](Output& output) { output.finish(&error); });

  EXPECT_EQ(json::parse(text), json::parse(R"({"error":{"id":"CV-NOT-FOUND","message":"gone","hint":""}})"));
}

TEST(JsonReport, StaysValidWhateverTheBytesOfAName) {
  const Error error(Errc::not_found, "there is no \x80\xff\"\n{}", 1);

  EXPECT_TRUE(json::accept(written(Format::json, [&](Output& output) { output.finish(&error); })));
}

TEST(FieldList, NamesEveryField) {
  const auto list = field_list(lv_report());

  for (const auto& field : lv_report().fields) {
    EXPECT_THAT(list, testing::HasSubstr(std::string(field.name)));
  }
}

TEST(Tree, HangsVolumesOnWhatTheyBelongTo) {
  const Machine machine;
  const auto rows = machine.rows();
  const auto wanted = request({"-o", "name,size"});

  const auto tree =
      as_tree(wanted, {{0, "vg", rows[0]}, {1, "store", rows[0]}, {2, "tst", rows[0]}, {1, "lin", rows[0]}});

  EXPECT_THAT(tree, testing::HasSubstr("  vg "));
  EXPECT_THAT(tree, testing::HasSubstr("-store"));
  EXPECT_THAT(tree, testing::HasSubstr("-tst"));
  EXPECT_LT(tree.find("-tst"), tree.find("-lin"));
}
