// lvm.conf, --config, filters and devices files.
#include "tools/configuration.h"

#include <gtest/gtest.h>

#include "lib/base/log.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/tools/expect_error.h"
#include "tools/device_choice.h"

using namespace cv;
using namespace cv::tools;

namespace {

class Lines final : public log::Sink {
 public:
  void line(log::Level, std::string_view line) noexcept override { text.append(line).push_back('\n'); }
  std::string text;
};

}  // namespace

TEST(Configuration, TakesTheCommandLineBeforeTheLocalFileBeforeTheFile) {
  const test::TempDir folder;
  test::write_file(folder.path("lvm.conf"), std::string_view("global { a = 1 b = 1 c = 1 }\n"));
  test::write_file(folder.path("lvmlocal.conf"), std::string_view("global { b = 2 c = 2 }\n"));

  const Configuration configuration(folder.path(""), {"global/c=3"});

  EXPECT_EQ(configuration.integer("global/a"), 1);
  EXPECT_EQ(configuration.integer("global/b"), 2);
  EXPECT_EQ(configuration.integer("global/c"), 3);
  EXPECT_EQ(configuration.integer("global/d"), std::nullopt);
}

TEST(Configuration, TakesTheLastOfSeveralOverrides) {
  const Configuration configuration("/nowhere", {"a/b=1", "a/b=2", "a { c = \"x\" }"});

  EXPECT_EQ(configuration.integer("a/b"), 2);
  EXPECT_EQ(configuration.text("a/c"), "x");
  EXPECT_TRUE(configuration.flag("a/b", false));
  EXPECT_TRUE(configuration.flag("a/none", true));
}

TEST(Configuration, BlamesTheCommandLineForWhatStandsThere) {
  test::expect_error(Errc::usage, "a=", [] { Configuration("/nowhere", {"a="}); });
}

TEST(Configuration, BlamesTheFileForWhatStandsThere) {
  const test::TempDir folder;
  test::write_file(folder.path("lvm.conf"), std::string_view("global {\n"));

  test::expect_error(Errc::damaged, "lvm.conf", [&] { Configuration(folder.path(""), {}); });
}

TEST(Configuration, ReadsYesAndNoAsLvm2Does) {
  for (const char* yes : {"1", "2", "\"yes\"", "\"On\"", "\"true\"", "\"y\""})
    EXPECT_TRUE(Configuration("/nowhere", {fmt::format("a/b={}", yes)}).flag("a/b", false)) << yes;
  for (const char* no : {"0", "\"no\"", "\"off\"", "\"FALSE\"", "\"n\""})
    EXPECT_FALSE(Configuration("/nowhere", {fmt::format("a/b={}", no)}).flag("a/b", true)) << no;
}

TEST(Configuration, PassesOverValuesOfAnotherKindWithAWarning) {
  Lines lines;
  const log::Redirect redirect(lines);

  const Configuration configuration("/nowhere", {"global/wait_for_locks=\"perhaps\"", "global/locking_dir=5",
                                                 "backup/retain_min=\"x\"", "backup/archive=1.5"});

  EXPECT_TRUE(configuration.flag("global/wait_for_locks", true));
  EXPECT_EQ(configuration.text("global/locking_dir"), std::nullopt);
  EXPECT_EQ(configuration.integer("backup/retain_min"), std::nullopt);
  EXPECT_FALSE(configuration.flag("backup/archive", false));
  for (const char* path :
       {"global/wait_for_locks", "global/locking_dir", "backup/retain_min", "backup/archive"})
    EXPECT_NE(lines.text.find(path), std::string::npos) << path;
}

TEST(Configuration, RefusesAListThatIsNone) {
  for (const char* bad : {"5", "[]", "[ \"a\", 5 ]"})
    test::expect_error(Errc::usage, "devices/filter", [&] {
      static_cast<void>(
          Configuration("/nowhere", {fmt::format("devices/filter={}", bad)}).texts("devices/filter"));
    });
}

TEST(SystemId, IsNoneUnlessConfigured) {
  EXPECT_EQ(host_system_id(Configuration()), "");
  EXPECT_EQ(host_system_id(Configuration("/nowhere", {"global/system_id_source=\"none\""})), "");
}

TEST(SystemId, ComesFromTheLocalFileOrAFile) {
  const test::TempDir folder;
  test::write_file(folder.path("id"), std::string_view("# a comment\n.my host!\n"));

  EXPECT_EQ(host_system_id(Configuration("/nowhere",
                                         {"global/system_id_source=\"lvmlocal\"", "local/system_id=\"h1\""})),
            "h1");
  EXPECT_EQ(
      host_system_id(Configuration("/nowhere", {"global/system_id_source=\"file\"",
                                                "global/system_id_file=\"" + folder.path("id") + "\""})),
      "myhost");
}

TEST(DeviceFilter, IsDecidedByTheFirstRuleThatMatches) {
  const DeviceFilter filter({"a|/dev/sd[ab]$|", "r|.*|"});

  EXPECT_TRUE(filter.accepts({"/dev/sda"}));
  EXPECT_FALSE(filter.accepts({"/dev/sdc"}));
  EXPECT_FALSE(filter.accepts({"/dev/sda1"}));
}

TEST(DeviceFilter, AcceptsADeviceByAnyOfItsNames) {
  const DeviceFilter filter({"a|^/dev/disk/by-id/x|", "r|.*|"});

  EXPECT_TRUE(filter.accepts({"/dev/sda", "/dev/disk/by-id/x1"}));
}

TEST(DeviceFilter, LetsPassWhatNoRuleIsAbout) {
  EXPECT_TRUE(DeviceFilter({"r|loop|"}).accepts({"/dev/sda"}));
  EXPECT_FALSE(DeviceFilter({"r/loop/"}).accepts({"/dev/loop0"}));
}

TEST(DeviceFilter, IsReadAsLvm2WritesIt) {
  // Any character parts the pattern; brackets, anchors, groups and alternatives are LVM2's.
  EXPECT_TRUE(DeviceFilter({"a#^/dev/(sd[a-c]|vd.)[0-9]*$#", "r|.*|"}).accepts({"/dev/vdb12"}));
  EXPECT_FALSE(DeviceFilter({"a#^/dev/(sd[a-c]|vd.)[0-9]*$#", "r|.*|"}).accepts({"/dev/sdd1"}));
  // A link that is accepted saves the device, one that no rule is about does not.
  EXPECT_TRUE(DeviceFilter({"r|^/dev/sd|", "a|by-id|"}).accepts({"/dev/sda", "/dev/disk/by-id/x"}));
  EXPECT_FALSE(DeviceFilter({"r|^/dev/sd|"}).accepts({"/dev/sda", "/dev/disk/by-id/x"}));
}

TEST(DeviceFilter, IsRefusedWhereItIsNone) {
  for (const char* bad : {"", "a", "x|y|", "a|[|", "a|x"}) {
    test::expect_error(Errc::usage, "", [&] { DeviceFilter({bad}); });
  }
}
