#include "metadata/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/check.h"
#include "metadata/iv_space.h"
#include "metadata/usage.h"
#include "tests/unit/metadata/edit_helpers.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CreatePlain, TakesTheSmallestStretchThatIsLargeEnough) {
  const NewId ids = counting_ids();
  VolumeGroup vg = group_with({20});
  vg = create_plain(vg, volume_called("a", 4), ids);
  vg = create_plain(vg, volume_called("b", 4), ids);
  vg = remove_volume(vg, "a", false);

  vg = create_plain(vg, volume_called("c", 3), ids);

  const auto& striped = std::get<Striped>(lv_at(vg, "c").segments.front().kind);
  EXPECT_EQ(std::get<PhysicalArea>(striped.stripes.front()).first, Extents(0));
}

TEST(CreatePlain, SpreadsOverSeveralPvsWhereItMust) {
  const VolumeGroup vg = create_plain(group_with({5, 7}), volume_called("a", 12), counting_ids());

  EXPECT_EQ(lv_at(vg, "a").segments.size(), 2U);
  EXPECT_EQ(free_extents(vg), Extents(0));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(CreatePlain, SaysBothNumbersWhereThereIsNoSpace) {
  const Error error = error_of([] {
    create_plain(group_with({5, 7}), volume_called("a", 13), counting_ids());
  });

  EXPECT_EQ(error.code(), Errc::no_space);
  EXPECT_THAT(error.what(), HasSubstr("12 free extents"));
  EXPECT_THAT(error.what(), HasSubstr("13 are needed"));
}

TEST(CreatePlain, StripesTakeTheSameLengthOnEachPv) {
  NewVolume wanted = volume_called("a", 7);
  wanted.placement.stripes = 2;
  wanted.placement.stripe_size = Sectors(128);

  const VolumeGroup vg = create_plain(group_with({10, 10}), wanted, counting_ids());

  EXPECT_EQ(size_of(lv_at(vg, "a")), Extents(8));  // rounded up to whole rows
  const auto& striped = std::get<Striped>(lv_at(vg, "a").segments.front().kind);
  EXPECT_EQ(striped.stripes.size(), 2U);
  EXPECT_EQ(striped.stripe_size, Sectors(128));
}

TEST(CreatePlain, StaysOnThePermittedExtents) {
  VolumeGroup vg = group_with({20, 20});
  NewVolume wanted = volume_called("a", 4);
  wanted.placement.permitted = {{vg.pvs[1].id, {Extents(10), Extents(14)}}};

  vg = create_plain(vg, wanted, counting_ids());

  const auto& striped = std::get<Striped>(lv_at(vg, "a").segments.front().kind);
  EXPECT_EQ(std::get<PhysicalArea>(striped.stripes.front()), (PhysicalArea{vg.pvs[1].id, Extents(10)}));
}

TEST(CreatePlain, RefusesNamesThatAreTakenOrReserved) {
  const VolumeGroup vg = create_plain(group_with({20}), volume_called("a", 1), counting_ids());

  const std::vector<std::pair<std::string, Errc>> refused{{"a", Errc::exists},
                                                          {"cryptostore3", Errc::bad_name},
                                                          {"x_crdata", Errc::bad_name},
                                                          {"x_crdata2", Errc::bad_name},
                                                          {"pvmove0", Errc::bad_name},
                                                          {"pv0", Errc::bad_name},
                                                          {"a_rimage_0", Errc::bad_name},
                                                          {"-a", Errc::bad_name},
                                                          {"..", Errc::bad_name},
                                                          {"a b", Errc::bad_name}};
  for (const auto& one : refused)
    EXPECT_EQ(error_of([&] { create_plain(vg, volume_called(one.first, 1), counting_ids()); }).code(),
              one.second)
        << one.first;
}

TEST(CreatePlain, AllocatesNothingBesideAVolumeWhoseExtentsAreUnclear) {
  VolumeGroup vg = group_with({20});
  Opaque opaque;
  opaque.type = "future";
  opaque.body.push_back({"pvs", config::Tree(config::list({std::string("pv0")}))});
  opaque.pv_names = {{"pv0", vg.pvs[0].id}};
  LogicalVolume lv;
  lv.name = "strange";
  lv.id = id_of<LvId>(7);
  Segment segment;
  segment.count = Extents(3);
  segment.kind = opaque;
  lv.segments = {segment};
  vg.lvs.push_back(lv);

  const Error error = error_of([&] { create_plain(vg, volume_called("a", 1), counting_ids()); });

  EXPECT_EQ(error.code(), Errc::refused);
  EXPECT_THAT(error.what(), HasSubstr("strange"));
}

TEST(CreateCrypt, MakesADataVolumeAndTakesTheFirstWindow) {
  const VolumeGroup vg = group_with_crypt();

  EXPECT_THAT(names_of(vg), ElementsAre("cryptostore1_crdata", "a_crdata", "cryptostore1", "a"));
  EXPECT_EQ(crypt_in(vg, "a").iv_offset, Sectors(0));
  EXPECT_EQ(store_in(vg).iv_next, kIvWindow);
  EXPECT_TRUE(has_flag(lv_at(vg, "a").flags, "ACTIVATION_SKIP"));
  EXPECT_TRUE(has_flag(lv_at(vg, "a_crdata").flags, "LOCKED"));
  EXPECT_FALSE(is_visible(lv_at(vg, "a_crdata")));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(CreateCrypt, GivesASecondVolumeOfTheStoreAWindowOfItsOwn) {
  const VolumeGroup vg = create_crypt(group_with_crypt(), crypt_volume("b", 4), counting_ids(2000));

  EXPECT_EQ(crypt_in(vg, "b").iv_offset, kIvWindow);
  EXPECT_EQ(store_in(vg).iv_next, kIvWindow * 2);
}

TEST(CreateCrypt, NeverHandsOutTheWindowOfARemovedVolume) {
  VolumeGroup vg = create_crypt(group_with_crypt(), crypt_volume("b", 4), counting_ids(2000));

  vg = remove_volume(vg, "b", false);
  vg = create_crypt(vg, crypt_volume("c", 4), counting_ids(3000));

  EXPECT_EQ(crypt_in(vg, "c").iv_offset, kIvWindow * 2);
}

TEST(CreateCrypt, RefusesToShareAKeyUnderACipherThatShowsEqualSectors) {
  NewKeystore wanted = plain_store();
  wanted.cipher = "aes-ecb";
  VolumeGroup vg = create_store(group_with({31}), wanted, counting_ids());
  vg = create_crypt(vg, crypt_volume("a", 2), counting_ids(2000));

  EXPECT_EQ(error_of([&] { create_crypt(vg, crypt_volume("b", 2), counting_ids(3000)); }).code(),
            Errc::refused);
}

TEST(CreateCrypt, PacksTheWindowsOfCiphersWith32BitIvs) {
  NewKeystore wanted = plain_store();
  wanted.cipher = "aes-xts-plain";
  VolumeGroup vg = create_store(group_with({31}), wanted, counting_ids());

  vg = create_crypt(vg, crypt_volume("a", 2), counting_ids(2000));
  vg = create_crypt(vg, crypt_volume("b", 3), counting_ids(3000));

  EXPECT_EQ(crypt_in(vg, "b").iv_offset, Sectors(2 * 8192));
  EXPECT_EQ(store_in(vg).iv_next, Sectors(5 * 8192));
}

TEST(CreateCrypt, RefusesIvsPast32BitsWhereTheCipherHasNoMore) {
  NewKeystore wanted = plain_store("cryptostore1", (std::uint64_t{1} << 32) - 8192);
  wanted.cipher = "aes-xts-plain";
  const VolumeGroup vg = create_store(group_with({31}), wanted, counting_ids());

  EXPECT_NO_THROW(create_crypt(vg, crypt_volume("a", 1), counting_ids(2000)));
  EXPECT_EQ(error_of([&] { create_crypt(vg, crypt_volume("a", 2), counting_ids(2000)); }).code(),
            Errc::no_space);
}

TEST(CreateCrypt, KeepsOffPvsThatCantHold4096ByteSectors) {
  VolumeGroup vg = group_with({20, 20});
  vg.pvs[0].pe_start = Sectors(2055);
  NewKeystore wanted = plain_store();
  wanted.sector_bytes = 4096;
  vg = create_store(vg, wanted, counting_ids());

  vg = create_crypt(vg, crypt_volume("a", 20), counting_ids(2000));

  const auto& striped = std::get<Striped>(lv_at(vg, "a_crdata").segments.front().kind);
  EXPECT_EQ(std::get<PhysicalArea>(striped.stripes.front()).pv, vg.pvs[1].id);
  EXPECT_EQ(error_of([&] { create_crypt(vg, crypt_volume("b", 1), counting_ids(3000)); }).code(),
            Errc::no_space);
}

TEST(CreateCrypt, RefusesExtentsThatHoldNoWholeEncryptionSector) {
  VolumeGroup vg = group_with({20, 20, 20});
  NewKeystore wanted = plain_store();
  wanted.sector_bytes = 4096;
  vg = create_store(vg, wanted, counting_ids());
  NewCryptVolume striped = crypt_volume("a", 3);
  striped.volume.placement.stripes = 3;
  vg.extent_size = Sectors(2);

  const Error refused = error_of([&] { create_crypt(vg, striped, counting_ids(2000)); });

  EXPECT_EQ(refused.code(), Errc::refused);
  EXPECT_THAT(refused.what(), testing::HasSubstr("1024 bytes"));
}

TEST(CreateStore, PutsEachCopyOnAnotherPv) {
  NewKeystore wanted = luks_store();
  wanted.copies = 0;

  const VolumeGroup vg = create_store(group_with({9, 9, 9, 9}), wanted, counting_ids());

  ASSERT_EQ(store_in(vg).copies.size(), 3U);
  EXPECT_THAT(names_of(vg), ElementsAre("cryptostore1_crdata", "cryptostore1_crdata2", "cryptostore1_crdata3",
                                        "cryptostore1"));
  std::vector<PvId> pvs;
  for (int copy = 0; copy < 3; ++copy) {
    const auto& striped = std::get<Striped>(vg.lvs[copy].segments.front().kind);
    pvs.push_back(std::get<PhysicalArea>(striped.stripes.front()).pv);
  }
  EXPECT_NE(pvs[0], pvs[1]);
  EXPECT_NE(pvs[1], pvs[2]);
  EXPECT_NE(pvs[0], pvs[2]);
}

TEST(CreateStore, RefusesMoreCopiesThanPvs) {
  NewKeystore wanted = luks_store();
  wanted.copies = 3;

  const Error error = error_of([&] { create_store(group_with({9, 9}), wanted, counting_ids()); });

  EXPECT_EQ(error.code(), Errc::no_space);
  EXPECT_THAT(error.what(), HasSubstr("copy 3"));
}

TEST(CreateStore, HasOneExtentWithoutAreaWhereTheHandlerKeepsNoBytes) {
  const VolumeGroup vg = create_store(group_with({9}), plain_store(), counting_ids());

  EXPECT_EQ(size_of(lv_at(vg, "cryptostore1")), Extents(1));
  EXPECT_THAT(store_in(vg).copies, IsEmpty());
  EXPECT_EQ(free_extents(vg), Extents(9));
}

TEST(Extend, GoesOnInTheSameSegmentWhereExtentsAndIvsGoOn) {
  VolumeGroup vg = group_with_crypt(4);

  vg = extend(vg, "a", Extents(3), {});

  ASSERT_EQ(lv_at(vg, "a").segments.size(), 1U);
  EXPECT_EQ(size_of(lv_at(vg, "a")), Extents(7));
  EXPECT_EQ(size_of(lv_at(vg, "a_crdata")), Extents(7));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Extend, BeginsAtIvHighAfterAReduce) {
  VolumeGroup vg = group_with_crypt(4);
  std::get<Crypt>(find_lv(vg, "a")->segments.front().kind).iv_high = Sectors(10 * 8192);

  vg = extend(vg, "a", Extents(3), {});

  ASSERT_EQ(lv_at(vg, "a").segments.size(), 2U);
  EXPECT_EQ(crypt_in(vg, "a", 1).iv_offset, Sectors(10 * 8192));
  EXPECT_FALSE(crypt_in(vg, "a", 0).iv_high);
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(Extend, TakesANewWindowWhereItsOwnIsUsedUp) {
  VolumeGroup vg = group_with_crypt(4);
  std::get<Crypt>(find_lv(vg, "a")->segments.front().kind).iv_high = kIvWindow;

  vg = extend(vg, "a", Extents(3), {});

  EXPECT_EQ(crypt_in(vg, "a", 1).iv_offset, kIvWindow);
  EXPECT_EQ(store_in(vg).iv_next, kIvWindow * 2);
}

TEST(Extend, RefusesTheHiddenPartsOfAnEncryptedVolume) {
  const VolumeGroup vg = group_with_crypt();

  EXPECT_EQ(error_of([&] { extend(vg, "a_crdata", Extents(1), {}); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { extend(vg, "cryptostore1", Extents(1), {}); }).code(), Errc::refused);
}

TEST(Remove, MarksTheStoreOfTheLastVolumeAndFinishesWithRemoveStore) {
  VolumeGroup vg = create_crypt(group_with_crypt(), crypt_volume("b", 4), counting_ids(2000));

  vg = remove_volume(vg, "a", false);
  EXPECT_THAT(stores_being_erased(vg), IsEmpty());
  vg = remove_volume(vg, "b", false);
  EXPECT_THAT(stores_being_erased(vg), ElementsAre("cryptostore1"));
  vg = remove_stores(vg, {"cryptostore1"});

  EXPECT_THAT(vg.lvs, IsEmpty());
  EXPECT_EQ(free_extents(vg), Extents(62));
}

TEST(Remove, KeepsTheStoreWhereAskedTo) {
  const VolumeGroup vg = remove_volume(group_with_crypt(), "a", true);

  EXPECT_THAT(names_of(vg), ElementsAre("cryptostore1_crdata", "cryptostore1"));
  EXPECT_THAT(stores_being_erased(vg), IsEmpty());
  EXPECT_EQ(store_in(vg).iv_next, kIvWindow);
}

TEST(Remove, RefusesAStoreInUseAndPartsOfOthers) {
  const VolumeGroup vg = group_with_crypt();

  EXPECT_EQ(error_of([&] { remove_volume(vg, "cryptostore1", false); }).code(), Errc::in_use);
  EXPECT_EQ(error_of([&] { remove_volume(vg, "a_crdata", false); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { remove_volume(vg, "nobody", false); }).code(), Errc::not_found);
}

TEST(EveryEdit, RefusesAGroupInWhichAPvmoveIsUnderWay) {
  VolumeGroup vg = create_plain(group_with({20}), volume_called("a", 1), counting_ids());
  set_flag(vg.lvs.front().flags, "PVMOVE");

  EXPECT_EQ(error_of([&] { create_plain(vg, volume_called("b", 1), counting_ids()); }).code(), Errc::refused);
  EXPECT_EQ(error_of([&] { extend(vg, "a", Extents(1), {}); }).code(), Errc::refused);
}

}  // namespace
}  // namespace cv::metadata
