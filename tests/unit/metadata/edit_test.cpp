#include "metadata/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "metadata/check.h"
#include "metadata/iv_space.h"
#include "metadata/usage.h"
#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using namespace cv::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> names_of(const VolumeGroup& vg) {
  std::vector<std::string> names;
  for (const LogicalVolume& lv : vg.lvs) names.push_back(lv.name);
  return names;
}

template <class Deed>
Error error_of(Deed&& deed) {
  try {
    deed();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(Errc::io, "nothing");
}

const Crypt& crypt_in(const VolumeGroup& vg, const std::string& lv, std::size_t segment = 0) {
  return std::get<Crypt>(lv_at(vg, lv).segments.at(segment).kind);
}

const Keystore& store_in(const VolumeGroup& vg, const std::string& name = "cryptostore1") {
  return *keystore_of(lv_at(vg, name));
}

VolumeGroup group_with_crypt(std::uint64_t extents = 4) {
  const NewId ids = counting_ids();
  VolumeGroup vg = create_store(group_with({31, 31}), luks_store(), ids);
  return create_crypt(vg, crypt_volume("a", extents), ids);
}

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
  vg = remove_store(vg, "cryptostore1");

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

// ---- import

Import import_of(std::uint64_t payload_sectors, std::uint64_t header_bytes) {
  Import import;
  import.lv = "old";
  import.store = "cryptostore1";
  import.header.handler = "luks1";
  import.header.cipher = "aes-xts-plain64";
  import.header.key_bits = 512;
  import.header.payload_offset = Sectors(payload_sectors);
  import.header.header_size = Bytes(header_bytes);
  import.copies = 1;
  return import;
}

TEST(ImportLuks, TurnsTheLeadingExtentsIntoTheStoreWhereThePayloadIsAligned) {
  const VolumeGroup before = create_plain(group_with({20}), volume_called("old", 10), counting_ids());

  const VolumeGroup vg = import_luks(before, import_of(2 * 8192, 2068480), counting_ids(2000));

  EXPECT_EQ(size_of(lv_at(vg, "cryptostore1")), Extents(2));
  EXPECT_EQ(size_of(lv_at(vg, "old")), Extents(8));
  EXPECT_EQ(store_in(vg).generation, 0U);
  EXPECT_FALSE(crypt_in(vg, "old").payload_offset);
  EXPECT_EQ(lv_at(vg, "old").id, lv_at(before, "old").id);
  EXPECT_EQ(free_extents(vg), free_extents(before));
  const auto& data = std::get<Striped>(lv_at(vg, "old_crdata").segments.front().kind);
  EXPECT_EQ(std::get<PhysicalArea>(data.stripes.front()).first, Extents(2));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(ImportLuks, CopiesTheHeaderAwayWhereThePayloadIsNotAligned) {
  const VolumeGroup before = create_plain(group_with({20}), volume_called("old", 10), counting_ids());

  const VolumeGroup vg = import_luks(before, import_of(4096, 2068480), counting_ids(2000));

  EXPECT_EQ(crypt_in(vg, "old").payload_offset, Sectors(4096));
  EXPECT_TRUE(crypt_in(vg, "old").old_header);
  EXPECT_EQ(payload_size(vg, lv_at(vg, "old")), Sectors(10 * 8192 - 4096));
  EXPECT_EQ(free_extents(vg), free_extents(before) - Extents(1));
  EXPECT_EQ(store_in(vg).iv_next, kIvWindow);
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(ImportLuks, SplitsAVolumeOfSeveralSegmentsAtThePayload) {
  VolumeGroup vg = group_with({3, 10});
  NewVolume wanted = volume_called("old", 2);
  wanted.placement.permitted = {{vg.pvs[0].id, {Extents(0), Extents(3)}}};
  vg = create_plain(vg, wanted, counting_ids());
  vg = extend(vg, "old", Extents(6), Placement{{{vg.pvs[1].id, {Extents(0), Extents(10)}}}, 1, {}, {}});

  vg = import_luks(vg, import_of(4 * 8192, 16 << 20), counting_ids(2000));

  EXPECT_EQ(size_of(lv_at(vg, "cryptostore1_crdata")), Extents(4));
  EXPECT_EQ(size_of(lv_at(vg, "old_crdata")), Extents(4));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(ImportLuks, CopiesTheHeaderWhereARowOfStripesWouldBeTorn) {
  NewVolume wanted = volume_called("old", 8);
  wanted.placement.stripes = 2;
  wanted.placement.stripe_size = Sectors(128);
  const VolumeGroup vg = create_plain(group_with({20, 20}), wanted, counting_ids());

  EXPECT_FALSE(imports_in_place(vg, import_of(8192, 2068480)));
  EXPECT_TRUE(imports_in_place(vg, import_of(2 * 8192, 2068480)));
  EXPECT_THAT(check(import_luks(vg, import_of(8192, 2068480), counting_ids(2000))), IsEmpty());
  EXPECT_THAT(check(import_luks(vg, import_of(2 * 8192, 2068480), counting_ids(2000))), IsEmpty());
}

TEST(ImportLuks, RefusesAPayloadBehindTheEnd) {
  const VolumeGroup vg = create_plain(group_with({20}), volume_called("old", 2), counting_ids());

  EXPECT_EQ(error_of([&] { import_luks(vg, import_of(2 * 8192, 2068480), counting_ids(2000)); }).code(),
            Errc::damaged);
}

TEST(ImportLuks, RefusesWhatIsEncryptedOrHiddenAlready) {
  const VolumeGroup vg = group_with_crypt();
  Import import = import_of(4096, 2068480);
  import.store = "cryptostore2";

  for (const auto* name : {"a", "a_crdata", "cryptostore1"}) {
    import.lv = name;
    EXPECT_EQ(error_of([&] { import_luks(vg, import, counting_ids(2000)); }).code(), Errc::refused) << name;
  }
}

TEST(ImportLuks, ExtendsBehindThePayloadWithContinuousIvs) {
  VolumeGroup vg = create_plain(group_with({20}), volume_called("old", 10), counting_ids());
  vg = import_luks(vg, import_of(4096, 2068480), counting_ids(2000));

  vg = extend(vg, "old", Extents(2), {});

  ASSERT_EQ(lv_at(vg, "old").segments.size(), 1U);
  const SectorRange ivs = iv_range(vg, lv_at(vg, "old"), lv_at(vg, "old").segments.front());
  EXPECT_EQ(ivs, (SectorRange{Sectors(0), Sectors(12 * 8192 - 4096)}));
  EXPECT_THAT(check(vg), IsEmpty());
}

// ---- the RFC's form

TEST(NativeForm, MovesNoExtentAndStatesEveryIv) {
  const VolumeGroup seed = rfc_group();

  const VolumeGroup vg = to_native(seed, counting_ids());

  EXPECT_TRUE(is_native(vg));
  EXPECT_EQ(free_extents(vg), free_extents(seed));
  EXPECT_THAT(names_of(vg), ElementsAre("tst_crdata", "luks1_crdata", "cryptostore2_crdata", "cryptostore1",
                                        "cryptostore2", "tst", "luks1"));
  const auto& data = std::get<Striped>(lv_at(vg, "tst_crdata").segments.front().kind);
  EXPECT_EQ(std::get<PhysicalArea>(data.stripes.front()), (PhysicalArea{seed.pvs[2].id, Extents(12)}));
  EXPECT_EQ(crypt_in(vg, "tst").iv_offset, Sectors(0));
  EXPECT_EQ(store_in(vg).iv_next, Sectors(4 * 8192));
  EXPECT_EQ(size_of(lv_at(vg, "cryptostore1")), Extents(1));
  EXPECT_THAT(check(vg), IsEmpty());
}

TEST(NativeForm, OfANativeGroupIsTheSameGroup) {
  const VolumeGroup vg = group_with_crypt();

  EXPECT_EQ(to_native(vg, counting_ids()), vg);
}

TEST(NativeForm, KeepsTheWarningThatTwoRfcVolumesShareIvsAndNeverLengthensIt) {
  VolumeGroup seed = rfc_group();
  std::get<Crypt>(find_lv(seed, "luks1")->segments.front().kind).store = "cryptostore1";
  find_lv(seed, "cryptostore1")->segments.front().count = Extents(1);
  std::get<Keystore>(find_lv(seed, "cryptostore1")->segments.front().kind).cipher = "aes-xts-plain64";

  VolumeGroup vg = to_native(seed, counting_ids());
  vg = extend(vg, "tst", Extents(2), {});
  vg = extend(vg, "luks1", Extents(2), {});

  EXPECT_GE(*crypt_in(vg, "tst", 1).iv_offset, kIvWindow);
  EXPECT_GE(*crypt_in(vg, "luks1", 1).iv_offset, kIvWindow);
  const auto damage = check(vg);
  EXPECT_EQ(std::ranges::count(damage, "IV-OVERLAP-SEED", &Damage::id), 1);
  EXPECT_EQ(std::ranges::count(damage, Severity::error, &Damage::severity), 0);
}

}  // namespace
}  // namespace cv::metadata
