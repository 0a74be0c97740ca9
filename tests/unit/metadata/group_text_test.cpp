#include "metadata/group_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/log.h"
#include "metadata/flags.h"
#include "tests/support/fixture_files.h"

namespace cv::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TextStamp kStamp{"Write from a test", "host", 1795166748};

class Silence final : public log::Sink {
 public:
  void line(log::Level, std::string_view) noexcept override {}
};

std::vector<std::string_view> status_of(const Flags& flags) {
  std::vector<std::string_view> names;
  list_status(flags, names);
  return names;
}

/// A small text that every part of can be replaced.
std::string good_text() {
  return test::test_file("fixtures/grammar/00.txt");
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string without_line(std::string text, std::string_view line) {
  return with(std::move(text), std::string("\n").append(line), "");
}

std::string error_of(std::string_view text, TextForm form = TextForm::on_disk) {
  try {
    read_group(text, form);
    return "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::damaged);
    return error.what();
  }
}

TEST(GroupText, ReadsAGroup) {
  const VolumeGroup vg = read_group(good_text());

  EXPECT_EQ(vg.name, "vg");
  EXPECT_EQ(vg.id.text(), "Uq3RAS-jr5Y-LdU4-I3Pr-7E8B-GWUT-OJPEu0");
  EXPECT_EQ(vg.seqno, 3u);
  EXPECT_THAT(status_of(vg.flags), ElementsAre("RESIZEABLE", "READ", "WRITE"));
  EXPECT_EQ(vg.extent_size, Sectors(8192));
  ASSERT_EQ(vg.pvs.size(), 1u);
  EXPECT_EQ(vg.pvs[0].device, "/dev/loop0");
  EXPECT_EQ(vg.pvs[0].pe_count, Extents(15));
  ASSERT_EQ(vg.lvs.size(), 1u);
  EXPECT_EQ(vg.lvs[0].name, "lin");
  EXPECT_EQ(vg.lvs[0].creation_time, 1795167690u);
  ASSERT_EQ(vg.lvs[0].segments.size(), 1u);
  EXPECT_EQ(vg.lvs[0].segments[0].count, Extents(3));
  EXPECT_EQ(std::get<Striped>(vg.lvs[0].segments[0].kind).stripes,
            std::vector<Area>{(PhysicalArea{vg.pvs[0].id, Extents(0)})});
}

TEST(GroupText, WantsANameAtTheFirstByteOnDiskOnly) {
  const std::string text = good_text();

  EXPECT_EQ(error_of("\n" + text),
            "line 1, column 1: the text does not begin with the name of a volume group");
  EXPECT_THAT(error_of("# x\n" + text), HasSubstr("does not begin with the name"));
  EXPECT_THAT(error_of("-" + text), HasSubstr("does not begin with the name"));
  EXPECT_THAT(error_of("\"vg\"" + text.substr(2)), HasSubstr("does not begin with the name"));
  EXPECT_THAT(error_of(""), HasSubstr("does not begin with the name"));
  EXPECT_EQ(read_group("# x\n" + text, TextForm::backup), read_group(text));
}

TEST(GroupText, WantsContentsAndVersion) {
  const std::string text = good_text();

  EXPECT_EQ(error_of(without_line(text, "version = 1")), "version is missing in the text");
  EXPECT_EQ(error_of(with(text, "version = 1", "version = 2")), "the text has format version 2, not 1");
  EXPECT_EQ(error_of(with(text, "contents = \"Text", "contents = \"Other")),
            "the text's contents are \"Other Format Volume Group\"");
  EXPECT_EQ(error_of("vg = 1\ncontents = \"x\""), "there is no volume group in the text");
}

TEST(GroupText, NamesTheKeyThatIsMissingAndWhere) {
  const std::string text = good_text();

  EXPECT_EQ(error_of(without_line(text, "seqno = 3")), "line 1, column 1: seqno is missing in vg");
  EXPECT_EQ(error_of(without_line(text, "max_pv = 0")), "line 1, column 1: max_pv is missing in vg");
  EXPECT_EQ(error_of(without_line(text, "pe_start = 2048")), "line 14, column 1: pe_start is missing in pv0");
  EXPECT_EQ(error_of(without_line(text, "segment_count = 1")),
            "volume lin: line 28, column 1: segment_count is missing in lin");
  EXPECT_EQ(error_of(without_line(text, "start_extent = 0")),
            "volume lin: line 36, column 1: start_extent is missing in the segment");
  EXPECT_EQ(error_of(without_line(text, "type = \"striped\"")),
            "volume lin: line 36, column 1: type is missing in the segment");
}

TEST(GroupText, RefusesWhatLvmRefuses) {
  const std::string text = good_text();

  EXPECT_THAT(error_of(with(text, "extent_size = 8192", "extent_size = 0")), HasSubstr("extent_size is 0"));
  EXPECT_THAT(error_of(with(text, "Si4jQq", "Si4jQ")), HasSubstr("is no id"));
  EXPECT_THAT(error_of(with(text, "\"VISIBLE\"", "\"CRYPT\"")), HasSubstr("status flag CRYPT is not known"));
  EXPECT_THAT(error_of(with(text, "segment_count = 1", "segment_count = 2")),
              HasSubstr("segment_count is 2, but there are 1 segments"));
  EXPECT_THAT(error_of(with(text, "start_extent = 0", "start_extent = 1")),
              HasSubstr("begins at extent 1, 0 is expected"));
  EXPECT_THAT(error_of(with(text, "extent_count = 3", "extent_count = 0")), HasSubstr("has no extents"));
  EXPECT_THAT(error_of(with(text, "\"pv0\", 0", "\"pv9\", 0")),
              HasSubstr("no physical or logical volume pv9"));
  EXPECT_THAT(error_of(with(text, "\"pv0\", 0", "\"pv0\"")), HasSubstr("not a list of pairs"));
  EXPECT_THAT(error_of(with(text, "\"pv0\", 0", "0, \"pv0\"")), HasSubstr("not a list of names and extents"));
  EXPECT_THAT(error_of(with(text, "\"pv0\", 0", "\"pv0\", -1")),
              HasSubstr("not a list of names and extents"));
  EXPECT_THAT(error_of(with(text, "stripe_count = 1", "stripe_count = 2")), HasSubstr("1 areas are listed"));
  EXPECT_THAT(error_of(without_line(text, "creation_time = 1795167690")), HasSubstr("do not come together"));
  EXPECT_THAT(error_of(with(text, "creation_host = \"vm\"\nsegment", "segment")),
              HasSubstr("do not come together"));
  EXPECT_THAT(error_of(with(text, "lin {", "\"a/b\" {")), HasSubstr("slash"));
  EXPECT_THAT(error_of(with(text, "segment_count = 1", "a/b = 1\nsegment_count = 1")),
              HasSubstr("a/b makes a section that is no segment"));
}

TEST(GroupText, RefusesTwoVolumesOfOneName) {
  std::string text = good_text();
  const auto begin = text.find("lin {");
  const std::string lv = text.substr(begin, text.find("\n}\n}\n", begin) + 5 - begin);

  text.insert(begin, lv);

  EXPECT_EQ(error_of(text), "two volumes are called lin");
}

TEST(GroupText, RefusesTwoPvsOfOneNameOrId) {
  std::string text = good_text();
  const auto begin = text.find("pv0 {");
  std::string pv = text.substr(begin, text.find("}\n", begin) + 2 - begin);

  EXPECT_THAT(error_of(std::string(text).insert(begin, pv)),
              HasSubstr("a second physical volume is called pv0"));
  EXPECT_THAT(error_of(std::string(text).insert(begin, with(pv, "pv0", "pv1"))),
              HasSubstr("has the id Si4jQq"));
}

TEST(GroupText, WarnsOfAnUnknownAllocationPolicyAndCarriesIt) {
  const std::string text = with(good_text(), "max_lv", "allocation_policy = \"weird\"\nmax_lv");

  const VolumeGroup vg = read_group(text);

  EXPECT_EQ(vg.allocation, Allocation::normal);
  EXPECT_THAT(print_group(vg, kStamp), HasSubstr("allocation_policy = \"weird\""));
}

TEST(GroupText, CarriesUnknownKeysAtEveryLevel) {
  std::string text = good_text();
  text = with(text, "max_lv = 0\n", "max_lv = 0\nfuture_vg = [1, \"a\"]\n");
  text = with(text, "pe_count = 15\n", "pe_count = 15\nfuture_pv {\nx = 1\n}\n");
  text = with(text, "segment_count = 1\n", "read_ahead = -1\nsegment_count = 1\n");
  text = with(text, "stripe_count = 1\n", "stripe_count = 1\nfuture_segment = \"y\"\n");

  const std::string printed = print_group(read_group(text), kStamp);

  const auto group = [](const std::string& whole) { return whole.substr(0, whole.find("# Generated")); };
  EXPECT_EQ(group(printed), group(text));
}

TEST(GroupText, ReadsVolumesThatStandBeforeThePvs) {
  std::string text = good_text();
  const auto begin = text.find("physical_volumes {");
  const auto end = text.find("logical_volumes {");
  const std::string pvs = text.substr(begin, end - begin);
  text.erase(begin, pvs.size());
  text.insert(text.find("\n}\n# Generated"), "\n" + pvs);

  EXPECT_EQ(read_group(text), read_group(good_text()));
}

TEST(GroupText, TurnsWriteLockedIntoWriteAndBack) {
  const std::string text = test::test_file("fixtures/system-id/vgsys.vg");

  const VolumeGroup vg = read_group(text, TextForm::backup);

  EXPECT_EQ(vg.system_id, "other-host");
  EXPECT_THAT(status_of(vg.flags), ElementsAre("RESIZEABLE", "READ", "WRITE"));
  EXPECT_FALSE(has_flag(vg.flags, "WRITE_LOCKED"));
  EXPECT_THAT(status_of(vg.lvs[0].flags), ElementsAre("READ", "WRITE", "VISIBLE"));
  VolumeGroup freed = vg;
  freed.system_id.clear();
  EXPECT_THAT(print_group(vg, kStamp),
              HasSubstr("status = [\"READ\", \"VISIBLE\"]\nflags = [\"WRITE_LOCKED\"]"));
  EXPECT_THAT(print_group(freed, kStamp),
              HasSubstr("status = [\"READ\", \"WRITE\", \"VISIBLE\"]\nflags = []"));
}

TEST(GroupText, KeepsAReadOnlyGroupReadOnlyUnderALock) {
  VolumeGroup vg = read_group(good_text());
  clear_flag(vg.flags, "WRITE");
  vg.lock_type = "sanlock";

  const std::string printed = print_group(vg, kStamp);

  EXPECT_THAT(printed, HasSubstr("status = [\"RESIZEABLE\", \"READ\"]\nflags = []\nlock_type = \"sanlock\""));
  EXPECT_EQ(read_group(printed), vg);
}

TEST(GroupText, EscapesInBothDirections) {
  VolumeGroup vg = read_group(good_text());
  vg.pvs[0].device = "/dev/disk/by-label/a \"quoted\" \\ name";

  EXPECT_EQ(read_group(print_group(vg, kStamp)), vg);
}

TEST(GroupText, PrintsTheHeaderOfABackupFirst) {
  const std::string printed = print_group(read_group(good_text()), kStamp, TextForm::backup);

  EXPECT_TRUE(
      printed.starts_with("# Generated by cvm: Fri Nov 20 09:25:48 2026 UTC\n\n"
                          "contents = \"Text Format Volume Group\"\nversion = 1\n\n"
                          "description = \"Write from a test\"\n\ncreation_host = \"host\"\n"
                          "creation_time = 1795166748\t\t# Fri Nov 20 09:25:48 2026 UTC\n\nvg {\n\tid ="))
      << printed.substr(0, 400);
  EXPECT_EQ(read_group(printed, TextForm::backup), read_group(good_text()));
}

TEST(GroupText, DoesNotPrintAreasOfAStrangersPv) {
  VolumeGroup vg = read_group(good_text());
  vg.pvs.clear();

  EXPECT_THROW(print_group(vg, kStamp), Error);
}

TEST(GroupText, DoesNotPrintAVolumeThatWouldBeTakenForAPv) {
  VolumeGroup vg = read_group(test::test_file("fixtures/crypt-native/on-disk.txt"));
  std::get<Crypt>(vg.lvs[0].segments[0].kind).area = LogicalArea{"pv1", Extents(0)};

  EXPECT_THROW(print_group(vg, kStamp), Error);
}

TEST(GroupText, ShowsNamesFromADiskWithoutTheirControlCharacters) {
  const std::string text = with(good_text(), "lin {", "\"l\x1b[2J\" {");

  EXPECT_THAT(error_of(with(text, "segment_count = 1", "segment_count = 2")),
              HasSubstr("volume l\\x1b[2J: "));
}

// The text is cut at every byte, as a disk that lies may do.
TEST(GroupText, GivesAnErrorOrAGroupForEveryBeginningOfAText) {
  const std::string text = test::test_file("fixtures/crypt-seed-verbatim/on-disk.txt");
  std::size_t readable = 0;

  for (std::size_t length = 0; length <= text.size(); ++length) {
    try {
      read_group(std::string_view(text).substr(0, length));
      ++readable;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::damaged) << length;
    }
  }

  // From the end of "version = 1" on it is whole, but for the places where the rest is cut inside a line.
  EXPECT_GT(readable, 0u);
  EXPECT_LT(readable, 200u);
}

TEST(GroupText, GivesAnErrorOrAGroupForEveryChangedByte) {
  const std::string text = test::test_file("fixtures/crypt-native/on-disk.txt");
  Silence silence;
  const log::Redirect redirect(silence);

  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = "\"}9{"[at % 4];
    try {
      const VolumeGroup vg = read_group(changed);
      EXPECT_EQ(read_group(print_group(vg, kStamp)), vg) << "byte " << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::damaged) << "byte " << at << ": " << error.what();
    }
  }
}

}  // namespace
}  // namespace cv::metadata
