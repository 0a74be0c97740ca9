#include "metadata/segment_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/group_builder.h"

namespace cv::metadata {
namespace {

using test::id_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr Sectors kExtentSize(8192);

/// A text that knows two PVs, in an order that is not the one of their names.
PvNames two_pvs() {
  PvNames pvs;
  pvs.add("pv1", id_of<PvId>(1));
  pvs.add("pv0", id_of<PvId>(2));
  return pvs;
}

Segment read(const std::string& body, const PvNames& pvs = two_pvs()) {
  const std::string text = "segment1 { start_extent = 0 extent_count = 4 " + body + " }";
  config::Parser parser(text);
  const config::Position position = parser.next().position;
  std::vector<Mention> mentions;
  Segment segment = read_segment(parser, pvs, position, mentions);
  EXPECT_EQ(parser.next().kind, config::Event::Kind::end);
  return segment;
}

std::string print(const Segment& segment, const PvNames& pvs = two_pvs()) {
  config::Printer printer(config::Layout::plain);
  print_segment(printer, segment, 1, pvs, kExtentSize);
  return std::move(printer).take();
}

std::string error_of(const std::string& body) {
  try {
    read(body);
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(SegmentText, ReadsLinearAndStriped) {
  const Segment linear = read("type = \"linear\" stripe_count = 1 stripes = [\"pv1\", 3]");
  const Segment striped =
      read("type = \"striped\" stripe_count = 2 stripe_size = 128 stripes = [\"pv0\", 0, \"lv\", 7]");

  EXPECT_EQ(linear.kind, SegmentKind(Striped{Sectors(), {PhysicalArea{id_of<PvId>(1), Extents(3)}}}));
  EXPECT_EQ(striped.kind,
            SegmentKind(Striped{Sectors(128),
                                {PhysicalArea{id_of<PvId>(2), Extents(0)}, LogicalArea{"lv", Extents(7)}}}));
}

TEST(SegmentText, RefusesStripesThatDoNotAddUp) {
  EXPECT_THAT(
      error_of(
          "type = \"striped\" stripe_count = 3 stripe_size = 8 stripes = [\"a\", 0, \"b\", 0, \"c\", 0]"),
      HasSubstr("4 extents can't be divided by 3 stripes"));
  EXPECT_THAT(error_of("type = \"striped\" stripe_count = 2 stripes = [\"a\", 0, \"b\", 0]"),
              HasSubstr("stripe_size is missing"));
  EXPECT_THAT(error_of("type = \"striped\" stripe_count = 0 stripes = []"), HasSubstr("stripes is missing"));
}

TEST(SegmentText, NamesPvsByTheirPlaceInTheList) {
  const Segment segment = read("type = \"striped\" stripe_count = 1 stripes = [\"pv1\", 3]");

  EXPECT_THAT(print(segment), HasSubstr("stripes = [\n\"pv0\", 3\n]"));
}

TEST(SegmentText, ReadsEveryKeyOfACryptSegment) {
  const std::string body =
      "type = \"crypt\"\ncrypto_store = \"cryptostore1\"\niv_offset = 8\niv_high = 32776\n"
      "payload_offset = 4096\nold_header = 1\ndiscards = \"pass\"\nworkqueues = \"inline\"\n"
      "areas = [\"tst_crdata\", 0]\n";

  const Segment segment = read(body);

  EXPECT_EQ(segment.kind, SegmentKind(Crypt{"cryptostore1", LogicalArea{"tst_crdata", Extents(0)}, Sectors(8),
                                            Sectors(32776), Sectors(4096), true, true, true}));
  EXPECT_EQ(print(segment), "segment1 {\nstart_extent = 0\nextent_count = 4\n\n" + body + "}\n");
}

TEST(SegmentText, ReadsTheSeedFormOfACryptSegment) {
  const Segment areas = read("type = \"crypt\" crypto_store = \"s\" areas = [\"pv0\", 12]");
  const Segment stripes = read("type = \"crypt\" crypto_store = \"s\" stripes = [\"pv0\", 12]");

  EXPECT_EQ(std::get<Crypt>(areas.kind).area, Area(PhysicalArea{id_of<PvId>(2), Extents(12)}));
  EXPECT_EQ(std::get<Crypt>(areas.kind).iv_offset, std::nullopt);
  EXPECT_EQ(areas, stripes);
}

TEST(SegmentText, RefusesACryptSegmentWithoutWhatItNeeds) {
  EXPECT_THAT(error_of("type = \"crypt\" areas = [\"pv0\", 1]"), HasSubstr("crypto_store is missing"));
  EXPECT_THAT(error_of("type = \"crypt\" crypto_store = \"s\""), HasSubstr("areas is missing"));
  EXPECT_THAT(error_of("type = \"crypt\" crypto_store = \"s\" areas = [\"pv0\", 1, \"pv1\", 1]"),
              HasSubstr("lies on 2 areas"));
  EXPECT_THAT(error_of("type = \"crypt\" crypto_store = \"s\" areas = [\"pv0\", 1] iv_offset = -8"),
              HasSubstr("iv_offset is negative"));
}

TEST(SegmentText, CarriesOptionsOfACryptSegmentThatItDoesNotKnow) {
  const Segment segment =
      read("type = \"crypt\" crypto_store = \"s\" discards = \"future\" areas = [\"pv0\", 1] more = 1");

  EXPECT_FALSE(std::get<Crypt>(segment.kind).discards);
  EXPECT_THAT(print(segment), HasSubstr("discards = \"future\""));
  EXPECT_THAT(print(segment), HasSubstr("areas = [\"pv1\", 1]\nmore = 1\n"));
}

TEST(SegmentText, ReadsEveryKeyOfAKeystore) {
  const std::string body =
      "type = \"crypt-keystore\"\nhandler = \"luks2\"\ncipher = \"aes-xts-plain64\"\nkey_size = 512\n"
      "key_hash = \"sha256\"\nsector_size = 4096\niv_next = 1099511627776\ngeneration = 7\n"
      "key_check = \"pbkdf2:sha256:1000:00:11\"\ncopies = 2\nslot_names = [0, \"ann\", 3, \"b \\\"b\\\"\"]\n"
      "erasing = 1\n"
      "areas = [\"cryptostore1_crdata\", 0, \"cryptostore1_crdata2\", 0]\n";

  const Segment segment = read(body);

  const auto& store = std::get<Keystore>(segment.kind);
  EXPECT_EQ(store.handler, "luks2");
  EXPECT_EQ(store.key_bits, 512u);
  EXPECT_EQ(store.iv_next, Sectors(std::uint64_t{1} << 40));
  EXPECT_EQ(store.generation, 7u);
  EXPECT_TRUE(store.erasing);
  EXPECT_EQ(store.copies.size(), 2u);
  EXPECT_EQ(store.copies_wanted, 2u);
  EXPECT_EQ(store.slot_names, (RareList<NamedSlot>{{0, "ann"}, {3, "b \"b\""}}));
  EXPECT_EQ(print(segment), "segment1 {\nstart_extent = 0\nextent_count = 4\n\n" + body + "}\n");
}

TEST(SegmentText, RefusesNamesThatAreNoPairs) {
  for (const char* names : {"[0]", "\"ann\"", "[\"ann\", 0]", "[-1, \"ann\"]", "[0, \"ann\", 1]", "[0, 1]"})
    EXPECT_THAT(
        error_of(std::string("type = \"crypt-keystore\"\nhandler = \"luks1\"\nslot_names = ") + names),
        HasSubstr("not a list of key slots and names"))
        << names;
}

TEST(SegmentText, ReadsAKeystoreWithoutExtentsOrAreas) {
  config::Parser parser(
      "s { start_extent = 0 extent_count = 0 type = \"crypt-keystore\" handler = \"plain\" }");
  const config::Position position = parser.next().position;
  std::vector<Mention> mentions;

  const Segment segment = read_segment(parser, two_pvs(), position, mentions);

  EXPECT_EQ(segment.count, Extents(0));
  EXPECT_THAT(std::get<Keystore>(segment.kind).copies, IsEmpty());
  EXPECT_THAT(error_of("type = \"crypt-keystore\""), HasSubstr("handler is missing"));
}

TEST(SegmentText, KeepsASegmentOfAnUnknownTypeWhole) {
  const std::string body =
      "type = \"striped+FUTURE\"\ntags = [\"t\"]\nstripe_count = 1\nstripes = [\"x\", 1]\nratio = 1.5\n"
      "nested {\na = \"\\\"\"\n}\n";

  const Segment segment = read(body);

  EXPECT_EQ(std::get<Opaque>(segment.kind).type, "striped+FUTURE");
  EXPECT_THAT(segment.tags, ElementsAre("t"));
  EXPECT_EQ(read(body), segment);
  EXPECT_THAT(print(segment),
              HasSubstr("stripe_count = 1\n\nstripes = [\n\"x\", 1\n]\nratio = 1.5\nnested {\na = "));
}

TEST(SegmentText, FollowsPvsInSegmentsOfUnknownTypes) {
  const Segment segment =
      read("type = \"mirror\" log = \"pv0\" mirrors = [\"pv1\", 5, \"pv0\", 6] n { l = [\"pv0\"] }");
  PvNames after_removal_of_the_first;
  after_removal_of_the_first.add("pv0", id_of<PvId>(7));
  after_removal_of_the_first.add("pv1", id_of<PvId>(2));
  after_removal_of_the_first.add("pv2", id_of<PvId>(1));

  const std::string printed = print(segment, after_removal_of_the_first);

  EXPECT_THAT(std::get<Opaque>(segment.kind).pv_names,
              ElementsAre(Pair("pv0", id_of<PvId>(1)), Pair("pv1", id_of<PvId>(2))));
  EXPECT_THAT(printed, HasSubstr("mirrors = [\n\"pv2\", 5,\n\"pv1\", 6\n]"));
  EXPECT_THAT(printed, HasSubstr("l = [\"pv1\"]"));
  EXPECT_THAT(printed, HasSubstr("log = \"pv0\""));
}

TEST(SegmentText, DoesNotPrintANameThatWouldComeToMeanAPv) {
  const Segment segment = read("type = \"mirror\" mirrors = [\"pv2\", 5]");
  PvNames more = two_pvs();
  more.add("pv2", id_of<PvId>(3));

  EXPECT_NO_THROW(print(segment));
  EXPECT_THROW(print(segment, more), Error);
}

TEST(SegmentText, ReadsATypeWithoutName) {
  const Segment segment = read("type = [\"\"] tags = [\"t\"] m = 1");

  EXPECT_EQ(std::get<Opaque>(segment.kind).type, "");
  EXPECT_THAT(segment.tags, ElementsAre("t"));
}

TEST(SegmentText, ComparesSegmentsOfUnknownTypesByThePvsTheyMean) {
  const Segment segment = read("type = \"mirror\" mirrors = [\"pv1\", 5, \"pv0\", 6]");
  PvNames others;
  others.add("pv0", id_of<PvId>(7));
  others.add("pv1", id_of<PvId>(2));
  others.add("pv2", id_of<PvId>(1));

  const Segment same = read("type = \"mirror\" mirrors = [\"pv2\", 5, \"pv1\", 6]", others);
  const Segment different = read("type = \"mirror\" mirrors = [\"pv1\", 5, \"pv0\", 6]", others);

  EXPECT_EQ(same, segment);
  EXPECT_NE(different, segment);
}

TEST(SegmentText, TakesTheKeysInAnyOrder) {
  config::Parser parser(
      "s { stripes = [\"pv0\", 2] stripe_count = 1 x { type = 5 } type = \"striped\" "
      "extent_count = 4 start_extent = 0 }");
  const config::Position position = parser.next().position;
  std::vector<Mention> mentions;

  const Segment segment = read_segment(parser, two_pvs(), position, mentions);

  EXPECT_EQ(segment.kind, SegmentKind(Striped{Sectors(), {PhysicalArea{id_of<PvId>(2), Extents(2)}}}));
  EXPECT_EQ(segment.carried.size(), 1u);
}

TEST(SegmentText, RemembersWhereAVolumeWasNamed) {
  config::Parser parser(
      "s {\nstart_extent = 0 extent_count = 4 type = \"striped\" stripe_count = 1\n"
      " stripes = [\"below\", 0] }");
  const config::Position position = parser.next().position;
  std::vector<Mention> mentions;

  read_segment(parser, two_pvs(), position, mentions);

  ASSERT_EQ(mentions.size(), 1u);
  EXPECT_EQ(mentions[0].lv, "below");
  EXPECT_EQ(mentions[0].position.line, 3u);
}

}  // namespace
}  // namespace cv::metadata
