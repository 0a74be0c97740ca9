// Plans as a person reads them with --test: golden files in tests/golden/plan.
#include "activate/plan.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/support/fixture_files.h"
#include "tests/support/sample_group.h"

namespace cv::activate {

using namespace cv::test;

namespace {

using metadata::LogicalArea;
using metadata::VolumeGroup;

/// Compares with tests/golden/plan/NAME.txt; CVM_WRITE_GOLDEN=1 writes it instead, for a look at the diff.
void expect_golden(const std::string& name, const Plan& plan) {
  const auto path = tests_folder() / "golden/plan" / (name + ".txt");
  const auto text = describe(plan);
  if (std::getenv("CVM_WRITE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << path;
}

/// As if the planned devices had been made, 253:0 the first.
LiveDevices live_after(const VolumeGroup& vg, const std::string& lv) {
  LiveDevices live;
  for (const auto& device : devices_of(vg, lv, inputs_for(vg))) {
    LiveDevice there;
    there.info = {.name = device.name,
                  .uuid = device.uuid,
                  .number = {253, static_cast<std::uint32_t>(live.size())},
                  .has_live_table = true};
    there.table = device.table;
    for (auto& line : *there.table)
      if (auto* crypt = std::get_if<CryptTarget>(&line.target))
        if (const auto* below = std::get_if<DeviceBelow>(&crypt->device))
          crypt->device = live.at(below->uuid).info.number;
    live[device.uuid] = there;
  }
  return live;
}

VolumeGroup striped_tst() {
  auto vg = group_with_tst();
  metadata::find_lv(vg, "tst_crdata")->segments = {striped(0, 4, {on_pv(0, 0), on_pv(1, 5)})};
  return vg;
}

Plan activation(const VolumeGroup& vg, const LiveDevices& live) {
  return plan_activation(vg, vg, "tst", inputs_for(vg), live);
}

}  // namespace

TEST(Plan, ToActivateACryptVolume) {
  expect_golden("activate-crypt", activation(group_with_tst(), {}));
}

TEST(Plan, ToActivateACryptVolumeOverStripedData) {
  expect_golden("activate-crypt-striped", activation(striped_tst(), {}));
}

TEST(Plan, ToActivateWithAKeyInHexShowsNoneOfIt) {
  const auto vg = group_with_tst();
  auto inputs = inputs_for(vg);
  crypt::SecureBytes key(64);
  for (auto& byte : key.bytes()) byte = std::byte(0x5a);
  inputs.keys["cryptostore1"].key = HexKey{std::make_shared<const crypt::SecureBytes>(std::move(key))};

  const auto plan = plan_activation(vg, vg, "tst", inputs, {});

  expect_golden("activate-crypt-hex", plan);
}

TEST(Plan, ToActivatePlainVolumes) {
  auto vg = empty_group();
  add_volume(vg, "tst", true, {linear(0, 2, on_pv(0, 0)), striped(2, 2, {on_pv(1, 0), on_pv(2, 0)})});
  metadata::clear_flag(vg.lvs.back().flags, "WRITE");

  expect_golden("activate-plain", activation(vg, {}));
}

TEST(Plan, IsEmptyWhereEverythingIsAsItShouldBe) {
  const auto vg = striped_tst();

  EXPECT_TRUE(activation(vg, live_after(vg, "tst")).empty());
}

TEST(Plan, LeavesATableAloneThatHoldsItsKeyInHex) {
  const auto vg = group_with_tst();
  auto live = live_after(vg, "tst");
  std::get<CryptTarget>(live.begin()->second.table->front().target).key =
      HexKey{std::make_shared<const crypt::SecureBytes>(64)};

  EXPECT_TRUE(activation(vg, live).empty());
}

TEST(Plan, ToGrowALiveVolume) {
  const auto vg = group_with_tst();
  auto longer = vg;
  metadata::find_lv(longer, "tst_crdata")->segments.push_back(linear(4, 3, on_pv(0, 5)));
  metadata::find_lv(longer, "tst")->segments.front().count = Extents(7);

  const auto plan = plan_activation(vg, longer, "tst", inputs_for(longer), live_after(vg, "tst"));

  expect_golden("grow-crypt", plan);
}

TEST(Plan, ToGrowALiveVolumeOverStripedDataGrowsTheHiddenDeviceFirst) {
  const auto vg = striped_tst();
  auto longer = vg;
  metadata::find_lv(longer, "tst_crdata")->segments.push_back(striped(4, 2, {on_pv(0, 9), on_pv(1, 9)}));
  metadata::find_lv(longer, "tst")->segments.front().count = Extents(6);

  const auto plan = plan_activation(vg, longer, "tst", inputs_for(longer), live_after(vg, "tst"));

  expect_golden("grow-crypt-striped", plan);
  EXPECT_TRUE(std::get<ReloadStep>(plan.front()).grows);
}

TEST(Plan, RemovesAHiddenDeviceThatIsNoLongerNeeded) {
  const auto vg = striped_tst();

  const auto plan = plan_activation(vg, group_with_tst(), "tst", inputs_for(vg), live_after(vg, "tst"));

  expect_golden("no-longer-striped", plan);
}

TEST(Plan, ResumesWhatSomebodyLeftSuspended) {
  const auto vg = group_with_tst();
  auto live = live_after(vg, "tst");
  live.begin()->second.info.suspended = true;

  expect_golden("left-suspended", activation(vg, live));
}

TEST(Plan, DropsAnUnknownTableThatWaitsInTheInactiveSlotBeforeItResumes) {
  const auto vg = group_with_tst();
  auto live = live_after(vg, "tst");
  live.begin()->second.info.suspended = true;
  live.begin()->second.info.has_inactive_table = true;

  const auto plan = activation(vg, live);

  ASSERT_EQ(plan.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<ClearStep>(plan[0]));
  EXPECT_TRUE(std::holds_alternative<ResumeStep>(plan[1]));
}

TEST(Plan, DoesNotPutEncryptionUnderWhatIsOpen) {
  const auto vg = group_with_tst();
  auto live = live_after(vg, "tst");
  live.begin()->second.table =
      Table{{Sectors(0), Sectors(32768), LinearTarget{DeviceNumber{7, 2}, Sectors(100352)}}};
  EXPECT_EQ(activation(vg, live).size(), 1U);

  live.begin()->second.info.open_count = 1;

  try {
    activation(vg, live);
    FAIL() << "plaintext and ciphertext change places under an open device";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::in_use);
  }
}

/// "vg0/a", "vg0/b" and "vg0/c", of which each goes by the name of another, `names` in that order.
struct Mixed {
  explicit Mixed(const std::vector<std::string>& names) : vg(empty_group()) {
    for (unsigned n = 0; n < names.size(); ++n)
      add_volume(vg, std::string(1, static_cast<char>('a' + n)), true, {linear(0, 2, on_pv(0, n * 2))});
    for (unsigned n = 0; n < names.size(); ++n) {
      const auto device = devices_of(vg, vg.lvs[n].name, inputs_for(vg)).back();
      live[device.uuid].info = {
          .name = names[n], .uuid = device.uuid, .number = {253, n}, .has_live_table = true};
      live[device.uuid].table = device.table;
    }
  }
  VolumeGroup vg;
  LiveDevices live;
};

std::vector<std::string> words(const Plan& plan) {
  std::vector<std::string> all;
  for (const auto& step : plan) {
    const auto* rename = std::get_if<RenameStep>(&step);
    all.push_back(describe(step) + (rename != nullptr && rename->at_once ? " at once" : ""));
  }
  return all;
}

TEST(Plan, GivesTwoVolumesTheirNamesThatHaveEachOthers) {
  const Mixed mixed({"vg0-b", "vg0-a"});
  const auto parked = "cvm-renaming-" + metadata::lv_at(mixed.vg, "a").id.plain();

  const auto plan = plan_activation(mixed.vg, mixed.vg, "a", inputs_for(mixed.vg), mixed.live);

  EXPECT_THAT(words(plan),
              testing::ElementsAre("rename vg0-b to " + parked + " at once", "rename vg0-a to vg0-b at once",
                                   "rename " + parked + " to vg0-a"));
  const auto& second = std::get<RenameStep>(plan[1]);
  EXPECT_EQ(second.former.link, "vg0/a");
  EXPECT_EQ(second.publication.link, "vg0/b");
  EXPECT_TRUE(std::get<RenameStep>(plan[0]).publication.hidden);
}

TEST(Plan, GivesNamesBackAlongACircleAndAlongALine) {
  const Mixed circle({"vg0-b", "vg0-c", "vg0-a"});
  const Mixed line({"vg0-old", "vg0-a", "vg0-b"});

  const auto round = plan_activation(circle.vg, circle.vg, "b", inputs_for(circle.vg), circle.live);
  const auto along = plan_activation(line.vg, line.vg, "a", inputs_for(line.vg), line.live);

  const auto parked = "cvm-renaming-" + metadata::lv_at(circle.vg, "b").id.plain();
  EXPECT_THAT(words(round),
              testing::ElementsAre("rename vg0-c to " + parked + " at once", "rename vg0-a to vg0-c at once",
                                   "rename vg0-b to vg0-a at once", "rename " + parked + " to vg0-b"));
  EXPECT_THAT(words(along), testing::ElementsAre("rename vg0-b to vg0-c at once",
                                                 "rename vg0-a to vg0-b at once", "rename vg0-old to vg0-a"));
}

TEST(Plan, LeavesNamesAloneInACircleThatSomebodyElseIsPartOf) {
  Mixed mixed({"vg0-b", "vg0-a"});
  auto strange = mixed.live.begin()->second;
  strange.info.uuid = "CRYPT-1";
  strange.info.name = "vg0-b";
  mixed.live.begin()->second.info.name = "vg0-old";
  mixed.live[strange.info.uuid] = strange;

  EXPECT_THROW(static_cast<void>(plan_activation(mixed.vg, mixed.vg, "a", inputs_for(mixed.vg), mixed.live)),
               Error);
}

TEST(Plan, ToRenameTakesANameFromOneThatMissedItsOwn) {
  const Mixed mixed({"vg0-a", "vg0-new"});
  auto next = mixed.vg;
  next.lvs[0].name = "new";

  const auto plan = plan_renaming(mixed.vg, next, "new", mixed.live);

  EXPECT_THAT(words(plan),
              testing::ElementsAre("rename vg0-new to vg0-b at once", "rename vg0-a to vg0-new"));
}

TEST(Plan, LetsNobodyLookAtANewEncryptedVolumeBeforeItIsWiped) {
  const auto vg = striped_tst();
  auto before = vg;
  std::erase_if(before.lvs, [](const auto& lv) { return lv.name.starts_with("tst"); });
  auto plain = empty_group();
  add_volume(plain, "plain", true, {linear(0, 2, on_pv(0, 0))});

  const auto created = plan_activation(before, vg, "tst", inputs_for(vg), {});
  const auto opened = plan_activation(vg, vg, "tst", inputs_for(vg), {});
  const auto created_plain = plan_activation(empty_group(), plain, "plain", inputs_for(plain), {});

  ASSERT_EQ(created.size(), 2U);
  EXPECT_FALSE(std::get<CreateStep>(created[0]).device.publication.unscanned);
  EXPECT_TRUE(std::get<CreateStep>(created[1]).device.publication.unscanned);
  EXPECT_FALSE(std::get<CreateStep>(opened[1]).device.publication.unscanned);
  // It was wiped before it had a device.
  EXPECT_FALSE(std::get<CreateStep>(created_plain[0]).device.publication.unscanned);
}

TEST(Plan, ToDeactivateGoesTopDown) {
  const auto vg = striped_tst();

  expect_golden("deactivate-crypt-striped", plan_deactivation(vg, "tst", live_after(vg, "tst")));
  EXPECT_TRUE(plan_deactivation(vg, "tst", {}).empty());
}

TEST(Plan, KnowsWhoseKeysItLoads) {
  const auto vg = group_with_tst();

  EXPECT_THAT(stores_of(activation(vg, {})), testing::ElementsAre("cryptostore1"));
  EXPECT_TRUE(stores_of(activation(vg, live_after(vg, "tst"))).empty());
}

}  // namespace cv::activate
