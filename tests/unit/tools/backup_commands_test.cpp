// vgcfgbackup, vgcfgrestore and pvcreate --restorefile, whole, on files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/device/text_file.h"
#include "metadata/group_text.h"
#include "tests/unit/tools/command_harness.h"

namespace cv {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

class BackupCommands : public testing::Test {
 protected:
  BackupCommands() {
    pv0_ = shop_.disk("pv0", 32);
    pv1_ = shop_.disk("pv1", 32);
    must({"vgcreate", "-s", "64k", "vg0", pv0_, pv1_});
    test::write_file(shop_.path("key"), std::string_view("correct horse"));
  }

  void must(Words words) {
    const auto outcome = shop_.run(words);
    EXPECT_EQ(outcome.status, 0) << outcome.error << outcome.messages;
  }
  test::Outcome fails(Words words) {
    auto outcome = shop_.run(std::move(words));
    EXPECT_EQ(outcome.status, 5);
    return outcome;
  }
  void make_crypt(const std::string& name) {
    must({"cvcreate", "-an", "--crypt", "--handler", "luks1", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations",
          "1000", "--keyfile", shop_.path("key"), "-L", "256k", "-n", name, "vg0"});
  }
  void make_plain(const std::string& name) { must({"cvcreate", "-an", "-l", "1", "-n", name, "vg0"}); }
  std::string file() const { return shop_.path("file"); }
  void back_up() { must({"vgcfgbackup", "-f", file(), "vg0"}); }
  test::Outcome restore() { return shop_.run({"vgcfgrestore", "-f", file(), "vg0"}); }

  std::string volumes() { return shop_.run({"cvs", "--noheadings", "-o", "lv_name", "vg0"}).output; }
  /// The group as it is on the disks, by the backup of now.
  metadata::VolumeGroup now() {
    must({"vgcfgbackup", "-f", shop_.path("now"), "vg0"});
    return metadata::read_group(*device::read_text_file(shop_.path("now")), metadata::TextForm::backup);
  }
  void lose(const std::string& path) {
    auto bytes = test::read_file(path);
    std::fill_n(bytes.begin(), 1 << 20, std::byte{0});
    test::write_file(path, bytes);
  }
  void make_again(const metadata::VolumeGroup& vg, std::size_t pv, const std::string& path) {
    must({"pvcreate", "--uuid", vg.pvs.at(pv).id.text(), "--restorefile", file(), path});
  }

  test::Workshop shop_;
  std::string pv0_;
  std::string pv1_;
};

TEST_F(BackupCommands, PutAGroupBackAsItWas) {
  make_plain("a");
  back_up();
  const auto then = now();
  must({"cvremove", "-y", "vg0/a"});
  make_plain("b");

  const auto outcome = restore();

  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_THAT(outcome.messages, HasSubstr("Restored volume group vg0."));
  EXPECT_THAT(outcome.messages, HasSubstr("go: b"));
  EXPECT_EQ(volumes(), "  a\n");
  auto restored = now();
  EXPECT_EQ(restored.seqno, then.seqno + 3);
  restored.seqno = then.seqno;
  EXPECT_EQ(restored, then);
}

TEST_F(BackupCommands, LeaveAWayBackFromARestoration) {
  make_plain("a");
  back_up();
  make_plain("b");
  ASSERT_EQ(restore().status, 0);
  must({"vgcfgrestore", "-f",
        shop_.path("archive/") +
            [&] {
              const auto outcome = shop_.run({"vgcfgrestore", "--list", "vg0"});
              const auto at = outcome.output.rfind("archive/");
              return outcome.output.substr(at + 8, outcome.output.find('\n', at) - at - 8);
            }(),
        "vg0"});
  EXPECT_EQ(volumes(), "  a\n  b\n");
}

TEST_F(BackupCommands, TakeTheBackupWhereNoFileIsNamed) {
  make_plain("a");
  must({"vgcfgrestore", "vg0"});
  EXPECT_EQ(volumes(), "  a\n");
  must({"cvremove", "-A", "n", "-y", "vg0/a"});
  must({"vgcfgrestore", "vg0"});
  EXPECT_EQ(volumes(), "  a\n");
}

TEST_F(BackupCommands, ListWhatThereIs) {
  make_plain("a");
  const auto outcome = shop_.run({"vgcfgrestore", "--list", "vg0"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("/archive/vg0_00000-"));
  EXPECT_THAT(outcome.output,
              HasSubstr("  VG name:    \tvg0\n  Description:\tCreated *before* executing 'cvm"));
  EXPECT_THAT(outcome.output, HasSubstr("/backup/vg0\n"));
  EXPECT_THAT(shop_.run({"vgcfgrestore", "--list", "other"}).messages, HasSubstr("No archives found"));
}

TEST_F(BackupCommands, KeepAStoreUsableAndItsIvsUnique) {
  make_crypt("a");
  back_up();
  const auto then = now();
  must({"cvextend", "-L", "+256k", "vg0/a"});
  must({"cvcreate", "-an", "--keystore", "cryptostore1", "-L", "256k", "-n", "b", "vg0"});
  const auto between = now();

  ASSERT_EQ(restore().status, 0);

  const auto restored = now();
  EXPECT_EQ(metadata::keystore_of(metadata::lv_at(restored, "cryptostore1"))->iv_next,
            metadata::keystore_of(metadata::lv_at(between, "cryptostore1"))->iv_next);
  EXPECT_EQ(metadata::size_of(metadata::lv_at(restored, "a")), metadata::size_of(metadata::lv_at(then, "a")));
  must({"cvextend", "-L", "+256k", "vg0/a"});
  const auto grown = now();
  EXPECT_EQ(metadata::lv_at(grown, "a").segments.size(), 2U) << "not the IVs that were used before";
  must({"cvcreate", "-an", "--keystore", "cryptostore1", "--keyfile", shop_.path("key"), "-L", "256k", "-n",
        "c", "vg0"});
}

TEST_F(BackupCommands, RefuseAStoreThatIsErased) {
  make_plain("a");
  make_crypt("b");
  back_up();
  must({"cvremove", "-y", "vg0/b"});
  const auto before = test::read_file(pv0_);

  const auto outcome = restore();

  EXPECT_EQ(outcome.status, 5);
  EXPECT_THAT(outcome.error, HasSubstr("the extents of keystore vg0/cryptostore1 no longer hold it"));
  EXPECT_EQ(test::read_file(pv0_), before);
}

TEST_F(BackupCommands, AskBeforeKeysGo) {
  back_up();
  make_crypt("a");

  EXPECT_THAT(restore().error, HasSubstr("nothing was done"));
  EXPECT_EQ(volumes(), "  a\n");
  must({"vgcfgrestore", "-y", "-f", file(), "vg0"});
  EXPECT_EQ(volumes(), "");
}

TEST_F(BackupCommands, BringBackALabelThatWasLost) {
  make_plain("a");
  make_crypt("b");
  back_up();
  const auto then = now();
  lose(pv1_);
  const auto missing = fails({"vgcfgrestore", "-f", file(), "vg0"});
  EXPECT_THAT(missing.error, HasSubstr(then.pvs[1].id.text()));
  EXPECT_THAT(missing.error, HasSubstr("--restorefile"));

  make_again(then, 1, pv1_);
  EXPECT_EQ(restore().status, 0);

  EXPECT_EQ(now().pvs, then.pvs);
  EXPECT_EQ(volumes(), "  a\n  b\n");
  must({"cvcreate", "-an", "--keystore", "cryptostore1", "--keyfile", shop_.path("key"), "-L", "256k", "-n",
        "c", "vg0"});
}

TEST_F(BackupCommands, BringBackAGroupOfWhichNothingIsLeft) {
  make_plain("a");
  make_crypt("b");
  back_up();
  const auto then = now();
  lose(pv0_);
  lose(pv1_);
  make_again(then, 0, pv0_);
  make_again(then, 1, pv1_);

  EXPECT_EQ(restore().status, 0);

  EXPECT_EQ(volumes(), "  a\n  b\n");
  EXPECT_EQ(now().seqno, then.seqno + 1) << "a copy that turns up again must be older";
}

TEST_F(BackupCommands, BringBackAGroupThatWasRemoved) {
  make_plain("a");
  back_up();
  must({"cvremove", "-y", "vg0/a"});
  must({"vgremove", "vg0"});
  EXPECT_EQ(restore().status, 0);
  EXPECT_EQ(volumes(), "  a\n");
}

TEST_F(BackupCommands, RefuseWhatIsAnotherGroupOrNoGroup) {
  back_up();
  EXPECT_THAT(fails({"vgcfgrestore", "-f", file(), "vg1"}).error, HasSubstr("holds the volume group vg0"));
  EXPECT_THAT(fails({"vgcfgrestore", "-f", shop_.path("none"), "vg0"}).error, HasSubstr("there is no file"));
  EXPECT_THAT(fails({"vgcfgrestore", "-f", pv0_, "vg0"}).error, HasSubstr(pv0_));
  // Its PVs were given to another group since.
  must({"vgremove", "vg0"});
  must({"vgcreate", "other", pv0_, pv1_});
  EXPECT_THAT(restore().error, HasSubstr("belongs to other now"));
}

TEST_F(BackupCommands, ChangeNothingInATest) {
  make_plain("a");
  back_up();
  make_plain("b");
  const auto before = test::read_file(pv0_);
  EXPECT_EQ(shop_.run({"vgcfgrestore", "--test", "-f", file(), "vg0"}).status, 0);
  EXPECT_EQ(test::read_file(pv0_), before);
  EXPECT_EQ(shop_.run({"vgcfgbackup", "--test", "-f", shop_.path("never"), "vg0"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(shop_.path("never")));
}

TEST_F(BackupCommands, WriteEachGroupIntoAFileOfItsOwn) {
  const auto third = shop_.disk("pv2", 32);
  must({"vgcreate", "vg1", third});
  EXPECT_EQ(shop_.run({"vgcfgbackup", "-f", file()}).status, 3);
  must({"vgcfgbackup", "-f", shop_.path("of-%s")});
  EXPECT_TRUE(std::filesystem::exists(shop_.path("of-vg0")));
  EXPECT_TRUE(std::filesystem::exists(shop_.path("of-vg1")));
  EXPECT_EQ(shop_.run({"vgcfgbackup", "nowhere"}).status, 5);
}

TEST_F(BackupCommands, DoNotReplaceTheBackupWhilePvsAreMissing) {
  make_plain("a");
  shop_.look_only_at(pv0_);
  EXPECT_THAT(fails({"vgcfgbackup", "vg0"}).error, HasSubstr("missing"));
  must({"vgcfgbackup", "-f", file(), "vg0"});
}

TEST_F(BackupCommands, WantAnIdForARestoreFile) {
  back_up();
  const auto disk = shop_.disk("pv2", 32);
  EXPECT_EQ(shop_.run({"pvcreate", "--restorefile", file(), disk}).status, 3);
  const auto none = "00000000-0000-0000-0000-0000-0000-000000";
  EXPECT_NE(shop_.run({"pvcreate", "--uuid", none, "--restorefile", file(), disk}).status, 0);
}

}  // namespace
}  // namespace cv
