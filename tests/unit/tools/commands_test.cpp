// The commands on physical volumes and groups, whole, on files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "lib/base/bytes.h"
#include "tests/unit/tools/command_harness.h"

using namespace cv;
using nlohmann::json;
using test::Workshop;
using testing::HasSubstr;

namespace {

/// vg0 on two disks of 15 extents.
void make_group(Workshop& workshop) {
  const auto first = workshop.disk("pv0");
  const auto second = workshop.disk("pv1");
  ASSERT_EQ(workshop.run({"pvcreate", first, second}).error, "");
  ASSERT_EQ(workshop.run({"vgcreate", "vg0", first, second}).error, "");
}

}  // namespace

TEST(Commands, MakeAGroupAndReportOnIt) {
  Workshop workshop;
  make_group(workshop);

  const auto groups = workshop.run({"vgs", "--noheadings"});
  const auto pvs = workshop.run({"pvs", "--noheadings", "-o", "pv_name,vg_name,pv_free"});

  EXPECT_EQ(groups.output, "  vg0   2   0   0 wz--n- 120.00m 120.00m\n");
  EXPECT_EQ(pvs.output,
            fmt::format("  {} vg0 60.00m\n  {} vg0 60.00m\n", workshop.path("pv0"), workshop.path("pv1")));
}

TEST(Commands, TellOnStandardErrorWhatWasDone) {
  Workshop workshop;
  const auto disk = workshop.disk("pv0");

  const auto outcome = workshop.run({"pvcreate", disk});
  const auto quiet = workshop.run({"pvcreate", "-q", disk});

  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.messages, fmt::format("  Physical volume \"{}\" successfully created.\n", disk));
  EXPECT_EQ(quiet.messages, "");
}

TEST(Commands, ChangeNothingInATest) {
  Workshop workshop;
  const auto disk = workshop.disk("pv0");
  const auto before = workshop.bytes("pv0");

  EXPECT_EQ(workshop.run({"pvcreate", "--test", disk}).status, 0);
  EXPECT_EQ(workshop.run({"vgcreate", "--test", "vg0", disk}).status, 0);

  EXPECT_EQ(workshop.bytes("pv0"), before);
}

TEST(Commands, MakePvsOfBareDisksOnTheWayToAGroup) {
  Workshop workshop;
  const auto disk = workshop.disk("pv0");

  EXPECT_EQ(workshop.run({"vgcreate", "-s", "1m", "vg0", disk}).error, "");

  EXPECT_EQ(workshop.run({"vgs", "--noheadings", "-o", "vg_extent_size,vg_extent_count"}).output,
            "  1.00m   63\n");
}

TEST(Commands, AskBeforeTheyWipeSomethingElse) {
  Workshop workshop;
  const auto disk = workshop.disk("pv0");
  auto content = workshop.bytes("pv0");
  const std::string swap = "SWAPSPACE2";  // at the end of the first page, with a version and a size before it
  content[1024] = std::byte{1};
  content[1028] = std::byte{255};
  std::ranges::copy(bytes_of(swap), content.begin() + 4096 - 10);
  test::write_file(disk, content);

  const auto refused = workshop.run({"pvcreate", disk});
  EXPECT_EQ(refused.id, "CV-REFUSED");
  EXPECT_THAT(workshop.console().asked().front(), HasSubstr("swap"));
  EXPECT_EQ(workshop.bytes("pv0"), content);

  EXPECT_EQ(workshop.run({"pvcreate", "-y", disk}).error, "");
}

TEST(Commands, RemoveAnEmptyGroup) {
  Workshop workshop;
  make_group(workshop);

  EXPECT_EQ(workshop.run({"vgremove", "vg0"}).error, "");

  EXPECT_EQ(workshop.run({"vgs"}).output, "");
  EXPECT_EQ(
      workshop.run({"pvs", "--noheadings", "-o", "vg_name,pv_attr,pv_in_use", "--separator", "|"}).output,
      "  |---|\n  |---|\n");
}

TEST(Commands, RemoveAGroupThatHoldsVolumesOnlyWhenTold) {
  Workshop workshop;
  make_group(workshop);
  ASSERT_EQ(workshop.run({"cvcreate", "-an", "-L", "8m", "-n", "lin", "vg0"}).error, "");
  const auto before = workshop.bytes("pv0");

  EXPECT_NE(workshop.run({"vgremove", "vg0"}).error, "");
  EXPECT_EQ(workshop.bytes("pv0"), before);

  EXPECT_EQ(workshop.run({"vgremove", "-y", "vg0"}).error, "");
  EXPECT_EQ(workshop.run({"vgs"}).output, "");
}

TEST(Commands, SayWhatIsWrongWithANameOrASize) {
  Workshop workshop;
  make_group(workshop);
  const auto third = workshop.disk("pv2");

  EXPECT_EQ(workshop.run({"vgcreate", "a b", third}).status, 3);
  EXPECT_EQ(workshop.run({"vgcreate", "vg0", third}).id, "CV-EXISTS");
  EXPECT_EQ(workshop.run({"vgcreate", "-s", "3k", "vg1", third}).id, "CV-SIZE");
  EXPECT_EQ(workshop.run({"vgcreate", "vg1", third, third}).status, 3);
  EXPECT_EQ(workshop.run({"vgcreate", "vg1", workshop.path("nowhere")}).status, 5);
  EXPECT_EQ(workshop.run({"vgcreate", "vg1", workshop.path("pv0")}).status, 5);
  EXPECT_EQ(workshop.run({"vgcreate", "--addtag", "no spaces", "vg1", third}).status, 3);
  EXPECT_EQ(workshop.run({"pvcreate", "-u", "short", third}).status, 3);
  EXPECT_EQ(workshop.run({"vgs", "vg0/lv"}).status, 3);
  EXPECT_EQ(workshop.run({"vgs", "nowhere"}).status, 5);
  EXPECT_EQ(workshop.run({"cvs", "a/b/c"}).status, 3);
  EXPECT_EQ(workshop.run({"cvs", "--tree"}, tools::Format::json).status, 3);
}

TEST(Commands, ReportWhatIsThereAndSayWhatIsNot) {
  Workshop workshop;
  make_group(workshop);

  const auto outcome = workshop.run({"vgs", "--noheadings", "-o", "vg_name", "nowhere", "vg0"});

  EXPECT_EQ(outcome.output, "  vg0\n");
  EXPECT_EQ(outcome.id, "CV-NOT-FOUND");
}

TEST(Commands, WriteOneJsonDocumentWhateverHappens) {
  Workshop workshop;
  make_group(workshop);

  for (const auto& words : std::vector<std::vector<std::string>>{{"vgs"},
                                                                 {"vgs", "nowhere", "vg0"},
                                                                 {"pvs"},
                                                                 {"cvs", "-a"},
                                                                 {"vgs", "--nonsense"},
                                                                 {"vgremove", "vg0"}}) {
    const auto outcome = workshop.run(words, tools::Format::json);

    EXPECT_TRUE(json::accept(outcome.output)) << words[0] << ": " << outcome.output;
    EXPECT_EQ(json::parse(outcome.output).contains("error"), outcome.status != 0) << words[0];
  }
}

TEST(Commands, ShowEncryptedVolumesWithoutAnyKey) {
  Workshop workshop;
  make_group(workshop);
  test::write_file(workshop.path("key"), std::string_view("not all zeros"));
  ASSERT_EQ(workshop
                .run({"cvcreate", "-an", "--crypt", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                      "-L", "16m", "-n", "tst", "--keyfile", workshop.path("key"), "vg0"})
                .error,
            "");

  const auto visible =
      workshop.run({"cvs", "--noheadings", "-o", "lv_name,lv_attr,keystore,key_handler,segtype"});
  const auto tree = workshop.run({"cvs", "--tree", "--noheadings", "-o", "lv_name,lv_size"});

  EXPECT_EQ(visible.output, "  tst xwi-XXx--- cryptostore1 luks2   crypt\n");
  EXPECT_THAT(tree.output, HasSubstr("[cryptostore1]"));
  EXPECT_LT(tree.output.find("cryptostore1"), tree.output.find("tst"));
}

TEST(Commands, ShowTheirHelpWithoutTouchingAnything) {
  Workshop workshop;

  EXPECT_THAT(workshop.run({"help"}).output, HasSubstr("cvcreate"));
  EXPECT_THAT(workshop.run({"help", "vgcreate"}).output, HasSubstr("--physicalextentsize"));
  EXPECT_THAT(workshop.run({"vgcreate", "--help"}).output, HasSubstr("cvm vgcreate"));
  EXPECT_THAT(workshop.run({"vgs", "--version"}).output, HasSubstr("cvm "));
  EXPECT_EQ(workshop.run({"help", "nonsense"}).status, 3);
  EXPECT_THAT(workshop.run({"cvs", "-o", "help"}).output, HasSubstr("key_handler"));
}

TEST(Commands, ReportOnAGroupWithAMissingDisk) {
  Workshop workshop;
  make_group(workshop);
  workshop.look_only_at(workshop.path("pv0"));

  const auto pvs = workshop.run({"pvs", "--noheadings", "-o", "pv_name,pv_attr", "-O", "-pv_name"});
  const auto groups = workshop.run({"vgs", "--noheadings", "-o", "vg_attr,vg_missing_pv_count"});

  EXPECT_EQ(pvs.status, 0);
  EXPECT_THAT(pvs.output, HasSubstr("[unknown]"));
  EXPECT_THAT(pvs.output, HasSubstr("a-m"));
  EXPECT_EQ(groups.output, "  wz-pn-           1\n");
}

TEST(Commands, HaveNodesMadeAsLvm2sConfigurationAndTheCommandLineSay) {
  Workshop workshop;
  make_group(workshop);
  const auto settings = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"cvchange", "-an", "vg0"});
    EXPECT_EQ(workshop.run(words).status, 0);
    return workshop.node_settings();
  };

  EXPECT_TRUE(settings({}).wait_for_udev && settings({}).by_udev);
  EXPECT_FALSE(settings({"--noudevsync"}).wait_for_udev);
  EXPECT_TRUE(settings({"--noudevsync"}).by_udev);
  EXPECT_FALSE(settings({"--config", "activation/udev_sync=0"}).wait_for_udev);
  EXPECT_FALSE(settings({"--config", "activation { udev_rules = 0 }"}).by_udev);
  EXPECT_TRUE(settings({"--config", "activation/udev_rules=\"yes\""}).by_udev);
}
