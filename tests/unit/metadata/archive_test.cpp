// The archive and the backup beside the disks.
#include "metadata/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>

#include "lib/base/error.h"
#include "lib/device/text_file.h"
#include "tests/support/fixture_disk.h"
#include "tests/support/group_builder.h"
#include "tests/support/temp_dir.h"

namespace cv::metadata {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;

class Archive : public testing::Test {
 protected:
  Archive() {
    settings_.archive = true;
    settings_.backup = true;
    settings_.archive_dir = room_.path("lvm/archive");
    settings_.backup_dir = room_.path("lvm/backup");
    settings_.command = "cvcreate -n x \"vg0\"";
  }

  TextStamp stamp() const {
    return {.description = "", .creation_host = "here", .creation_time = system_time()};
  }

  std::vector<std::string> names_in(const std::string& directory) const {
    std::vector<std::string> names;
    if (!fs::exists(room_.path(directory))) return names;
    for (const auto& entry : fs::directory_iterator(room_.path(directory)))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  std::vector<std::string> archived(std::string_view vg = "vg0") const {
    std::vector<std::string> names;
    for (const auto& path : archived_files(settings_.archive_dir, vg))
      names.push_back(fs::path(path).filename().string());
    return names;
  }
  /// An archive file that somebody wrote so many days ago.
  void put(const std::string& name, unsigned days_ago) {
    device::make_private_directory(settings_.archive_dir);
    const std::string path = settings_.archive_dir + "/" + name;
    test::write_file(path, std::string_view("vg0 { }\n"));
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(24 * days_ago));
  }

  static unsigned mode_of(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777U;
  }

  VolumeGroup group() const {
    auto vg = test::group_with({10});
    vg.seqno = 7;
    return vg;
  }

  test::TempDir room_;
  ArchiveSettings settings_;
};

TEST_F(Archive, HoldsTheGroupAsItWasWithTheCommandThatChangedIt) {
  archive_group(settings_, group(), stamp());

  const auto files = archived_files(settings_.archive_dir, "vg0");
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_THAT(files[0], MatchesRegex(".*/vg0_00000-[0-9]+\\.vg"));
  const auto text = *device::read_text_file(files[0]);
  EXPECT_EQ(read_group(text, TextForm::backup), group());
  const auto head = read_backup_head(text);
  EXPECT_EQ(head.vg_name, "vg0");
  EXPECT_EQ(head.stamp.description, "Created *before* executing 'cvcreate -n x \"vg0\"'");
  EXPECT_EQ(head.stamp.creation_host, "here");
}

TEST_F(Archive, IsForTheOwnerAlone) {
  archive_group(settings_, group(), stamp());
  backup_group(settings_, group(), "vg0", stamp());

  EXPECT_EQ(mode_of(settings_.archive_dir), 0700U);
  EXPECT_EQ(mode_of(settings_.backup_dir), 0700U);
  EXPECT_EQ(mode_of(archived_files(settings_.archive_dir, "vg0")[0]), 0600U);
  EXPECT_EQ(mode_of(settings_.backup_dir + "/vg0"), 0600U);
}

TEST_F(Archive, GoesOnBehindTheHighestIndex) {
  put("vg0_00041-1.vg", 0);
  put("vg0_00007-99.vg", 0);
  put("vg0_x_00090-1.vg", 0);
  put("vg0_0091-1.vg", 0);
  put("vg0_00092.vg", 0);
  put("vg0_00093-1.vg.old", 0);
  put("other_00095-1.vg", 0);

  archive_group(settings_, group(), stamp());

  const auto names = archived();
  ASSERT_THAT(names, SizeIs(3));
  EXPECT_EQ(names[0], "vg0_00007-99.vg");
  EXPECT_EQ(names[1], "vg0_00041-1.vg");
  EXPECT_THAT(names[2], MatchesRegex("vg0_00042-[0-9]+\\.vg"));
  EXPECT_THAT(archived("vg0_x"), ElementsAre("vg0_x_00090-1.vg"));
}

TEST_F(Archive, KeepsWhatIsYoungAndEnoughOfWhatIsOld) {
  settings_.retain_min = 3;
  settings_.retain_days = 30;
  for (unsigned i = 0; i < 6; ++i) put(fmt::format("vg0_0000{}-1.vg", i), 100);
  archive_group(settings_, group(), stamp());
  EXPECT_THAT(archived(), SizeIs(3));  // two old ones and the new one

  for (unsigned i = 0; i < 6; ++i) put(fmt::format("vg0_0001{}-1.vg", i), 5);
  archive_group(settings_, group(), stamp());
  EXPECT_THAT(archived(), SizeIs(8));  // the old ones went, the young ones did not
  EXPECT_EQ(archived().back().substr(0, 9), "vg0_00016");
}

TEST_F(Archive, LeavesNothingElseInItsFolder) {
  archive_group(settings_, group(), stamp());
  backup_group(settings_, group(), "vg0", stamp());

  EXPECT_THAT(names_in("lvm/archive"), SizeIs(1));
  EXPECT_THAT(names_in("lvm/backup"), ElementsAre("vg0"));
}

TEST_F(Archive, HasNothingOfAGroupThatWasNeverWritten) {
  VolumeGroup vg;
  vg.name = "vg0";
  archive_group(settings_, vg, stamp());
  EXPECT_THAT(archived(), IsEmpty());
}

TEST_F(Archive, IsNotThereWhereItIsSwitchedOff) {
  settings_.archive = false;
  settings_.backup = false;
  archive_group(settings_, group(), stamp());
  backup_group(settings_, group(), "vg0", stamp());
  EXPECT_FALSE(fs::exists(room_.path("lvm")));
}

TEST_F(Archive, FollowsAGroupThatGetsAnotherName) {
  backup_group(settings_, group(), "", stamp());
  auto vg = group();
  vg.name = "other";
  backup_group(settings_, vg, "vg0", stamp());
  EXPECT_THAT(names_in("lvm/backup"), ElementsAre("other"));
}

TEST_F(Archive, IsAFailureWhereItsPlaceIsTaken) {
  test::write_file(room_.path("lvm"), std::string_view("a file"));
  EXPECT_THROW(archive_group(settings_, group(), stamp()), Error);
  backup_group(settings_, group(), "vg0", stamp());  // says so and goes on
}

TEST_F(Archive, TellsWhatIsNoBackup) {
  EXPECT_THROW(read_backup_head("contents = \"x\"\n"), Error);
  EXPECT_THROW(read_backup_head("vg0 {"), Error);
  EXPECT_EQ(read_backup_head("vg0 { a { } }\ncreation_time = 5\n").stamp.creation_time, 5U);
}

TEST_F(Archive, WritesOverRegularFilesOnly) {
  const auto path = room_.path("mine");
  write_backup(path, group(), stamp());
  write_backup(path, group(), stamp());
  EXPECT_EQ(read_group(*device::read_text_file(path), TextForm::backup), group());
  EXPECT_THROW(write_backup("/dev/null", group(), stamp()), Error);
  EXPECT_THROW(write_backup(room_.path("nowhere/mine"), group(), stamp()), Error);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

/// Changes on disks in memory, with the files beside them.
class ArchivedChanges : public Archive {
 protected:
  ArchivedChanges() : disks_(test::disks_with_pvs(2)) {}

  MetadataStore store() {
    auto options = test::quiet_options();
    options.archive = settings_;
    return test::store_on(disks_, options);
  }
  std::uint32_t backed_up_seqno(const std::string& name = "vg0") const {
    return read_group(*device::read_text_file(settings_.backup_dir + "/" + name), TextForm::backup).seqno;
  }

  std::vector<test::Disk> disks_;
};

TEST_F(ArchivedChanges, LeaveTheOldTextInTheArchiveAndTheNewOneAsBackup) {
  auto store = this->store();
  create_group(store, disks_);
  EXPECT_THAT(archived(), IsEmpty());
  EXPECT_EQ(backed_up_seqno(), 1U);

  auto change = store.begin("vg0");
  const auto before = change.current();
  change.prepare(test::with_volume(before, "a", 1), "made a");
  ASSERT_THAT(archived(), SizeIs(1));  // there before anything is valid
  EXPECT_EQ(backed_up_seqno(), 1U);
  change.commit();
  EXPECT_EQ(backed_up_seqno(), 2U);

  change.prepare(test::with_volume(change.current(), "b", 2), "made b");
  change.commit();
  EXPECT_EQ(backed_up_seqno(), 3U);
  ASSERT_THAT(archived(), SizeIs(1)) << "one command, one text";
  EXPECT_EQ(
      read_group(*device::read_text_file(archived_files(settings_.archive_dir, "vg0")[0]), TextForm::backup),
      before);
}

TEST_F(ArchivedChanges, AreRefusedWhereTheArchiveFails) {
  auto store = this->store();
  create_group(store, disks_);
  test::write_file(settings_.archive_dir, std::string_view("a file"));
  const auto before = disks_[0]->content();
  auto change = store.begin("vg0");
  try {
    change.prepare(test::with_volume(change.current(), "a", 1), "made a");
    FAIL() << "went on without an archive";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("could not be archived"));
    EXPECT_THAT(error.advice(), HasSubstr("--autobackup n"));
  }
  EXPECT_EQ(disks_[0]->content(), before);
}

TEST_F(ArchivedChanges, StandWhereTheBackupFails) {
  auto store = this->store();
  device::make_private_directory(room_.path("lvm"));
  test::write_file(settings_.backup_dir, std::string_view("a file"));
  create_group(store, disks_);
  EXPECT_EQ(store.scan().groups.at(0).vg.seqno, 1U);
}

TEST_F(ArchivedChanges, LeaveTheBackupOfAGroupThatIsRemovedAndArchiveIt) {
  auto store = this->store();
  create_group(store, disks_);
  auto change = store.begin("vg0", {.membership = true, .despite = {}});
  change.remove_group();
  EXPECT_THAT(archived(), SizeIs(1));
  EXPECT_EQ(backed_up_seqno(), 1U);
}

}  // namespace
}  // namespace cv::metadata
