// cvck and explain, whole, on files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "metadata/damage.h"
#include "metadata/disk/metadata_area.h"
#include "tests/support/broken_split.h"
#include "tests/support/fixture_disk.h"
#include "tests/unit/tools/command_harness.h"
#include "tools/commands/list.h"

using namespace cv;
using namespace cv::metadata;
using nlohmann::json;
using test::Workshop;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr disk::DiskArea kArea{Bytes(4096), Bytes(1044480)};

/// vg0 on pv0 and pv1, with one volume.
void make_group(Workshop& workshop) {
  const auto first = workshop.disk("pv0");
  const auto second = workshop.disk("pv1");
  ASSERT_EQ(workshop.run({"pvcreate", first, second}).error, "");
  ASSERT_EQ(workshop.run({"vgcreate", "vg0", first, second}).error, "");
  ASSERT_EQ(workshop.run({"cvcreate", "-an", "-L", "8m", "-n", "lin", "vg0"}).error, "");
}

/// The second copy of the metadata loses its first word.
void spoil_second_copy(Workshop& workshop) {
  const auto device = device::open_device(workshop.path("pv1"), device::Access::read_write);
  const auto header = disk::read_area_header(*device, kArea);
  device->write(header.start + header.committed.offset, std::array<std::byte, 4>{});
}

/// `what` in the text of every copy becomes `by`, checksums mended.
void edit_text(Workshop& workshop, std::string_view what, std::string_view by) {
  for (const auto* name : {"pv0", "pv1"}) {
    const auto device = device::open_device(workshop.path(name), device::Access::read_write);
    auto header = disk::read_area_header(*device, kArea);
    auto text = disk::read_text(*device, header, header.committed);
    text.replace(text.find(what), what.size(), by);
    header.committed = disk::place_text(header, disk::measure(text));
    disk::write_text(*device, header, header.committed, text);
    disk::write_area_header(*device, header);
  }
}

}  // namespace

TEST(Cvck, FindsNothingInASoundGroup) {
  Workshop workshop;
  make_group(workshop);

  const auto outcome = workshop.run({"cvck"});

  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_EQ(outcome.output, "  Volume group \"vg0\": no damage found.\n");
}

TEST(Cvck, WarnsWithIdSentenceAndAdvice) {
  Workshop workshop;
  make_group(workshop);
  spoil_second_copy(workshop);

  const auto outcome = workshop.run({"cvck", "vg0"});

  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("  vg0: warning METADATA-TEXT: "), HasSubstr("wrong checksum\n    "),
                    HasSubstr("cvck --repair"), HasSubstr("Volume group \"vg0\": 0 errors, 1 warning.\n")));
}

TEST(Cvck, EndsWithFiveWhereThereAreErrors) {
  Workshop workshop;
  make_group(workshop);
  workshop.look_only_at(workshop.path("pv0"));

  const auto outcome = workshop.run({"cvck"});
  const auto as_json = workshop.run({"cvck"}, tools::Format::json);

  EXPECT_EQ(outcome.status, 5);
  EXPECT_EQ(outcome.id, "CV-DAMAGED");
  EXPECT_THAT(outcome.output, HasSubstr("vg0: error PV-MISSING"));
  const auto document = json::parse(as_json.output);
  EXPECT_EQ(document["error"]["id"], "CV-DAMAGED");
  const auto& first = document["report"][0]["damage"][0];
  EXPECT_EQ(first["vg_name"], "vg0");
  EXPECT_EQ(first["id"], "PV-MISSING");
  EXPECT_EQ(first["severity"], "error");
  EXPECT_THAT(first["message"].get<std::string>(), HasSubstr("is missing"));
  EXPECT_THAT(first["hint"].get<std::string>(), HasSubstr("vgreduce"));
}

TEST(Cvck, ShowsNotesOnRequestOnly) {
  Workshop workshop;
  make_group(workshop);
  workshop.look_only_at(workshop.path("pv0"));

  EXPECT_THAT(workshop.run({"cvck"}).output, Not(HasSubstr("METADATA-ONE-COPY")));
  EXPECT_THAT(workshop.run({"cvck", "-v"}).output, HasSubstr("vg0: note METADATA-ONE-COPY"));
}

TEST(Cvck, SaysWhatItWouldRepairAndThenDoesIt) {
  Workshop workshop;
  make_group(workshop);
  spoil_second_copy(workshop);
  const auto first = workshop.bytes("pv0");
  const auto second = workshop.bytes("pv1");

  const auto tested = workshop.run({"cvck", "--repair", "--test", "vg0"});
  EXPECT_EQ(workshop.bytes("pv1"), second);
  const auto outcome = workshop.run({"cvck", "--repair", "vg0"});

  EXPECT_THAT(tested.messages, HasSubstr("would write the metadata of vg0 anew on "));
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_THAT(outcome.messages, HasSubstr("Repaired: write the metadata of vg0 anew on "));
  EXPECT_EQ(outcome.output, "  Volume group \"vg0\": no damage found.\n");
  EXPECT_EQ(workshop.bytes("pv0"), first);
  EXPECT_EQ(workshop.run({"vgs", "--noheadings", "-o", "vg_seqno", "vg0"}).output, "    2\n");
}

TEST(Cvck, FinishesAnErasureThatWasInterrupted) {
  Workshop workshop;
  make_group(workshop);
  ASSERT_EQ(workshop
                .run({"cvcreate", "-an", "--crypt", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                      "-L", "4m", "-n", "tst", "--keyfile", workshop.path("lvm.conf"), "vg0"})
                .error,
            "");
  edit_text(workshop, "iv_next = ", "erasing = 1\niv_next = ");
  edit_text(workshop, "crypto_store = \"cryptostore1\"", "crypto_store = \"cryptostore2\"");

  const auto outcome = workshop.run({"cvck", "--repair", "vg0"});

  EXPECT_THAT(outcome.output, Not(HasSubstr("STORE-ERASING")));
  EXPECT_THAT(workshop.run({"cvs", "-a", "--noheadings", "-o", "lv_name", "vg0"}).output,
              Not(HasSubstr("cryptostore1")));
}

TEST(Cvck, FindsASplitThatWasInterruptedAndFinishesIt) {
  for (const unsigned commits : {1U, 2U}) {
    Workshop workshop;
    make_group(workshop);
    {
      std::vector<std::unique_ptr<device::BlockDevice>> devices;
      for (const auto* name : {"pv0", "pv1"})
        devices.push_back(device::open_device(workshop.path(name), device::Access::read_write));
      MetadataStore store(std::move(devices), test::quiet_options());
      test::begin_split(store, commits);
    }

    const auto found = workshop.run({"cvck"});
    const auto tested = workshop.run({"cvck", "--repair", "--test", "vg1"});
    const auto repaired = workshop.run({"cvck", "--repair", "vg1"});

    EXPECT_EQ(found.status, 0) << found.error;
    EXPECT_THAT(found.output, HasSubstr("vg1: warning SPLIT-UNFINISHED: "));
    EXPECT_EQ(found.output.find("vg0: warning SPLIT-UNFINISHED") != std::string::npos, commits == 1);
    EXPECT_THAT(tested.messages, HasSubstr("would finish the split that vg1 takes part in"));
    EXPECT_EQ(repaired.status, 0) << repaired.error;
    const auto after = workshop.run({"cvck"});
    EXPECT_THAT(after.output,
                AllOf(HasSubstr("\"vg0\": no damage found"), HasSubstr("\"vg1\": no damage found")));
    EXPECT_EQ(workshop.run({"vgs", "--noheadings", "-o", "vg_name,pv_count"}).output,
              "  vg0   1\n  vg1   1\n");
  }
}

TEST(Cvck, MentionsStoresWhoseHandlerIsNotInstalled) {
  Workshop workshop;
  make_group(workshop);
  ASSERT_EQ(workshop
                .run({"cvcreate", "-an", "--crypt", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                      "-L", "4m", "-n", "tst", "--keyfile", workshop.path("lvm.conf"), "vg0"})
                .error,
            "");
  ASSERT_EQ(workshop.run({"cvck"}).output, "  Volume group \"vg0\": no damage found.\n");
  edit_text(workshop, "handler = \"luks2\"", "handler = \"alien\"");

  const auto outcome = workshop.run({"cvck"});

  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_THAT(outcome.output, HasSubstr("warning STORE-HANDLER: the key handler alien of vg0/cryptostore1"));
}

TEST(Cvck, AsksBeforeItTakesMetadataOffAPvThatWasLeftBehind) {
  Workshop workshop;
  make_group(workshop);
  const auto left_behind = workshop.bytes("pv1");
  // The group goes on without pv1.
  for (const auto* name : {"pv0", "pv1"}) {
    const auto device = device::open_device(workshop.path(name), device::Access::read_write);
    auto header = disk::read_area_header(*device, kArea);
    auto text = disk::read_text(*device, header, header.committed);
    const auto begin = text.find("\npv1 {");
    text.erase(begin, text.find("}\n", begin) + 2 - begin);
    text.replace(text.find("seqno = 2"), 9, "seqno = 3");
    header.committed = disk::place_text(header, disk::measure(text));
    disk::write_text(*device, header, header.committed, text);
    disk::write_area_header(*device, header);
  }
  test::write_file(workshop.path("pv1"), left_behind);
  ASSERT_THAT(workshop.run({"cvck"}).output, HasSubstr("PV-OUTDATED"));

  const auto refused = workshop.run({"cvck", "--repair"});
  EXPECT_EQ(workshop.bytes("pv1"), left_behind);
  const auto done = workshop.run({"cvck", "--repair", "--yes"});

  EXPECT_THAT(refused.output, HasSubstr("PV-OUTDATED"));
  EXPECT_THAT(done.output, Not(HasSubstr("PV-OUTDATED")));
  EXPECT_EQ(workshop.run({"pvs", "--noheadings", "-o", "vg_name", workshop.path("pv1")}).output, "  \n");
}

TEST(Cvck, NamesAGroupThatIsNotThere) {
  Workshop workshop;
  make_group(workshop);

  const auto outcome = workshop.run({"cvck", "nowhere"});

  EXPECT_EQ(outcome.status, 5);
  EXPECT_EQ(outcome.id, "CV-NOT-FOUND");
}

TEST(Cvck, KeepsTheFormOfAGroupUnlessItIsAskedFor) {
  Workshop workshop;
  workshop.disk("pv0");

  EXPECT_EQ(workshop.run({"cvck", "--native-form"}).status, 3);
}

TEST(Explain, SaysWhatAnIdMeans) {
  Workshop workshop;

  const auto damage = workshop.run({"explain", "lv-overlap"});
  const auto error = workshop.run({"explain", "CV-KEY-WRONG"});
  const auto unknown = workshop.run({"explain", "NO-SUCH"});

  EXPECT_THAT(damage.output, AllOf(HasSubstr("  LV-OVERLAP (error)\n"), HasSubstr("What to do: ")));
  EXPECT_THAT(error.output, AllOf(HasSubstr("CV-KEY-WRONG (exit status 2)"), HasSubstr("does not open")));
  EXPECT_EQ(unknown.status, 3);
  EXPECT_THAT(unknown.error, HasSubstr("NO-SUCH"));
}

TEST(Explain, TellsOfAVolumeWhereItLiesAndWhatOpensIt) {
  Workshop workshop;
  make_group(workshop);
  const auto key = workshop.path("key");
  test::write_file(key, std::string_view("secret"));
  ASSERT_EQ(workshop
                .run({"cvcreate", "-an", "--crypt", "--handler", "hashed", "-L", "8m", "-n", "home",
                      "--keyfile", key, "vg0"})
                .error,
            "");
  ASSERT_EQ(workshop
                .run({"cvcreate", "-an", "--crypt", "--keystore", "cryptostore1", "-L", "4m", "-n", "other",
                      "--keyfile", key, "vg0"})
                .error,
            "");

  const auto home = workshop.run({"explain", "vg0/home"});
  const auto store = workshop.run({"explain", "vg0/cryptostore1"});
  const auto nobody = workshop.run({"explain", "vg0/lin", "vg0/nobody"});

  EXPECT_EQ(home.status, 0) << home.error;
  EXPECT_THAT(home.output,
              AllOf(HasSubstr("  vg0/home is an encrypted volume of 8.00m (2 extents)"), HasSubstr("hashed"),
                    HasSubstr("It also opens vg0/other."), HasSubstr("with IVs from "),
                    HasSubstr("[home_crdata] extents 0 to 1 lie on " + workshop.path("pv1") + ":0-1."),
                    HasSubstr("cvchange -ay vg0/home opens it."), Not(HasSubstr("finding"))));
  EXPECT_THAT(store.output,
              AllOf(HasSubstr("vg0/cryptostore1 is a keystore"), HasSubstr("It opens vg0/home, vg0/other.")));
  EXPECT_EQ(nobody.status, 5);
  EXPECT_THAT(nobody.output, HasSubstr("vg0/lin is a plain volume"));
  EXPECT_THAT(nobody.error, HasSubstr("there is no volume nobody in vg0"));
}

TEST(Explain, TellsWhatIsWrongWithTheVolume) {
  Workshop workshop;
  make_group(workshop);
  edit_text(workshop, "\"pv0\", 0", "\"pv0\", 4000");

  const auto damaged = workshop.run({"explain", "vg0/lin"});
  workshop.look_only_at(workshop.path("pv1"));
  const auto partial = workshop.run({"explain", "vg0/lin"});

  EXPECT_THAT(damaged.output, AllOf(HasSubstr("LV-"), HasSubstr("What to do: ")));
  EXPECT_THAT(partial.output, HasSubstr("physical volume that is missing"));
}

TEST(PageOfCvck, ListsEveryKindOfDamage) {
  const auto& command = tools::command_named("cvck");
  for (const auto& kind : kDamageKinds)
    EXPECT_TRUE(std::ranges::any_of(command.sections, [&](const tools::Section& section) {
      return section.text.find(std::string(kind.id) + " (") != std::string_view::npos;
    })) << kind.id;
}
