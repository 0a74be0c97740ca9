// What every Mapper promises. A program that includes this says for which worlds:
//
//     INSTANTIATE_TEST_SUITE_P(Fake, MapperContract, testing::Values(&make_fake_world));
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activate/mapper.h"
#include "lib/base/error.h"

namespace cv::test {

/// A mapper with a disk of at least 32 MiB below it.
class MapperWorld {
 public:
  virtual ~MapperWorld() = default;
  virtual activate::Mapper& mapper() = 0;
  virtual activate::DeviceNumber disk() = 0;
  /// Somebody else has the device open until the returned guard dies.
  virtual std::shared_ptr<void> hold_open(const activate::DeviceInfo& device) = 0;
};

class MapperContract : public testing::TestWithParam<std::unique_ptr<MapperWorld> (*)()> {
 protected:
  using Errors = std::optional<Errc>;

  activate::Mapper& mapper() { return world_->mapper(); }
  MapperWorld& world() { return *world_; }

  activate::Table linear(std::uint64_t sectors, std::uint64_t offset = 0) {
    return {{Sectors(0), Sectors(sectors), activate::LinearTarget{world_->disk(), Sectors(offset)}}};
  }

  void make(const std::string& name, const std::string& uuid, const activate::Table& table) {
    mapper().run(activate::CreateDevice{name, uuid});
    mapper().run(activate::LoadTable{uuid, table});
    mapper().run(activate::ResumeDevice{uuid, {}});
  }
  void remove(const std::string& uuid) { mapper().run(activate::RemoveDevice{uuid, {}}); }

  Errors error_of(const activate::Operation& operation) {
    try {
      mapper().run(operation);
      return std::nullopt;
    } catch (const Error& error) {
      return error.code();
    }
  }

 private:
  std::unique_ptr<MapperWorld> world_ = GetParam()();
};

inline const std::string kUuidA = "LVM-" + std::string(31, 'v') + "1" + std::string(31, 'a') + "1";
inline const std::string kUuidB = "LVM-" + std::string(31, 'v') + "1" + std::string(31, 'b') + "1";

TEST_P(MapperContract, FindsADeviceByUuidAndByNameOnceItIsCreated) {
  mapper().run(activate::CreateDevice{"contract-a", kUuidA});

  const auto by_uuid = mapper().find_uuid(kUuidA);
  const auto by_name = mapper().find_name("contract-a");

  ASSERT_TRUE(by_uuid && by_name);
  EXPECT_EQ(*by_uuid, *by_name);
  EXPECT_EQ(by_uuid->name, "contract-a");
  EXPECT_EQ(by_uuid->uuid, kUuidA);
  EXPECT_FALSE(by_uuid->has_live_table);
  EXPECT_FALSE(mapper().live_table(kUuidA));
  remove(kUuidA);
  EXPECT_FALSE(mapper().find_uuid(kUuidA));
  EXPECT_FALSE(mapper().find_name("contract-a"));
}

TEST_P(MapperContract, KeepsALoadedTableInactiveUntilTheResume) {
  mapper().run(activate::CreateDevice{"contract-a", kUuidA});

  mapper().run(activate::LoadTable{kUuidA, linear(8192, 2048)});

  EXPECT_TRUE(mapper().find_uuid(kUuidA)->has_inactive_table);
  EXPECT_FALSE(mapper().find_uuid(kUuidA)->has_live_table);
  mapper().run(activate::ResumeDevice{kUuidA, {}});
  EXPECT_FALSE(mapper().find_uuid(kUuidA)->has_inactive_table);
  EXPECT_EQ(mapper().live_table(kUuidA), linear(8192, 2048));
  remove(kUuidA);
}

TEST_P(MapperContract, GivesBackTheTableItWasGiven) {
  const activate::Table table{
      {Sectors(0), Sectors(1024), activate::LinearTarget{world().disk(), Sectors(2048)}},
      {Sectors(1024), Sectors(2048),
       activate::StripedTarget{Sectors(128),
                               {{world().disk(), Sectors(4096)}, {world().disk(), Sectors(8192)}}}},
      {Sectors(3072), Sectors(8), activate::ZeroTarget{}},
      {Sectors(3080), Sectors(8), activate::ErrorTarget{}}};

  make("contract-a", kUuidA, table);

  EXPECT_EQ(mapper().live_table(kUuidA), table);
  remove(kUuidA);
}

TEST_P(MapperContract, ChangesTheTableOfALiveDeviceAndDropsWhatIsCleared) {
  make("contract-a", kUuidA, linear(8192));

  mapper().run(activate::LoadTable{kUuidA, linear(16384)});
  mapper().run(activate::ClearInactive{kUuidA});
  mapper().run(activate::SuspendDevice{kUuidA});
  EXPECT_TRUE(mapper().find_uuid(kUuidA)->suspended);
  mapper().run(activate::ResumeDevice{kUuidA, {}});
  EXPECT_EQ(mapper().live_table(kUuidA), linear(8192));
  mapper().run(activate::LoadTable{kUuidA, linear(16384)});
  mapper().run(activate::ResumeDevice{kUuidA, {}});

  EXPECT_EQ(mapper().live_table(kUuidA), linear(16384));
  EXPECT_FALSE(mapper().find_uuid(kUuidA)->suspended);
  remove(kUuidA);
}

TEST_P(MapperContract, MarksADeviceReadOnlyByTheTableItWasLoadedWith) {
  mapper().run(activate::CreateDevice{"contract-a", kUuidA});

  mapper().run(activate::LoadTable{kUuidA, linear(8192), true});
  mapper().run(activate::ResumeDevice{kUuidA, {}});

  EXPECT_TRUE(mapper().find_uuid(kUuidA)->read_only);
  remove(kUuidA);
}

TEST_P(MapperContract, RefusesANameOrUuidThatIsTaken) {
  make("contract-a", kUuidA, linear(8192));

  EXPECT_EQ(error_of(activate::CreateDevice{"contract-a", kUuidB}), Errc::exists);
  EXPECT_EQ(error_of(activate::CreateDevice{"contract-b", kUuidA}), Errc::exists);

  EXPECT_EQ(mapper().live_table(kUuidA), linear(8192));
  EXPECT_FALSE(mapper().find_uuid(kUuidB));
  remove(kUuidA);
}

TEST_P(MapperContract, GivesALiveDeviceAnotherNameAndNothingElse) {
  make("contract-a", kUuidA, linear(8192));
  mapper().settle();
  const auto before = *mapper().find_uuid(kUuidA);
  auto holder = world().hold_open(before);

  mapper().run(activate::RenameDevice{kUuidA, "contract-c", {}, {}});
  mapper().settle();

  EXPECT_FALSE(mapper().find_name("contract-a"));
  ASSERT_TRUE(mapper().find_name("contract-c"));
  const auto after = *mapper().find_uuid(kUuidA);
  EXPECT_EQ(after.name, "contract-c");
  EXPECT_EQ(after.number, before.number);
  EXPECT_TRUE(after.has_live_table);
  EXPECT_FALSE(after.suspended);
  EXPECT_EQ(mapper().live_table(kUuidA), linear(8192));
  holder.reset();
  remove(kUuidA);
}

TEST_P(MapperContract, DoesNotTakeANameAwayFromAnotherDevice) {
  make("contract-a", kUuidA, linear(8192));
  make("contract-b", kUuidB, linear(8192, 8192));

  EXPECT_EQ(error_of(activate::RenameDevice{kUuidA, "contract-b", {}, {}}), Errc::exists);

  EXPECT_EQ(mapper().find_uuid(kUuidA)->name, "contract-a");
  EXPECT_EQ(mapper().find_name("contract-b")->uuid, kUuidB);
  remove(kUuidB);
  remove(kUuidA);
}

TEST_P(MapperContract, SaysNotFoundForAnUnknownUuid) {
  EXPECT_EQ(error_of(activate::LoadTable{kUuidA, linear(8192)}), Errc::not_found);
  EXPECT_EQ(error_of(activate::SuspendDevice{kUuidA}), Errc::not_found);
  EXPECT_EQ(error_of(activate::ResumeDevice{kUuidA, {}}), Errc::not_found);
  EXPECT_EQ(error_of(activate::RemoveDevice{kUuidA, {}}), Errc::not_found);
  EXPECT_EQ(error_of(activate::ClearInactive{kUuidA}), Errc::not_found);
  EXPECT_EQ(error_of(activate::RenameDevice{kUuidA, "contract-c", {}, {}}), Errc::not_found);
  EXPECT_FALSE(mapper().find_uuid(kUuidA));
}

TEST_P(MapperContract, DoesNotRemoveADeviceThatIsOpen) {
  make("contract-a", kUuidA, linear(8192));
  mapper().settle();
  auto holder = world().hold_open(*mapper().find_uuid(kUuidA));

  EXPECT_EQ(mapper().find_uuid(kUuidA)->open_count, 1U);
  EXPECT_EQ(error_of(activate::RemoveDevice{kUuidA, {}}), Errc::in_use);

  EXPECT_EQ(mapper().live_table(kUuidA), linear(8192));
  holder.reset();
  remove(kUuidA);
}

TEST_P(MapperContract, DoesNotRemoveADeviceThatAnotherStandsOn) {
  make("contract-a", kUuidA, linear(8192));
  const auto below = mapper().find_uuid(kUuidA)->number;
  make("contract-b", kUuidB, {{Sectors(0), Sectors(4096), activate::LinearTarget{below, Sectors(0)}}});

  EXPECT_EQ(error_of(activate::RemoveDevice{kUuidA, {}}), Errc::in_use);

  remove(kUuidB);
  remove(kUuidA);
}

TEST_P(MapperContract, RefusesATableThatReachesPastTheDeviceBelow) {
  make("contract-a", kUuidA, linear(8192));
  const auto below = mapper().find_uuid(kUuidA)->number;
  mapper().run(activate::CreateDevice{"contract-b", kUuidB});
  const activate::Table too_long{{Sectors(0), Sectors(8192), activate::LinearTarget{below, Sectors(8)}}};

  EXPECT_EQ(error_of(activate::LoadTable{kUuidB, too_long}), Errc::kernel);

  remove(kUuidB);
  remove(kUuidA);
}

TEST_P(MapperContract, ListsWhatHasAnLvmUuid) {
  make("contract-a", kUuidA, linear(8192));
  make("contract-b", "OTHER-1234", linear(8192, 8192));

  const auto devices = mapper().list();

  EXPECT_THAT(devices, testing::Contains(testing::Field(&activate::DeviceInfo::uuid, kUuidA)));
  EXPECT_THAT(devices,
              testing::Not(testing::Contains(testing::Field(&activate::DeviceInfo::uuid, "OTHER-1234"))));
  remove(kUuidA);
  remove("OTHER-1234");
}

TEST_P(MapperContract, ShowsADeviceWhenItIsSettledAndNothingOfOneThatHasGone) {
  make("contract-a", kUuidA, linear(8192));
  mapper().settle();
  const auto number = mapper().find_uuid(kUuidA)->number;

  EXPECT_TRUE(mapper().is_shown("contract-a", number, {}));
  EXPECT_FALSE(mapper().is_shown("contract-b", number, {}));
  EXPECT_FALSE(mapper().is_shown("contract-a", activate::DeviceNumber{number.major, number.minor + 1}, {}));
  remove(kUuidA);
  mapper().run(activate::HideDevice{"contract-a", {}});
  mapper().settle();
  EXPECT_TRUE(mapper().is_shown("contract-a", std::nullopt, {}));
}

TEST_P(MapperContract, LeavesADeviceThatIsThereWhenItHidesOneThatHasGone) {
  make("contract-a", kUuidA, linear(8192));
  mapper().settle();

  mapper().run(activate::HideDevice{"contract-a", {}});

  EXPECT_TRUE(mapper().is_shown("contract-a", mapper().find_uuid(kUuidA)->number, {}));
  remove(kUuidA);
}

TEST_P(MapperContract, SetsTheReadAheadOfADevice) {
  make("contract-a", kUuidA, linear(8192));

  mapper().run(activate::ResumeDevice{kUuidA, {}, 1024});
  mapper().settle();

  EXPECT_EQ(mapper().read_ahead(mapper().find_uuid(kUuidA)->number), 1024U);
  remove(kUuidA);
}

TEST_P(MapperContract, GivesADeviceTheNumberThatIsWantedUnlessAnotherHasIt) {
  mapper().run(activate::CreateDevice{"contract-a", kUuidA, 203});

  EXPECT_EQ(mapper().find_uuid(kUuidA)->number.minor, 203U);
  EXPECT_EQ(error_of(activate::CreateDevice{"contract-b", kUuidB, 203}), Errc::exists);
  EXPECT_FALSE(mapper().find_uuid(kUuidB));
  remove(kUuidA);
}

TEST_P(MapperContract, KnowsWhichTargetsThereAre) {
  EXPECT_TRUE(mapper().target_version("linear"));
  EXPECT_FALSE(mapper().target_version("no-such-target"));
}

}  // namespace cv::test
