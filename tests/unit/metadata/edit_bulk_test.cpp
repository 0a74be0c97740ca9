// Several volumes in one edit. That they are what one after the other would be: tests/property/bulk_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/group_index.h"
#include "metadata/stretches.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

NewVolumes volumes_called(std::vector<std::string> names, std::uint64_t extents) {
  return {.names = std::move(names),
          .size = [extents](const Room&) { return Extents(extents); },
          .placement = {},
          .tags = {},
          .origin = {}};
}

NewCryptVolumes encrypted(NewVolumes volumes) {
  return {.volumes = std::move(volumes), .store = "cryptostore1"};
}

TEST(CreateVolumes, GivesEachEncryptedOneIvsOfItsOwn) {
  const VolumeGroup vg = create_store(group_with({31, 31}), luks_store(), counting_ids());

  const VolumeGroup all =
      create_crypt_volumes(vg, encrypted(volumes_called({"a", "b", "c"}, 4)), counting_ids(2000));

  EXPECT_EQ(crypt_in(all, "a").iv_offset, Sectors(0));
  EXPECT_EQ(crypt_in(all, "b").iv_offset, Sectors(std::uint64_t{1} << 40));
  EXPECT_EQ(crypt_in(all, "c").iv_offset, Sectors(std::uint64_t{2} << 40));
  EXPECT_EQ(store_in(all).iv_next, Sectors(std::uint64_t{3} << 40));
  EXPECT_THAT(check(all), IsEmpty());
}

TEST(CreateVolumes, AsksForEachSizeWhenThoseBeforeHaveTheirs) {
  NewVolumes halves = volumes_called({"a", "b", "c"}, 0);
  halves.size = [](const Room& room) { return Extents(room.allocatable().n / 2); };

  const VolumeGroup vg = create_plain_volumes(group_with({20, 12}), halves, counting_ids());

  EXPECT_EQ(size_of(lv_at(vg, "a")), Extents(16));
  EXPECT_EQ(size_of(lv_at(vg, "b")), Extents(8));
  EXPECT_EQ(size_of(lv_at(vg, "c")), Extents(4));
}

TEST(CreateVolumes, RefusesANameThatComesTwice) {
  for (const std::vector<std::string>& names : {std::vector<std::string>{"a", "a"}, {"a", "b", "c", "a"}})
    EXPECT_EQ(error_of([&] {
                create_plain_volumes(group_with({31}), volumes_called(names, 1), counting_ids());
              }).code(),
              Errc::exists);
}

TEST(CreateVolumes, RefusesTheNameOfAnOldVolumeWhereverItComes) {
  const VolumeGroup vg = create_plain(group_with({31}), volume_called("old", 1), counting_ids());
  std::vector<std::string> names{"old"};

  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(error_of([&] { create_plain_volumes(vg, volumes_called(names, 1), counting_ids(10)); }).code(),
              Errc::exists)
        << i;
    names.insert(names.begin(), fmt::format("new{}", i));
  }
}

TEST(CreateVolumes, RefusesAVolumeWhoseDataWouldHaveAnothersName) {
  VolumeGroup vg = create_store(group_with({31}), luks_store(), counting_ids());
  vg.lvs.push_back(create_plain(group_with({31}), volume_called("b", 1), counting_ids(50)).lvs.front());
  vg.lvs.back().name = "b_crdata";

  EXPECT_EQ(error_of([&] {
              create_crypt_volumes(vg, encrypted(volumes_called({"a", "b"}, 1)), counting_ids(90));
            }).code(),
            Errc::exists);
}

TEST(CreateVolumes, RefusesMoreThanTheGroupMayHold) {
  VolumeGroup vg = group_with({31});
  vg.max_lv = 2;

  EXPECT_EQ(create_plain_volumes(vg, volumes_called({"a", "b"}, 1), counting_ids()).lvs.size(), 2U);
  EXPECT_EQ(error_of([&] {
              create_plain_volumes(vg, volumes_called({"a", "b", "c"}, 1), counting_ids());
            }).code(),
            Errc::refused);
}

TEST(CreateVolumes, RefusesToShareAStoreWhoseCipherShowsEqualSectors) {
  NewKeystore wanted = luks_store();
  wanted.cipher = "aes-ecb";
  const VolumeGroup vg = create_store(group_with({31}), wanted, counting_ids());
  const auto make = [&](const std::vector<std::string>& names) {
    return create_crypt_volumes(vg, encrypted(volumes_called(names, 1)), counting_ids(90));
  };

  EXPECT_NO_THROW(make({"a"}));
  EXPECT_EQ(error_of([&] { make({"a", "b"}); }).code(), Errc::refused);
}

TEST(CreateVolumes, SaysWhatIsLeftForTheOneThatHasNoRoom) {
  const Error error = error_of([&] {
    create_plain_volumes(group_with({10}), volumes_called({"a", "b"}, 6), counting_ids());
  });

  EXPECT_EQ(error.code(), Errc::no_space);
  EXPECT_THAT(error.what(), HasSubstr("4 free extents"));
}

TEST(Stretches, AreFoundByPlaceAndByLength) {
  ExtentSet free;
  for (const ExtentRange& range :
       {ExtentRange{Extents(2), Extents(5)}, {Extents(10), Extents(18)}, {Extents(20), Extents(23)}})
    free.add(range);
  Stretches stretches(free);

  EXPECT_EQ(stretches.total(), Extents(14));
  EXPECT_EQ(stretches.best(Extents(3)), (ExtentRange{Extents(2), Extents(5)}));
  EXPECT_EQ(stretches.best(Extents(4)), (ExtentRange{Extents(10), Extents(18)}));
  EXPECT_EQ(stretches.best(Extents(9)), (ExtentRange{Extents(10), Extents(18)}));
  EXPECT_EQ(stretches.free_from(Extents(12)), Extents(6));
  EXPECT_EQ(stretches.free_from(Extents(18)), Extents(0));
  EXPECT_EQ(stretches.free_from(Extents(1)), Extents(0));
  EXPECT_EQ(stretches.count_of(Extents(3), 9), 4U);
  EXPECT_EQ(stretches.count_of(Extents(4), 9), 2U);
  EXPECT_THAT(stretches.places_for(Extents(3), 3), ElementsAre(Extents(2), Extents(10), Extents(13)));
}

TEST(Stretches, AreSplitByWhatIsTaken) {
  ExtentSet free;
  free.add({Extents(0), Extents(10)});
  Stretches stretches(free);

  stretches.take({Extents(4), Extents(6)});

  EXPECT_EQ(stretches.total(), Extents(8));
  EXPECT_EQ(stretches.longest(), Extents(4));
  EXPECT_EQ(stretches.best(Extents(2)), (ExtentRange{Extents(0), Extents(4)}));
  stretches.take({Extents(0), Extents(4)});
  stretches.take({Extents(6), Extents(10)});
  EXPECT_TRUE(stretches.empty());
  EXPECT_EQ(stretches.best(Extents(1)), ExtentRange{});
}

TEST(GroupIndex, AnswersAsTheGroupDoes) {
  const NewId ids = counting_ids();
  VolumeGroup vg = create_store(group_with({31, 31}), luks_store(), ids);
  vg = create_crypt_volumes(vg, encrypted(volumes_called({"a", "b"}, 4)), ids);
  vg = create_plain(vg, volume_called("p", 2), ids);

  const GroupIndex index(vg);

  for (const LogicalVolume& lv : vg.lvs) {
    EXPECT_EQ(index.find_lv(lv.name), find_lv(vg, lv.name));
    EXPECT_EQ(index.owner_of(lv.name), owner_of(vg, lv.name)) << lv.name;
    EXPECT_EQ(index.users_of(lv.name), users_of(vg, lv.name)) << lv.name;
  }
  EXPECT_THAT(index.users_of("cryptostore1"), ElementsAre(find_lv(vg, "a"), find_lv(vg, "b")));
  EXPECT_EQ(index.find_lv("nobody"), nullptr);
}

}  // namespace
}  // namespace cv::metadata
