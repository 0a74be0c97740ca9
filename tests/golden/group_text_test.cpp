// What the real LVM2 wrote, read and printed by us.
#include "metadata/group_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "metadata/check.h"
#include "metadata/usage.h"
#include "tests/support/fixture_files.h"

namespace cv::metadata {
namespace {

using nlohmann::json;
using test::test_file;
using test::test_files;
using ::testing::HasSubstr;
using ::testing::Not;

const TextStamp kStamp{"Write from a test", "host", 1795166748};

/// The group of a backup file alone, without comments behind values and without empty lines.
std::string group_of(const std::string& text, const std::string& name) {
  std::string result;
  for (std::size_t at = text.find("\n" + name + " {") + 1; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    line = line.substr(0, line.find("\t#"));
    line.erase(line.find_last_not_of('\t') + 1);
    if (!line.empty()) result += line + "\n";
  }
  return result;
}

std::string without_blank_lines(std::string text) {
  for (auto at = text.find("\n\n"); at != std::string::npos; at = text.find("\n\n", at)) text.erase(at, 1);
  return text;
}

struct Sample {
  std::string path;
  TextForm form;
};
void PrintTo(const Sample& sample, std::ostream* out) {
  *out << sample.path;
}

/// Every text of LVM2 that we can read.
std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const auto& path : test_files("fixtures", ".vg")) all.push_back({path, TextForm::backup});
  for (const auto& path : test_files("golden/on_disk", ".txt")) all.push_back({path, TextForm::on_disk});
  for (const auto& path : test_files("fixtures", "/on-disk.txt")) all.push_back({path, TextForm::on_disk});
  for (const auto& path : test_files("fixtures", "/after-stock-rewrite.txt"))
    all.push_back({path, TextForm::on_disk});
  return all;
}

class StockText : public ::testing::TestWithParam<Sample> {};
INSTANTIATE_TEST_SUITE_P(Fixtures, StockText, ::testing::ValuesIn(samples()));

TEST_P(StockText, ReadsBackTheSameFromBothForms) {
  const VolumeGroup vg = read_group(test_file(GetParam().path), GetParam().form);

  EXPECT_EQ(read_group(print_group(vg, kStamp)), vg);
  EXPECT_EQ(read_group(print_group(vg, kStamp, TextForm::backup), TextForm::backup), vg);
}

TEST_P(StockText, IsFoundCleanByCheck) {
  if (GetParam().path.find("crypt-shared-placeholder") != std::string::npos) {
    // A form of the shared kind whose data LVs have no owner that we know.
    EXPECT_FALSE(check(read_group(test_file(GetParam().path), GetParam().form)).empty());
    return;
  }
  const VolumeGroup vg = read_group(test_file(GetParam().path), GetParam().form);

  for (const Damage& damage : check(vg)) {
    EXPECT_NE(damage.severity, Severity::error) << damage.sentence;
  }
}

class OnDiskText : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Fixtures, OnDiskText, ::testing::ValuesIn(test_files("golden/on_disk", ".txt")));

TEST_P(OnDiskText, IsPrintedByteForByteAsLvmWroteIt) {
  const std::string text = test_file(GetParam());

  const std::string printed = print_group(read_group(text), kStamp);

  const auto group = [](const std::string& whole) { return whole.substr(0, whole.find("# Generated")); };
  if (GetParam().ends_with("history.txt")) {
    // LVM2 has an empty line in the section of removed volumes, which we carry along without knowing it.
    EXPECT_EQ(without_blank_lines(group(printed)), without_blank_lines(group(text)));
  } else {
    EXPECT_EQ(group(printed), group(text));
  }
}

class BackupText : public ::testing::TestWithParam<std::string> {};
std::vector<std::string> backups_of_known_types() {
  auto paths = test_files("fixtures", ".vg");
  // Here LVM2 prints keys that it does not know, and it prints them without spaces.
  std::erase_if(paths, [](const std::string& path) {
    return path.starts_with("fixtures/crypt-native/") || path.starts_with("fixtures/crypt-seed");
  });
  return paths;
}
INSTANTIATE_TEST_SUITE_P(Fixtures, BackupText, ::testing::ValuesIn(backups_of_known_types()));

TEST_P(BackupText, IsPrintedAsLvmWroteItButForCommentsOfKeysWeCarry) {
  const std::string text = test_file(GetParam());
  const VolumeGroup vg = read_group(text, TextForm::backup);

  const std::string printed = print_group(vg, kStamp, TextForm::backup);

  EXPECT_EQ(group_of(printed, vg.name), group_of(text, vg.name));
}

TEST(BackupTextOf, ALinearGroupIsPrintedWithLvmsComments) {
  const std::string text = test_file("fixtures/linear/vg_lin.vg");
  const VolumeGroup vg = read_group(text, TextForm::backup);

  const std::string printed = print_group(vg, kStamp, TextForm::backup);

  EXPECT_EQ(printed.substr(printed.find("\nvg_lin {")), text.substr(text.find("\nvg_lin {")));
}

/// LVM2 counts the write and sorts the volumes: visible ones first.
VolumeGroup by_meaning(VolumeGroup vg) {
  vg.seqno = 0;
  std::ranges::sort(vg.lvs, {}, &LogicalVolume::name);
  return vg;
}

class Rewrite : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Fixtures, Rewrite,
                         ::testing::ValuesIn(test_files("fixtures", "/after-stock-rewrite.txt")));

TEST_P(Rewrite, ByLvmKeepsTheMeaning) {
  const std::string folder = GetParam().substr(0, GetParam().rfind('/'));

  const VolumeGroup before = read_group(test_file(folder + "/on-disk.txt"));
  const VolumeGroup after = read_group(test_file(GetParam()));

  EXPECT_EQ(by_meaning(after), by_meaning(before));
}

TEST(Grammar, IsAcceptedAndRefusedAsByLvm) {
  const json expected = json::parse(test_file("fixtures/grammar/expected.json"));
  ASSERT_GT(expected.size(), 30u);

  for (const auto& [file, answer] : expected.items()) {
    const std::string text = test_file("fixtures/grammar/" + file);
    const bool accepted = answer["stock_rc"] == 0;
    const auto what = answer["what"].get<std::string>();
    try {
      const VolumeGroup vg = read_group(text);
      EXPECT_TRUE(accepted) << file << ": " << what;
      EXPECT_EQ(vg.name, "vg") << file;
      EXPECT_EQ(vg.seqno, 3u) << file;
      ASSERT_EQ(vg.lvs.size(), 1u) << file;
      EXPECT_EQ(vg.lvs[0].name, "lin") << file;
      EXPECT_EQ(vg.lvs[0].segments.at(0).count, Extents(3)) << file;
    } catch (const Error& error) {
      EXPECT_FALSE(accepted) << file << ": " << what << ": " << error.what();
    }
  }
}

TEST(CorruptText, IsRefusedWithAReason) {
  const std::pair<std::string, std::string> refused[] = {
      {"32-unknown-pv", "no physical or logical volume pv9"},
      {"33-segment-count", "volume l1: "},
      {"33-segment-count", "segment_count is 2, but there are 1 segments"},
      {"34-segment-gap", "a segment begins at extent 1, 0 is expected"},
      {"35-dup-lv-name", "two volumes are called l1"},
      {"37-bad-lv-uuid", "is no id"},
      {"39-unknown-lv-status", "the status flag FOO is not known"},
      {"40-missing-status", "status is missing in l1"},
      {"41-zero-extent", "the segment has no extents"},
      {"44-contents-wrong", "the text's contents are"},
      {"45-version-2", "format version 2"},
      {"46-missing-vg-id", "id is missing in vgbad"},
      {"47-name-with-leading-hyphen", "does not begin with the name of a volume group"},
      {"48-unterminated", "the text ends inside a section"},
  };

  for (const auto& [file, reason] : refused) {
    try {
      read_group(test_file("golden/corrupt/" + file + ".txt"));
      ADD_FAILURE() << file << " was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::damaged) << file;
      EXPECT_THAT(error.what(), HasSubstr(reason)) << file;
    }
  }
}

TEST(CorruptText, WhoseDamageNeedsTheWholeGroupIsLeftToCheck) {
  for (const auto* file : {"30-lv-overlap", "31-pe-out-of-range", "38-bad-lv-name"}) {
    const VolumeGroup vg = read_group(test_file(std::string("golden/corrupt/") + file + ".txt"));

    EXPECT_TRUE(std::ranges::any_of(check(vg), [](const Damage& damage) {
      return damage.severity == Severity::error;
    })) << file;
  }
}

TEST(CorruptText, WithAPvMarkedMissingIsRead) {
  const VolumeGroup vg = read_group(test_file("golden/corrupt/42-pv-missing-flag.txt"));

  EXPECT_TRUE(has_flag(vg.pvs.at(1).flags, "MISSING"));
}

// ---- what LVM2 reports about the same groups

std::uint64_t sectors(const json& row, const char* key) {
  return std::stoull(row.at(key).get<std::string>());
}

std::vector<json> rows(const std::string& folder, const std::string& kind) {
  std::vector<json> all;
  const json document = json::parse(test_file(folder + "/" + kind + "s.json"));
  for (const json& report : document.at("report"))
    for (const json& row : report.at(kind)) all.push_back(row);
  return all;
}

class Report : public ::testing::TestWithParam<std::string> {
 protected:
  std::string folder() const { return GetParam().substr(0, GetParam().rfind('/')); }
  VolumeGroup group() const { return read_group(test_file(GetParam()), TextForm::backup); }
};
std::vector<std::string> reported_groups() {
  auto paths = test_files("fixtures", ".vg");
  std::erase_if(paths, [](const std::string& path) { return path.ends_with("/during.vg"); });
  return paths;
}
INSTANTIATE_TEST_SUITE_P(Fixtures, Report, ::testing::ValuesIn(reported_groups()));

TEST_P(Report, OfTheGroupAgrees) {
  const VolumeGroup vg = group();
  Extents total;
  for (const PhysicalVolume& pv : vg.pvs) total += pv.pe_count;
  // LVM2 does not see which extents crypt segments of the seed form use.
  const std::uint64_t hidden = GetParam().find("crypt-seed-nozero") == std::string::npos ? 0 : 8;
  bool found = false;

  for (const json& row : rows(folder(), "vg")) {
    if (row.at("vg_name") != vg.name) continue;
    found = true;
    EXPECT_EQ(sectors(row, "vg_size"), to_sectors(total, vg.extent_size).n);
    EXPECT_EQ(sectors(row, "vg_free"), to_sectors(free_extents(vg) + Extents(hidden), vg.extent_size).n);
    EXPECT_EQ(sectors(row, "pv_count"), vg.pvs.size());
    if (row.contains("vg_uuid")) {
      EXPECT_EQ(row["vg_uuid"], vg.id.text());
    }
    if (row.contains("vg_extent_size")) {
      EXPECT_EQ(sectors(row, "vg_extent_size"), vg.extent_size.n);
    }
    if (row.contains("vg_systemid")) {
      EXPECT_EQ(row["vg_systemid"], vg.system_id);
    }
    const std::string attributes = row.at("vg_attr");
    EXPECT_EQ(attributes[0] == 'w', has_flag(vg.flags, "WRITE"));
    EXPECT_EQ(attributes[2] == 'x', has_flag(vg.flags, "EXPORTED"));
  }

  EXPECT_TRUE(found || !vg.system_id.empty());
}

TEST_P(Report, OfThePhysicalVolumesAgrees) {
  const VolumeGroup vg = group();
  const Usage usage = usage_of(vg);

  for (const json& row : rows(folder(), "pv")) {
    if (row.at("vg_name") != vg.name || !row.contains("pv_uuid")) continue;
    const auto id = PvId::parse(row["pv_uuid"].get<std::string>());
    ASSERT_TRUE(id);
    const PhysicalVolume* pv = find_pv(vg, *id);
    ASSERT_NE(pv, nullptr) << row["pv_name"];
    const auto place = static_cast<std::size_t>(pv - vg.pvs.data());
    EXPECT_EQ(sectors(row, "pe_start"), pv->pe_start.n);
    EXPECT_EQ(sectors(row, "dev_size"), pv->dev_size.value().n);
    EXPECT_EQ(sectors(row, "pv_pe_count"), pv->pe_count.n);
    EXPECT_EQ(sectors(row, "pv_pe_alloc_count"), (pv->pe_count - usage.pvs.at(place).free.total()).n);
    EXPECT_EQ(row.at("pv_attr").get<std::string>()[0] == 'a', has_flag(pv->flags, "ALLOCATABLE"));
  }
}

TEST_P(Report, OfTheLogicalVolumesAgrees) {
  const VolumeGroup vg = group();

  for (const json& row : rows(folder(), "lv")) {
    if (row.at("vg_name") != vg.name) continue;
    std::string name = row.at("lv_name");
    const bool hidden = name.front() == '[';
    if (hidden) name = name.substr(1, name.size() - 2);
    const LogicalVolume* lv = find_lv(vg, name);
    ASSERT_NE(lv, nullptr) << name;
    // In the text a snapshot's LV is hidden and "snapshotN" visible; reports have it the other way round.
    if (GetParam().find("snapshot/") == std::string::npos) {
      EXPECT_EQ(hidden, !is_visible(*lv)) << name;
    }
    EXPECT_EQ(sectors(row, "lv_size"), to_sectors(size_of(*lv), vg.extent_size).n) << name;
    if (row.contains("lv_uuid")) {
      EXPECT_EQ(row["lv_uuid"], lv->id.text());
    }
    if (row.contains("lv_host")) {
      EXPECT_EQ(row["lv_host"], lv->creation_host) << name;
    }
    if (!row.contains("seg_start_pe") || !row.contains("seg_size_pe")) continue;
    const Extents start(sectors(row, "seg_start_pe"));
    const auto segment = std::ranges::find(lv->segments, start, &Segment::start);
    ASSERT_NE(segment, lv->segments.end()) << name;
    EXPECT_EQ(sectors(row, "seg_size_pe"), segment->count.n) << name;
    if (const auto* striped = std::get_if<Striped>(&segment->kind)) {
      const std::string type = row.at("segtype");
      if (type == "linear" || type == "striped") {
        EXPECT_EQ(sectors(row, "stripes"), striped->stripes.size()) << name;
        EXPECT_EQ(sectors(row, "stripe_size"), striped->stripe_size.n) << name;
      }
    }
  }
}

}  // namespace
}  // namespace cv::metadata
