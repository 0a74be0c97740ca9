// What an edit makes of many volumes at once is what it makes of them one after the other, in whatever state
// the group is.
//
// CVM_SEED=N repeats a run; the seed is part of every failure's message.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/support/group_builder.h"
#include "tests/support/random_edits.h"

namespace cv::metadata {
namespace {

using namespace cv::test;

constexpr unsigned kGroups = 120;
constexpr unsigned kEditsBefore = 40;
constexpr unsigned kTries = 8;

/// A group that has been through something: fragmented, with volumes of many kinds.
EditWorld used_group(std::uint64_t seed) {
  VolumeGroup vg = group_with({60, 80, 45});
  if (seed % 3 == 0) vg.max_lv = 20;
  EditWorld world(std::move(vg), seed);
  for (unsigned i = 0; i < kEditsBefore; ++i) random_edit(world);
  return world;
}

struct Outcome {
  std::optional<VolumeGroup> vg;  ///< nothing: refused
  std::string refusal;
};
Outcome outcome_of(const std::function<VolumeGroup()>& deed) {
  try {
    return {.vg = deed(), .refusal = {}};
  } catch (const Error& error) {
    return {.vg = std::nullopt, .refusal = error.what()};
  }
}

Placement some_placement(EditWorld& world) {
  Placement placement;
  placement.stripes = 1 + static_cast<std::uint32_t>(world.pick(3));
  if (placement.stripes > 1) placement.stripe_size = Sectors(128);
  constexpr Allocation kPolicies[] = {Allocation::inherit, Allocation::normal, Allocation::cling,
                                      Allocation::contiguous, Allocation::anywhere};
  placement.policy = kPolicies[world.pick(5)];
  for (const PhysicalVolume& pv : world.vg.pvs) {
    if (world.pick(3) != 0) continue;
    const Extents first(world.pick(10));
    placement.permitted.push_back({pv.id, {first, first + Extents(10 + world.pick(30))}});
  }
  return placement;
}

/// Sizes that don't depend on what is free, and such that do.
SizeInTurn some_size(EditWorld& world, std::uint32_t stripes) {
  if (world.pick(2) == 0) return [size = Extents(1 + world.pick(7))](const Room&) { return size; };
  return [percent = 5 + world.pick(40), stripes](const Room& room) {
    return round_down(Extents(room.allocatable().n * percent / 100), Extents(stripes));
  };
}

std::vector<std::string> some_names(EditWorld& world) {
  std::vector<std::string> names;
  for (std::uint64_t left = 1 + world.pick(9); left > 0; --left) names.push_back(world.new_name());
  if (world.pick(8) == 0) names.push_back(names.front());
  const std::string old = world.some_volume();
  if (world.pick(8) == 0 && !old.empty()) names.insert(names.begin() + 1, old);
  return names;
}

/// One at a time, each size asked of a room of its own.
VolumeGroup one_by_one(VolumeGroup vg, const NewVolumes& wanted, const std::string& store, const NewId& ids) {
  for (const std::string& name : wanted.names) {
    const Keystore* keystore = store.empty() ? nullptr : keystore_of(lv_at(vg, store));
    const Sectors alignment(keystore == nullptr ? 1 : keystore->sector_bytes.value_or(512) / kSectorBytes);
    const NewVolume one{name, wanted.size(Room(vg, wanted.placement, alignment)), wanted.placement,
                        wanted.tags, wanted.origin};
    vg = keystore == nullptr ? create_plain(vg, one, ids) : create_crypt(vg, {one, store}, ids);
  }
  return vg;
}

TEST(ManyNewVolumes, AreWhatOneAfterTheOtherMakes) {
  const std::uint64_t first = seed_from_environment();
  std::map<std::string, unsigned> seen;
  for (std::uint64_t seed = first; seed < first + kGroups; ++seed) {
    EditWorld world = used_group(seed);
    for (unsigned attempt = 0; attempt < kTries; ++attempt) {
      SCOPED_TRACE(fmt::format("CVM_SEED={}, attempt {}", seed, attempt));
      const std::string store = world.pick(2) == 0 ? std::string() : world.some_store();
      const Placement placement = some_placement(world);
      const NewVolumes wanted{.names = some_names(world),
                              .size = some_size(world, placement.stripes),
                              .placement = placement,
                              .tags = {"many"},
                              .origin = {.time = 1, .host = "host"}};

      const Outcome each =
          outcome_of([&] { return one_by_one(world.vg, wanted, store, counting_ids(90000)); });
      const Outcome all = outcome_of([&] {
        if (store.empty()) return create_plain_volumes(world.vg, wanted, counting_ids(90000));
        return create_crypt_volumes(world.vg, {.volumes = wanted, .store = store}, counting_ids(90000));
      });

      ASSERT_EQ(all.refusal, each.refusal);
      ASSERT_TRUE(all.vg == each.vg);
      ++seen[fmt::format("{}, {}", store.empty() ? "plain" : "encrypted", all.vg ? "made" : "refused")];
      if (all.vg && world.pick(2) == 0) world.vg = *all.vg;
    }
  }

  std::cout << fmt::format("bulk: {} groups, CVM_SEED={}\n", kGroups, first);
  EXPECT_EQ(seen.size(), 4U);
  for (const auto& [what, times] : seen) EXPECT_GT(times, 20U) << what;
}

TEST(ManyVolumes, GoAsTheyGoOneAfterTheOther) {
  const std::uint64_t first = seed_from_environment();
  std::map<std::string, unsigned> seen;
  for (std::uint64_t seed = first; seed < first + kGroups; ++seed) {
    EditWorld world = used_group(seed);
    for (unsigned attempt = 0; attempt < kTries; ++attempt) {
      SCOPED_TRACE(fmt::format("CVM_SEED={}, attempt {}", seed, attempt));
      std::vector<std::string> names;
      for (std::uint64_t left = 1 + world.pick(6); left > 0; --left) {
        const std::string name = world.pick(9) == 0 ? world.some_store() : world.some_volume();
        if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
      }
      if (world.pick(9) == 0) names.push_back("nobody");
      const bool keeps_stores = world.pick(2) == 0;

      const Outcome each = outcome_of([&] {
        VolumeGroup vg = world.vg;
        for (const std::string& name : names) vg = remove_volume(std::move(vg), name, keeps_stores);
        return vg;
      });
      const Outcome all = outcome_of([&] { return remove_volumes(world.vg, names, keeps_stores); });

      ASSERT_EQ(all.refusal, each.refusal);
      ASSERT_TRUE(all.vg == each.vg);
      ++seen[all.vg ? "gone" : "refused"];
      if (!all.vg || world.pick(3) != 0) continue;
      world.vg = remove_stores(*all.vg, stores_being_erased(*all.vg));
      for (unsigned i = 0; i < 5; ++i) random_edit(world);
    }
  }

  std::cout << fmt::format("bulk removal: {} groups, CVM_SEED={}\n", kGroups, first);
  EXPECT_EQ(seen.size(), 2U);
  for (const auto& [what, times] : seen) EXPECT_GT(times, 50U) << what;
}

}  // namespace
}  // namespace cv::metadata
