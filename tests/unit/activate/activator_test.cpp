// Plans carried out, and what is left when they fail.
#include "activate/activator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_rename.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/fake_mapper.h"
#include "tests/support/memory_keyring.h"
#include "tests/support/sample_group.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/activate/activator_fixture.h"

namespace cv::activate {

using namespace cv::test;
using metadata::LogicalArea;
using metadata::VolumeGroup;
using std::chrono::milliseconds;

namespace {

volatile std::sig_atomic_t arrived = 0;

/// Passes everything on.
class MapperAbove : public Mapper {
 public:
  explicit MapperAbove(FakeMapper& mapper) : mapper_(mapper) {}
  std::optional<DeviceInfo> find_uuid(const std::string& uuid) override { return mapper_.find_uuid(uuid); }
  std::optional<DeviceInfo> find_name(const std::string& name) override { return mapper_.find_name(name); }
  std::vector<DeviceInfo> list() override { return mapper_.list(); }
  std::optional<Table> live_table(const std::string& uuid) override { return mapper_.live_table(uuid); }
  bool is_shown(const std::string& name, std::optional<DeviceNumber> number,
                const Publication& publication) override {
    return mapper_.is_shown(name, number, publication);
  }
  std::optional<std::uint32_t> read_ahead(DeviceNumber number) override { return mapper_.read_ahead(number); }
  void run(const Operation& operation) override { mapper_.run(operation); }
  void settle() override { mapper_.settle(); }
  std::optional<TargetVersion> target_version(const std::string& type) override {
    return mapper_.target_version(type);
  }

 protected:
  FakeMapper& mapper_;
};

/// Somebody presses Ctrl-C whenever a device has just been suspended.
class InterruptedMapper final : public MapperAbove {
 public:
  using MapperAbove::MapperAbove;
  void run(const Operation& operation) override {
    mapper_.run(operation);
    if (mapper_.any_suspended()) std::raise(SIGINT);
    EXPECT_FALSE(arrived != 0 && mapper_.any_suspended());
  }
};

/// Copies the keys of the tables it is given, as the kernel does, and notes whether one of ours is there yet
/// when a device goes live.
class WatchfulMapper final : public MapperAbove {
 public:
  WatchfulMapper(FakeMapper& mapper, std::weak_ptr<const crypt::SecureBytes> key)
      : MapperAbove(mapper), key_(std::move(key)) {}
  void run(const Operation& operation) override {
    if (std::holds_alternative<ResumeDevice>(operation)) was_there_.push_back(!key_.expired());
    const auto* load = std::get_if<LoadTable>(&operation);
    if (load == nullptr) return mapper_.run(operation);
    LoadTable copy = *load;
    for (auto& line : copy.table) {
      auto* crypt = std::get_if<CryptTarget>(&line.target);
      if (crypt == nullptr) continue;
      const auto& key = std::get<HexKey>(crypt->key).key;
      crypt->key = HexKey{std::make_shared<const crypt::SecureBytes>(key->clone())};
    }
    mapper_.run(copy);
  }
  const std::vector<bool>& was_there() const { return was_there_; }

 private:
  std::weak_ptr<const crypt::SecureBytes> key_;
  std::vector<bool> was_there_;
};

}  // namespace

TEST_F(ActivatorTest, WipesAKeyThatTablesHoldWhenTheLastOneIsLoaded) {
  const auto before = striped_tst();
  const auto after = longer(before);
  KeyCache cache(nullptr, settings());
  for (const bool extends : {false, true}) {
    auto key = std::make_shared<const crypt::SecureBytes>(sample_key(64));
    WatchfulMapper mapper(mapper_, key);
    Activator activator(mapper, &cache);
    cache.put(store_of(before), std::move(key));
    auto inputs = inputs_for(after);
    inputs.keys["cryptostore1"].key = cache.table_key(store_of(before), 64, extends);

    if (extends) {
      auto change = activator.stage(before, after, {"tst"}, std::exchange(inputs, {}));
      change.go();
    } else {
      activator.activate(before, {"tst"}, std::move(inputs));
    }

    // The hidden device goes live before the table above it can be loaded.
    EXPECT_EQ(mapper.was_there(), (std::vector<bool>{true, false})) << extends;
  }
}

TEST_F(ActivatorTest, LeavesNoDeviceSuspendedWhenItIsInterrupted) {
  const auto before = striped_tst();
  const auto after = longer(before);
  activate(before);
  InterruptedMapper interrupted(mapper_);
  Activator activator(interrupted, &cache_);
  for (const bool goes : {true, false}) {
    arrived = 0;
    const auto former = std::signal(SIGINT, [](int) { arrived = arrived + 1; });
    {
      auto change = activator.stage(before, after, {"tst"}, unlocked(after));
      change.suspend();
      EXPECT_EQ(arrived, 0);
      if (goes) change.go();
    }
    std::signal(SIGINT, former);

    EXPECT_EQ(arrived, 1);
    EXPECT_FALSE(mapper_.any_suspended());
    activate(before);
  }
}

TEST_F(ActivatorTest, BringsAVolumeUp) {
  const auto vg = group_with_tst();

  activate(vg);

  EXPECT_TRUE(activator_.is_active(vg, "tst"));
  EXPECT_THAT(mapper_.history(), testing::ElementsAre("create vg0-tst", "load vg0-tst", "resume vg0-tst"));
  EXPECT_THAT(mapper_.links(), testing::ElementsAre("vg0/tst"));
}

TEST_F(ActivatorTest, DoesNothingToAVolumeThatIsUp) {
  const auto vg = group_with_tst();
  activate(vg);
  mapper_.clear_history();

  activate(vg);

  EXPECT_TRUE(mapper_.history().empty());
}

TEST_F(ActivatorTest, BringsTheHiddenDeviceUpFirstAndDownLast) {
  const auto vg = striped_tst();

  activate(vg);
  activator_.deactivate(vg, {"tst"});

  EXPECT_THAT(mapper_.history(),
              testing::ElementsAre("create vg0-tst_crdata", "load vg0-tst_crdata", "resume vg0-tst_crdata",
                                   "create vg0-tst", "load vg0-tst", "resume vg0-tst", "remove vg0-tst",
                                   "remove vg0-tst_crdata"));
}

TEST_F(ActivatorTest, TakesManyDownAndForgetsTheirKeyWithTheLast) {
  auto vg = striped_tst();
  std::vector<std::string> names{"tst"};
  for (int i = 0; i < 12; ++i) {
    names.push_back(fmt::format("plain{}", i));
    add_volume(vg, names.back(), true, {linear(0, 1, on_pv(0, 20 + static_cast<std::uint64_t>(i)))});
  }
  activator_.activate(vg, {names[0], names[2], names[7]}, unlocked(vg));
  ASSERT_TRUE(keyring_.find(key_description(store_of(vg))));

  activator_.deactivate(vg, names);

  EXPECT_TRUE(mapper_.list().empty());
  EXPECT_FALSE(keyring_.find(key_description(store_of(vg))));
  names.push_back("nobody");
  EXPECT_THROW(activator_.deactivate(vg, names), Error);
}

TEST_F(ActivatorTest, RenamesDevicesBehindTheCommitAndLeavesTheirTables) {
  const auto vg = striped_tst();
  activate(vg);
  const auto table = mapper_.live_table(uuid_of(vg, "tst"));
  mapper_.open(uuid_of(vg, "tst"));
  mapper_.clear_history();
  const auto next = metadata::rename_volume(vg, "tst", "new");

  auto change = activator_.stage_renaming(vg, next, {"new", "new_crdata"});
  EXPECT_TRUE(mapper_.history().empty());
  change.go();

  EXPECT_THAT(mapper_.history(),
              testing::ElementsAre("rename vg0-tst vg0-new", "rename vg0-tst_crdata vg0-new_crdata"));
  EXPECT_EQ(mapper_.live_table(uuid_of(vg, "tst")), table);
  EXPECT_THAT(mapper_.links(), testing::ElementsAre("vg0/new"));
}

TEST_F(ActivatorTest, RefusesANewNameThatSomebodyElseHasBeforeTheCommit) {
  const auto vg = group_with_tst();
  activate(vg);
  mapper_.run(CreateDevice{"vg0-new", "CRYPT-PLAIN-vg0-new"});
  const auto next = metadata::rename_volume(vg, "tst", "new");

  EXPECT_THROW(static_cast<void>(activator_.stage_renaming(vg, next, {"new"})), Error);

  EXPECT_TRUE(mapper_.find_name("vg0-tst"));
}

TEST_F(ActivatorTest, MendsTheNameOfADeviceThatMissedARenaming) {
  const auto vg = group_with_tst();
  activate(vg);
  const auto next = metadata::rename_volume(vg, "tst", "new");
  mapper_.fail_at(1);
  EXPECT_THROW(activator_.stage_renaming(vg, next, {"new"}).go(), Error);
  mapper_.clear_history();

  activator_.activate(next, {"new"}, inputs_for(next));

  EXPECT_THAT(mapper_.history(), testing::ElementsAre("rename vg0-tst vg0-new"));
}

TEST_F(ActivatorTest, FindsADeviceOfAVolumeByItsLayersToo) {
  const auto vg = group_with_tst();
  mapper_.run(CreateDevice{"vg0-tst-real", uuid_of(vg, "tst") + "-real"});

  ASSERT_TRUE(activator_.any_device_of(vg, {"tst"}));
  EXPECT_EQ(activator_.any_device_of(vg, {"tst"})->name, "vg0-tst-real");
  EXPECT_FALSE(activator_.any_device_of(vg, {"tst_crdata"}));
}

TEST_F(ActivatorTest, LeavesNothingBehindWhenAnyStepOfAnActivationFails) {
  for (const auto& vg : {group_with_tst(), striped_tst()}) {
    unsigned step = 1;
    for (;; ++step) {
      const auto inputs = unlocked(vg);
      mapper_.fail_at(step);
      try {
        activator_.activate(vg, {"tst"}, inputs);
      } catch (const Error&) {
        EXPECT_TRUE(mapper_.empty()) << "step " << step;
        continue;
      }
      break;
    }
    mapper_.fail_at(0);
    EXPECT_GT(step, 3U);
    EXPECT_TRUE(activator_.is_active(vg, "tst"));
    activator_.deactivate(vg, {"tst"});
  }
}

TEST_F(ActivatorTest, KeepsTheVolumesThatCameUpBeforeOneThatFails) {
  auto vg = group_with_tst();
  add_volume(vg, "one", true, {linear(0, 1, on_pv(0, 0))});
  auto inputs = inputs_for(vg);  // the keyring has no key

  EXPECT_THROW(activator_.activate(vg, {"one", "tst"}, inputs), Error);

  EXPECT_TRUE(activator_.is_active(vg, "one"));
  EXPECT_FALSE(mapper_.find_uuid(uuid_of(vg, "tst")));
}

TEST_F(ActivatorTest, RefusesANameThatSomebodyElseHas) {
  const auto vg = group_with_tst();
  mapper_.run(CreateDevice{"vg0-tst", "CRYPT-PLAIN-vg0-tst"});

  try {
    activate(vg);
    FAIL() << "a foreign device was touched";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::exists);
    EXPECT_THAT(error.advice(), testing::HasSubstr("dmsetup"));
  }

  EXPECT_EQ(mapper_.find_name("vg0-tst")->uuid, "CRYPT-PLAIN-vg0-tst");
}

TEST_F(ActivatorTest, MakesRoomWhereADeviceOfTheGroupHasMissedItsNewName) {
  auto vg = group_with_tst();
  add_volume(vg, "one", true, {linear(0, 1, on_pv(0, 0))});
  activator_.activate(vg, {"one"}, unlocked(vg));
  mapper_.run(RenameDevice{uuid_of(vg, "one"), "vg0-tst", {}, {}});

  activate(vg);

  EXPECT_EQ(mapper_.find_name("vg0-tst")->uuid, uuid_of(vg, "tst"));
  EXPECT_EQ(mapper_.find_name("vg0-one")->uuid, uuid_of(vg, "one"));
}

TEST_F(ActivatorTest, TellsWhatEachVolumeRunsIntoAndGoesOn) {
  auto vg = group_with_tst();
  add_volume(vg, "one", true, {linear(0, 1, on_pv(0, 0))});
  auto inputs = inputs_for(vg);  // the keyring has no key
  std::vector<std::string> failed;
  const OnFailure note = [&](const std::string& lv, const Error&) { failed.push_back(lv); };

  activator_.activate(vg, {"tst", "one"}, inputs, note);

  EXPECT_THAT(failed, testing::ElementsAre("tst"));
  EXPECT_TRUE(activator_.is_active(vg, "one"));
  activate(vg);
  mapper_.open(uuid_of(vg, "tst"));
  activator_.deactivate(vg, {"tst", "one"}, {.for_udev = milliseconds(0)}, note);
  EXPECT_THAT(failed, testing::ElementsAre("tst", "tst"));
  EXPECT_FALSE(activator_.is_active(vg, "one"));
}

TEST_F(ActivatorTest, SaysInWhatADeviceIsNotAsItShouldBe) {
  auto vg = group_with_tst();
  activate(vg);
  const auto drift = [&] { return drift_of(activator_.plan_activation(vg, {"tst"}, unlocked(vg))); };
  EXPECT_TRUE(drift().empty());

  mapper_.run(RenameDevice{uuid_of(vg, "tst"), "other", {}, {}});
  mapper_.run(LoadTable{uuid_of(vg, "tst"), {{Sectors(0), Sectors(8), ZeroTarget{}}}});
  mapper_.run(SuspendDevice{uuid_of(vg, "tst")});
  EXPECT_THAT(drift(), testing::ElementsAre("table waiting", "suspended", "name"));
  mapper_.run(ResumeDevice{uuid_of(vg, "tst"), {}, std::nullopt});
  EXPECT_THAT(drift(), testing::ElementsAre("table", "name"));
  activate(vg);
  metadata::clear_flag(metadata::find_lv(vg, "tst")->flags, "WRITE");
  EXPECT_THAT(drift(), testing::ElementsAre("permission"));
  metadata::set_flag(metadata::find_lv(vg, "tst")->flags, "WRITE");
  metadata::find_lv(vg, "tst")->read_ahead = 512;
  EXPECT_THAT(drift(), testing::ElementsAre("read-ahead"));
  activate(vg);
  EXPECT_TRUE(drift().empty());
}

TEST_F(ActivatorTest, GivesADeviceTheNumberThatItAlwaysHas) {
  auto vg = group_with_tst();
  metadata::set_flag(metadata::find_lv(vg, "tst")->flags, "FIXED_MINOR");
  metadata::find_lv(vg, "tst")->minor = 200;
  mapper_.run(CreateDevice{"other", "CRYPT-1", 200});
  EXPECT_THROW(activate(vg), Error);
  mapper_.run(RemoveDevice{"CRYPT-1", {}});

  activate(vg);

  EXPECT_EQ(mapper_.find_uuid(uuid_of(vg, "tst"))->number.minor, 200U);
}

TEST_F(ActivatorTest, KnowsItsDeviceByUuidUnderAnyName) {
  const auto vg = group_with_tst();
  activate(vg);
  auto renamed = vg;
  renamed.name = "vg1";
  auto inputs = unlocked(renamed);

  activator_.activate(renamed, {"tst"}, inputs);
  EXPECT_TRUE(activator_.is_active(renamed, "tst"));
  activator_.deactivate(renamed, {"tst"});

  EXPECT_TRUE(mapper_.empty());
}

TEST_F(ActivatorTest, StagesAVolumeThatIsNewAndTakesItAwayAgain) {
  const auto next = striped_tst();
  auto current = next;
  current.lvs.clear();

  { const auto change = activator_.stage(current, next, {"tst"}, unlocked(next)); }
  EXPECT_TRUE(mapper_.empty());
  auto change = activator_.stage(current, next, {"tst"}, unlocked(next));
  EXPECT_FALSE(activator_.is_active(next, "tst"));
  change.go();

  EXPECT_TRUE(activator_.is_active(next, "tst"));
}

TEST_F(ActivatorTest, RefusesToCloseWhatIsOpen) {
  const auto vg = striped_tst();
  activate(vg);
  mapper_.open(uuid_of(vg, "tst"));

  EXPECT_THROW(activator_.deactivate(vg, {"tst"}, {.for_udev = milliseconds(0)}), Error);
  EXPECT_THROW(activator_.require_unused(vg, "tst"), Error);

  EXPECT_TRUE(activator_.is_active(vg, "tst"));
  EXPECT_EQ(activator_.open_count(vg, "tst"), 1U);
  EXPECT_TRUE(keyring_.find(key_description(store_of(vg))));
}

TEST_F(ActivatorTest, FindsNothingToDoInAVolumeThatIsDown) {
  const auto vg = group_with_tst();

  activator_.deactivate(vg, {"tst"});

  EXPECT_TRUE(mapper_.history().empty());
}

TEST_F(ActivatorTest, LeavesVolumesOfLvm2ToLvm2WhenTheyAreUp) {
  auto vg = empty_group();
  metadata::Segment thin;
  thin.count = Extents(1);
  thin.kind = metadata::Opaque{"thin", {}, {}};
  add_volume(vg, "thin1", true, {thin});
  EXPECT_NO_THROW(activator_.deactivate(vg, {"thin1"}));
  mapper_.run(CreateDevice{"vg0-thin1", uuid_of(vg, "thin1")});

  EXPECT_THROW(activator_.deactivate(vg, {"thin1"}), Error);

  EXPECT_FALSE(mapper_.empty());
}

TEST_F(ActivatorTest, LiftsTheKeysLimitWhenTheFirstVolumeIsUpAndForgetsItWithTheLast) {
  auto vg = group_with_tst();
  add_volume(vg, "two", true, {encrypted(0, 2, on_pv(1, 0), kWindow * 2)});
  const auto key = key_description(store_of(vg));
  const auto inputs = unlocked(vg);
  EXPECT_EQ(keyring_.time_left(key), std::chrono::seconds(150));

  activator_.activate(vg, {"tst", "two"}, inputs);
  EXPECT_TRUE(keyring_.find(key));
  EXPECT_EQ(keyring_.time_left(key), std::nullopt);
  activator_.deactivate(vg, {"tst"});
  EXPECT_TRUE(keyring_.find(key));
  activator_.deactivate(vg, {"two"});

  EXPECT_FALSE(keyring_.find(key));
}

}  // namespace cv::activate
