// Every kind of damage is found somewhere, and whatever is found has its place in the table.
#include "metadata/damage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "metadata/check.h"
#include "metadata/inspect.h"
#include "tests/unit/metadata/damage_samples.h"

namespace cv::metadata {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

std::set<std::string> found_in(const VolumeGroup& vg) {
  auto ids = ids_of(check(vg));
  ids.merge(ids_of(inspect_volumes(vg)));
  return ids;
}

TEST(Damage, IsNotFoundInSoundGroups) {
  EXPECT_THAT(found_in(sound_group()), IsEmpty());
  EXPECT_THAT(found_in(group_with_two_copies()), IsEmpty());
}

TEST(Damage, OfEachKindIsFoundInAGroup) {
  for (const auto& [id, change] : damage_of_values()) {
    VolumeGroup vg = sound_group();

    change(vg);

    EXPECT_TRUE(found_in(vg).contains(id)) << id;
  }
}

TEST(Damage, OfAGroupStopsACommitOnlyWhereItIsAnError) {
  for (const auto& [id, change] : damage_of_values()) {
    VolumeGroup vg = sound_group();
    change(vg);

    const bool is_error = std::ranges::any_of(
        check(vg), [](const Damage& damage) { return damage.severity == Severity::error; });

    EXPECT_TRUE(is_error || find_damage_kind(id)->severity != Severity::error) << id;
    for (const auto& damage : inspect_volumes(vg)) EXPECT_NE(damage.severity, Severity::error) << damage.id;
  }
}

TEST(Damage, IsNotFoundOnSoundDisks) {
  EXPECT_THAT(found_on(sound_disks(2)), IsEmpty());
  EXPECT_THAT(found_on(sound_disks_with_store()), IsEmpty());
  EXPECT_THAT(found_on(test::fixture_disks("corrupt/00-good")), IsEmpty());
}

TEST(Damage, OfEachKindIsFoundOnDisks) {
  for (const auto& [id, find] : damage_of_disks()) EXPECT_TRUE(find().contains(id)) << id;
}

// ---- the table

TEST(DamageKinds, AreAllFoundSomewhere) {
  std::set<std::string> wanted;
  for (const auto& kind : kDamageKinds) wanted.insert(std::string(kind.id));
  std::set<std::string> tested{"STORE-HANDLER"};  // by the tests of cvck
  for (const auto& [id, change] : damage_of_values()) tested.insert(id);
  for (const auto& [id, find] : damage_of_disks()) tested.insert(id);

  EXPECT_EQ(tested, wanted);
  EXPECT_THAT(kDamageKinds, SizeIs(wanted.size())) << "an id stands twice";
}

TEST(DamageKinds, HaveSentencesAndAdvice) {
  for (const auto& kind : kDamageKinds) {
    EXPECT_TRUE(kind.meaning.ends_with('.')) << kind.id;
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(kind.meaning.front()))) << kind.id;
    EXPECT_FALSE(kind.advice.empty()) << kind.id;
    EXPECT_FALSE(kind.advice.ends_with('.')) << kind.id;
  }
}

TEST(DamageKinds, AreFoundByTheirIdInUpperAndLowerCase) {
  ASSERT_NE(find_damage_kind("lv-overlap"), nullptr);
  EXPECT_EQ(find_damage_kind("lv-overlap"), find_damage_kind("LV-OVERLAP"));
  EXPECT_EQ(find_damage_kind("LV-OVER"), nullptr);
}

}  // namespace
}  // namespace cv::metadata
