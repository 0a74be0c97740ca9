#include "metadata/edit_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/edit_pvs.h"
#include "metadata/usage.h"
#include "tests/support/group_builder.h"
#include "tests/unit/tools/expect_error.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kStore = "cryptostore1";

/// Stores of `copies` copies, as many as `names`, then the PVs that are too small for any of theirs.
VolumeGroup group_with_store(std::initializer_list<std::uint64_t> pvs, unsigned copies) {
  NewKeystore wanted = luks_store();
  wanted.copies = copies;
  return create_store(group_with(pvs), wanted, counting_ids());
}

const Keystore& store_in(const VolumeGroup& vg) {
  return *keystore_of(lv_at(vg, kStore));
}

/// The number of the PV of each copy, from 0 on.
std::vector<std::size_t> places(const VolumeGroup& vg, const std::string& store = kStore) {
  std::vector<std::size_t> numbers;
  for (const Area& copy : keystore_of(lv_at(vg, store))->copies) {
    const PvId pv = pvs_of(lv_at(vg, std::get<LogicalArea>(copy).lv)).front();
    numbers.push_back(static_cast<std::size_t>(find_pv(vg, pv) - vg.pvs.data()));
  }
  return numbers;
}

/// Of a store that nobody uses yet, and one that is being erased, check() warns.
std::vector<std::string> errors_of(const VolumeGroup& vg) {
  std::vector<std::string> errors;
  for (const Damage& damage : check(vg))
    if (damage.severity == Severity::error) errors.push_back(damage.sentence);
  return errors;
}

TEST(WantedCopies, AreThoseAskedForOrOneOnEachOfUpToThreePvs) {
  const auto wanted = [](std::initializer_list<std::uint64_t> pvs, unsigned copies) {
    const VolumeGroup vg = group_with_store(pvs, copies);
    return wanted_copies(vg, store_in(vg));
  };

  EXPECT_EQ(wanted({10}, 0), 1U);
  EXPECT_EQ(wanted({10, 10}, 0), 2U);
  EXPECT_EQ(wanted({10, 10, 10, 10}, 0), 3U);
  EXPECT_EQ(wanted({10, 10, 10, 10}, 1), 1U);
  EXPECT_EQ(wanted({10, 10, 10, 10}, 4), 4U);
}

TEST(WantedCopies, AreNoneWhereThereAreNoBytes) {
  const VolumeGroup vg = create_store(group_with({10, 10}), plain_store(), counting_ids());

  EXPECT_EQ(wanted_copies(vg, store_in(vg)), 0U);
}

TEST(AddCopies, PutsEachOnAPvWithoutOneAsFarAsThereIsRoom) {
  const VolumeGroup vg = group_with_store({10, 10, 10}, 1);

  const VolumeGroup two = add_copies(vg, kStore, 2, {}, counting_ids(2000));
  const VolumeGroup all = add_copies(two, kStore, 9, {}, counting_ids(3000));
  const VolumeGroup spared = add_copies(vg, kStore, 9, {vg.pvs[1].id}, counting_ids(4000));

  EXPECT_EQ(places(two).size(), 2U);
  EXPECT_THAT(places(all), testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_THAT(places(spared), ElementsAre(0, 2));
  EXPECT_EQ(places(all).front(), places(vg).front());
  EXPECT_THAT(errors_of(all), IsEmpty());
}

TEST(GiveUpCopies, HandsThemToAStoreThatIsBeingErased) {
  const VolumeGroup vg = group_with_store({10, 10, 10}, 3);

  const VolumeGroup next = give_up_copies(vg, kStore, {1, 3}, counting_ids(2000), {});

  EXPECT_THAT(places(next), ElementsAre(places(vg)[1]));
  EXPECT_THAT(places(next, "cryptostore2"), ElementsAre(places(vg)[0], places(vg)[2]));
  EXPECT_THAT(stores_being_erased(next), ElementsAre("cryptostore2"));
  EXPECT_EQ(std::get<LogicalArea>(store_in(next).copies[0]).lv, "cryptostore1_crdata");
  EXPECT_THAT(errors_of(next), IsEmpty());
  EXPECT_THAT(errors_of(remove_stores(next, {"cryptostore2"})), IsEmpty());
}

TEST(MoveCopiesOff, KeepsTheNumberWhereAnotherPvHasRoom) {
  const VolumeGroup vg = group_with_store({10, 10, 10}, 2);
  const auto leaving = vg.pvs[places(vg)[0]].id;

  const VolumeGroup next = move_copies_off(vg, {leaving}, counting_ids(2000), {});

  EXPECT_EQ(store_in(next).copies.size(), 2U);
  EXPECT_THAT(copies_on(next, lv_at(next, kStore), {leaving}), IsEmpty());
  EXPECT_EQ(remove_pvs(remove_stores(next, stores_being_erased(next)), {leaving}).pvs.size(), 2U);
  EXPECT_THAT(errors_of(next), IsEmpty());
}

TEST(MoveCopiesOff, GoesOnWithFewerButNeverWithNone) {
  const VolumeGroup both = group_with_store({10, 10}, 2);
  VolumeGroup full = group_with_store({10, 3}, 1);
  const auto home = full.pvs[places(full)[0]].id;
  const auto other = full.pvs[1 - places(full)[0]].id;
  NewVolume rest = volume_called("rest", places(full)[0] == 0 ? 3 : 10);
  rest.placement.permitted = {{other, {Extents(0), Extents(10)}}};
  full = create_plain(full, rest, counting_ids(2000));

  EXPECT_EQ(store_in(move_copies_off(both, {both.pvs[0].id}, counting_ids(2000), {})).copies.size(), 1U);
  expect_error(Errc::no_space, "the only copy",
               [&] { move_copies_off(full, {home}, counting_ids(3000), {}); });
}

TEST(MoveCopiesOff, LeavesStoresElsewhereAlone) {
  const VolumeGroup vg = group_with_store({10, 10, 10}, 2);
  std::vector<PvId> others;
  for (std::size_t pv = 0; pv < vg.pvs.size(); ++pv)
    if (std::ranges::count(places(vg), pv) == 0) others.push_back(vg.pvs[pv].id);

  EXPECT_THAT(stores_with_copies_on(vg, others), IsEmpty());
  EXPECT_EQ(move_copies_off(vg, others, counting_ids(2000), {}), vg);
}

}  // namespace
}  // namespace cv::metadata
