// From metadata to tables.
#include "activate/device_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/support/sample_group.h"

namespace cv::activate {

using namespace cv::test;

namespace {

using metadata::LogicalArea;
using metadata::VolumeGroup;

const std::string kKey = ":64:logon:cv:" + std::string(31, '0') + "1" + std::string(29, '0') + "101";

/// The lines of the volume's own table.
std::vector<std::string> table_of(const VolumeGroup& vg, const std::string& lv) {
  std::vector<std::string> lines;
  const auto devices = devices_of(vg, lv, inputs_for(vg));
  for (const auto& line : devices.back().table) lines.push_back(masked_text(line));
  return lines;
}

metadata::Crypt& crypt_segment(VolumeGroup& vg, const std::string& lv, std::size_t number = 0) {
  return std::get<metadata::Crypt>(metadata::find_lv(vg, lv)->segments.at(number).kind);
}

Errc error_of(const VolumeGroup& vg, const std::string& lv, const TreeInputs& inputs) {
  try {
    devices_of(vg, lv, inputs);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return Errc::io;
}
Errc error_of(const VolumeGroup& vg, const std::string& lv) {
  return error_of(vg, lv, inputs_for(vg));
}

}  // namespace

TEST(DeviceTree, HasNobodyScanAVolumeWithANameOfLvm2s) {
  auto vg = group_with_tst();
  EXPECT_FALSE(publication_of(vg, metadata::lv_at(vg, "tst")).reserved);
  for (const char* name : {"tst_mimage_0", "pvmove0", "snapshot1"}) {
    vg.lvs.back().name = name;
    metadata::set_flag(vg.lvs.back().flags, "VISIBLE");
    EXPECT_TRUE(publication_of(vg, vg.lvs.back()).reserved) << name;
    EXPECT_EQ(publication_of(vg, vg.lvs.back()).link, fmt::format("vg0/{}", name));
  }
}

TEST(DeviceTree, PutsACryptVolumeStraightOnThePvs) {
  const auto vg = group_with_tst();

  const auto devices = devices_of(vg, "tst", inputs_for(vg));

  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].name, "vg0-tst");
  EXPECT_EQ(devices[0].uuid, uuid_of(vg, "tst"));
  EXPECT_EQ(devices[0].lv, "vg0/tst");
  EXPECT_EQ(devices[0].publication, (Publication{.hidden = false, .link = "vg0/tst"}));
  EXPECT_EQ(devices[0].stores, std::vector<std::string>{"cryptostore1"});
  EXPECT_FALSE(devices[0].read_only);
  EXPECT_THAT(table_of(vg, "tst"),
              testing::ElementsAre("0 32768 crypt aes-xts-plain64 " + kKey + " 1099511627776 7:2 100352"));
}

TEST(DeviceTree, MakesOneTargetForEachPiece) {
  auto vg = group_with_tst();
  metadata::find_lv(vg, "tst_crdata")->segments = {linear(0, 1, on_pv(0, 7)), linear(1, 3, on_pv(1, 0))};

  EXPECT_THAT(table_of(vg, "tst"),
              testing::ElementsAre("0 8192 crypt aes-xts-plain64 " + kKey + " 1099511627776 7:0 59392",
                                   "8192 24576 crypt aes-xts-plain64 " + kKey + " 1099511635968 7:1 2048"));
}

TEST(DeviceTree, JoinsPiecesThatContinueEachOtherAlsoInTheirIvs) {
  auto vg = group_with_tst();
  metadata::find_lv(vg, "tst_crdata")->segments = {linear(0, 1, on_pv(2, 12)), linear(1, 3, on_pv(2, 13))};
  metadata::find_lv(vg, "tst")->segments = {
      encrypted(0, 2, LogicalArea{"tst_crdata", Extents(0)}, kWindow),
      encrypted(2, 2, LogicalArea{"tst_crdata", Extents(2)}, kWindow + kExtent * 2)};

  EXPECT_THAT(table_of(vg, "tst"),
              testing::ElementsAre("0 32768 crypt aes-xts-plain64 " + kKey + " 1099511627776 7:2 100352"));
}

TEST(DeviceTree, KeepsPiecesApartWhoseIvsDoNotContinue) {
  auto vg = group_with_tst();
  metadata::find_lv(vg, "tst")->segments = {
      encrypted(0, 2, LogicalArea{"tst_crdata", Extents(0)}, kWindow),
      encrypted(2, 2, LogicalArea{"tst_crdata", Extents(2)}, kWindow * 3)};

  EXPECT_THAT(
      table_of(vg, "tst"),
      testing::ElementsAre("0 16384 crypt aes-xts-plain64 " + kKey + " 1099511627776 7:2 100352",
                           "16384 16384 crypt aes-xts-plain64 " + kKey + " 3298534883328 7:2 116736"));
}

TEST(DeviceTree, CountsIvsFromTheSegmentsStartWhereNoneIsStated) {
  auto vg = empty_group();
  add_volume(vg, "seed", true,
             {encrypted(0, 1, on_pv(2, 12), std::nullopt), encrypted(1, 1, on_pv(0, 3), std::nullopt)});
  add_plain_store(vg);

  EXPECT_THAT(table_of(vg, "seed"),
              testing::ElementsAre("0 8192 crypt aes-xts-plain64 " + kKey + " 0 7:2 100352",
                                   "8192 8192 crypt aes-xts-plain64 " + kKey + " 8192 7:0 26624"));
}

TEST(DeviceTree, LeavesOutWhatStandsBeforeThePayload) {
  auto vg = group_with_tst();
  crypt_segment(vg, "tst").iv_offset = Sectors(0);
  crypt_segment(vg, "tst").payload_offset = Sectors(4096);
  metadata::find_lv(vg, "tst_crdata")->segments.push_back(linear(4, 1, on_pv(0, 0)));
  metadata::find_lv(vg, "tst")->segments.push_back(
      encrypted(4, 1, LogicalArea{"tst_crdata", Extents(4)}, kWindow * 2));

  EXPECT_THAT(table_of(vg, "tst"),
              testing::ElementsAre("0 28672 crypt aes-xts-plain64 " + kKey + " 0 7:2 104448",
                                   "28672 8192 crypt aes-xts-plain64 " + kKey + " 2199023255552 7:0 2048"));
}

TEST(DeviceTree, LeavesOutWholePiecesBeforeThePayload) {
  auto vg = group_with_tst();
  crypt_segment(vg, "tst").payload_offset = kExtent + Sectors(8);
  metadata::find_lv(vg, "tst_crdata")->segments = {linear(0, 1, on_pv(0, 7)), linear(1, 3, on_pv(1, 0))};

  EXPECT_THAT(table_of(vg, "tst"),
              testing::ElementsAre("0 24568 crypt aes-xts-plain64 " + kKey + " 1099511627776 7:1 2056"));
}

TEST(DeviceTree, PassesTheOptionsOfSegmentAndStoreOn) {
  auto vg = group_with_tst();
  crypt_segment(vg, "tst").discards = true;
  crypt_segment(vg, "tst").inline_workqueues = true;
  auto inputs = inputs_for(vg);
  inputs.keys["cryptostore1"].sector_bytes = 4096;

  const auto devices = devices_of(vg, "tst", inputs);

  EXPECT_EQ(
      masked_text(devices[0].table[0]),
      "0 32768 crypt aes-xts-plain64 " + kKey +
          " 1099511627776 7:2 100352 4 allow_discards no_read_workqueue no_write_workqueue sector_size:4096");
}

TEST(DeviceTree, RefusesLargeSectorsThatDoNotFit) {
  auto vg = group_with_tst();
  crypt_segment(vg, "tst").payload_offset = Sectors(1010);
  auto inputs = inputs_for(vg);
  EXPECT_NO_THROW(devices_of(vg, "tst", inputs));

  inputs.keys["cryptostore1"].sector_bytes = 4096;

  EXPECT_EQ(error_of(vg, "tst", inputs), Errc::unsupported);
}

TEST(DeviceTree, StandsOnAHiddenDeviceWhereTheDataIsStriped) {
  auto vg = group_with_tst();
  metadata::find_lv(vg, "tst_crdata")->segments = {striped(0, 4, {on_pv(0, 0), on_pv(1, 5)})};

  const auto devices = devices_of(vg, "tst", inputs_for(vg));

  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[0].name, "vg0-tst_crdata");
  EXPECT_EQ(devices[0].uuid, uuid_of(vg, "tst_crdata"));
  EXPECT_EQ(devices[0].publication, (Publication{.hidden = true, .link = {}}));
  EXPECT_EQ(masked_text(devices[0].table[0]), "0 32768 striped 2 128 7:0 2048 7:1 43008");
  EXPECT_EQ(masked_text(devices[1].table[0]),
            "0 32768 crypt aes-xts-plain64 " + kKey + " 1099511627776 vg0-tst_crdata 0");
}

TEST(DeviceTree, PutsPlainVolumesOnThePvs) {
  auto vg = empty_group();
  add_volume(vg, "lin", true,
             {linear(0, 2, on_pv(0, 0)), linear(2, 1, on_pv(0, 2)), linear(3, 1, on_pv(1, 9))});
  add_volume(vg, "str", true, {striped(0, 6, {on_pv(0, 10), on_pv(1, 10), on_pv(2, 10)})});

  EXPECT_THAT(table_of(vg, "lin"),
              testing::ElementsAre("0 24576 linear 7:0 2048", "24576 8192 linear 7:1 75776"));
  EXPECT_THAT(table_of(vg, "str"),
              testing::ElementsAre("0 49152 striped 3 128 7:0 83968 7:1 83968 7:2 83968"));
}

TEST(DeviceTree, IsReadOnlyWhereTheVolumeIs) {
  auto vg = group_with_tst();
  metadata::clear_flag(metadata::find_lv(vg, "tst")->flags, "WRITE");

  EXPECT_TRUE(devices_of(vg, "tst", inputs_for(vg)).back().read_only);
}

TEST(DeviceTree, SaysWhichPvIsMissing) {
  const auto vg = group_with_tst();
  auto inputs = inputs_for(vg);
  inputs.pvs.erase(pv_id(2));

  try {
    devices_of(vg, "tst", inputs);
    FAIL() << "a table without its disk";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::not_found);
    EXPECT_THAT(error.what(), testing::HasSubstr(pv_id(2).text()));
    EXPECT_THAT(error.what(), testing::HasSubstr("/dev/disk2"));
  }
}

TEST(DeviceTree, LeavesWhatOnlyLvm2KnowsToLvm2) {
  auto vg = empty_group();
  metadata::Segment thin;
  thin.count = Extents(1);
  thin.kind = metadata::Opaque{"thin", {}, {}};
  add_volume(vg, "thin1", true, {thin});
  metadata::Segment snapshot;
  snapshot.count = Extents(1);
  metadata::Opaque body{"snapshot", {}, {}};
  body.body.push_back({"origin", config::Tree(config::scalar(std::string("lin")))});
  snapshot.kind = body;
  add_volume(vg, "snapshot0", false, {snapshot});
  add_volume(vg, "lin", true, {linear(0, 1, on_pv(0, 0))});

  EXPECT_EQ(error_of(vg, "thin1"), Errc::unsupported);
  EXPECT_EQ(error_of(vg, "lin"), Errc::unsupported);
}

TEST(DeviceTree, HasNothingToActivateInAStore) {
  EXPECT_EQ(error_of(group_with_tst(), "cryptostore1"), Errc::unsupported);
}

TEST(DeviceTree, WantsTheKeyOfEachStore) {
  const auto vg = group_with_tst();
  auto inputs = inputs_for(vg);
  inputs.keys.clear();

  EXPECT_EQ(error_of(vg, "tst", inputs), Errc::key_missing);
}

TEST(DeviceTree, RefusesAreasThatLeadNowhere) {
  auto past_the_end = group_with_tst();
  metadata::find_lv(past_the_end, "tst_crdata")->segments = {linear(0, 4, on_pv(2, 97))};
  auto in_a_circle = group_with_tst();
  metadata::find_lv(in_a_circle, "tst_crdata")->segments = {
      linear(0, 4, LogicalArea{"tst_crdata", Extents(0)})};
  auto striped_circle = group_with_tst();
  metadata::find_lv(striped_circle, "tst_crdata")->segments = {
      striped(0, 4, {LogicalArea{"tst_crdata", Extents(0)}, LogicalArea{"tst_crdata", Extents(2)}})};
  auto too_short = group_with_tst();
  metadata::find_lv(too_short, "tst_crdata")->segments = {linear(0, 3, on_pv(2, 12))};
  auto uneven = group_with_tst();
  metadata::find_lv(uneven, "tst_crdata")->segments = {
      striped(0, 4, {on_pv(0, 0), on_pv(1, 0), on_pv(2, 0)})};
  auto without_payload = group_with_tst();
  crypt_segment(without_payload, "tst").payload_offset = kExtent * 4;
  auto unknown_pv = group_with_tst();
  unknown_pv.pvs.pop_back();

  for (const auto& vg :
       {past_the_end, in_a_circle, striped_circle, too_short, uneven, without_payload, unknown_pv})
    EXPECT_EQ(error_of(vg, "tst"), Errc::damaged);
}

TEST(DeviceTree, RefusesPiecesThatBeginInsideABlockOfTheirDisk) {
  auto vg = group_with_tst();
  auto inputs = inputs_for(vg);
  inputs.block_bytes = {{{7, 0}, 512}, {{7, 1}, 512}, {{7, 2}, 4096}};
  EXPECT_NO_THROW(devices_of(vg, "tst", inputs));
  auto& crypt = std::get<metadata::Crypt>(metadata::find_lv(vg, "tst")->segments.front().kind);

  // As of a LUKS1 header on a disk with small blocks, copied to one with large ones.
  crypt.payload_offset = Sectors(1010);

  try {
    devices_of(vg, "tst", inputs);
    FAIL() << "the kernel would say no more than EINVAL";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr("a block of 4096 bytes of the disk 7:2"));
  }
  inputs.block_bytes[{7, 2}] = 512;
  EXPECT_NO_THROW(devices_of(vg, "tst", inputs));
}

TEST(DeviceTree, NamesStoresAndVolumesBelow) {
  auto vg = group_with_tst();
  metadata::find_lv(vg, "tst")->segments.push_back(encrypted(4, 1, on_pv(0, 0), kWindow * 4, "cryptostore2"));

  EXPECT_THAT(stores_of(vg, "tst"), testing::ElementsAre("cryptostore1", "cryptostore2"));
  EXPECT_THAT(volumes_below(vg, "tst"), testing::ElementsAre(metadata::find_lv(vg, "tst_crdata")));
  EXPECT_TRUE(stores_of(vg, "tst_crdata").empty());
}

}  // namespace cv::activate
