// Units, ranges, ids and bytes: the small values that everything else counts with.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/id.h"
#include "lib/base/range.h"
#include "lib/base/undo.h"
#include "lib/base/units.h"

namespace cv {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Errc code_of(const std::function<void()>& deed) {
  try {
    deed();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Errc::io;
}

TEST(Units, RefuseSumsDifferencesAndProductsThatDoNotFit) {
  const Sectors most(UINT64_MAX);

  EXPECT_EQ(code_of([&] { static_cast<void>(most + Sectors(1)); }), Errc::overflow);
  EXPECT_EQ(code_of([&] { static_cast<void>(Sectors(1) - Sectors(2)); }), Errc::overflow);
  EXPECT_EQ(code_of([&] { static_cast<void>(most * 2); }), Errc::overflow);
  EXPECT_EQ(code_of([&] { static_cast<void>(to_bytes(most)); }), Errc::overflow);
  EXPECT_EQ(code_of([&] { static_cast<void>(round_up(most, Sectors(8))); }), Errc::overflow);
}

TEST(Units, RoundToWholeExtents) {
  EXPECT_EQ(extents_for(Sectors(0), Sectors(8192)), Extents(0));
  EXPECT_EQ(extents_for(Sectors(1), Sectors(8192)), Extents(1));
  EXPECT_EQ(extents_for(Sectors(8192), Sectors(8192)), Extents(1));
  EXPECT_EQ(extents_for(Sectors(8193), Sectors(8192)), Extents(2));
  EXPECT_EQ(extents_for(Sectors(UINT64_MAX), Sectors(1)), Extents(UINT64_MAX));
  EXPECT_EQ(round_down(Sectors(15), Sectors(8)), Sectors(8));
}

ExtentRange range(std::uint64_t begin, std::uint64_t end) {
  return {Extents(begin), Extents(end)};
}

TEST(RangeSets, MergeWhatTouchesAndOverlaps) {
  ExtentSet set;

  set.add(range(10, 20));
  set.add(range(30, 40));
  set.add(range(20, 25));
  set.add(range(24, 31));
  set.add(range(50, 50));

  EXPECT_THAT(set.ranges(), ElementsAre(range(10, 40)));
  EXPECT_EQ(set.total(), Extents(30));
}

TEST(RangeSets, GiveUpWhatIsRemovedFromTheMiddle) {
  ExtentSet set;
  set.add(range(0, 100));

  set.remove(range(40, 60));
  set.remove(range(90, 200));

  EXPECT_THAT(set.ranges(), ElementsAre(range(0, 40), range(60, 90)));
  EXPECT_TRUE(set.contains(range(60, 90)));
  EXPECT_FALSE(set.contains(range(39, 41)));
  EXPECT_EQ(set.overlap(range(30, 70)), range(30, 40));
  EXPECT_EQ(set.overlap(range(40, 60)), std::nullopt);
}

TEST(LittleEndianFields, LieInTheOrderOfTheDisk) {
  const le32 field(0x01020304);

  EXPECT_EQ(to_hex(std::as_bytes(std::span(&field, 1))), "04030201");
  EXPECT_EQ(field.value(), 0x01020304U);
  EXPECT_EQ(le64(UINT64_MAX - 1).value(), UINT64_MAX - 1);
}

TEST(Hex, RefusesWhatIsNone) {
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("zz"));
  EXPECT_THAT(*from_hex(""), IsEmpty());
  EXPECT_EQ(to_hex(*from_hex("00fFa5")), "00ffa5");
}

// The vectors were measured on LVM2 2.03.16.
TEST(Checksum, IsTheOneOfLvm2AndCanBeChained) {
  EXPECT_EQ(lvm_crc(bytes_of("")), 0xf597a6cfU);
  EXPECT_EQ(lvm_crc(bytes_of("123456789")), 0x4991cf02U);
  EXPECT_EQ(lvm_crc(bytes_of("LABELONE")), 0x8bcf65c4U);
  EXPECT_EQ(lvm_crc(std::vector<std::byte>(512)), 0x6790aecbU);
  EXPECT_EQ(lvm_crc(bytes_of("6789"), lvm_crc(bytes_of("12345"))), 0x4991cf02U);
}

TEST(Ids, AreReadWithAndWithoutHyphens) {
  const auto id = LvId::parse("ONqIFB-p2vX-rQ2V-B9Yg-0kPB-uKbh-NWIssL");

  ASSERT_TRUE(id);
  EXPECT_EQ(id->plain(), "ONqIFBp2vXrQ2VB9Yg0kPBuKbhNWIssL");
  EXPECT_EQ(id->text(), "ONqIFB-p2vX-rQ2V-B9Yg-0kPB-uKbh-NWIssL");
  EXPECT_EQ(LvId::parse(id->plain()), id);
}

TEST(Ids, RefuseOtherLengthsAndCharacters) {
  EXPECT_FALSE(LvId::parse("ONqIFBp2vXrQ2VB9Yg0kPBuKbhNWIss"));
  EXPECT_FALSE(LvId::parse("ONqIFBp2vXrQ2VB9Yg0kPBuKbhNWIssLL"));
  EXPECT_FALSE(LvId::parse("ONqIFBp2vXrQ2VB9Yg0kPBuKbhNWIss/"));
}

TEST(Ids, OfChanceAreLegalAndDiffer) {
  const auto one = VgId::random();

  EXPECT_EQ(VgId::parse(one.text()), one);
  EXPECT_NE(VgId::random(), one);
}

TEST(AnUndo, RunsOnceUnlessItIsKept) {
  int runs = 0;
  {
    Undo first([&] { ++runs; });
    const Undo moved = std::move(first);
  }
  EXPECT_EQ(runs, 1);
  {
    Undo kept([&] { ++runs; });
    kept.keep();
  }
  EXPECT_EQ(runs, 1);
}

TEST(Errors, KeepKindAndAdviceOnTheWayOut) {
  try {
    during("reading /dev/sda",
           [] { throw Error(Errc::damaged, "line {} is no key", 12).advise("restore it"); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "reading /dev/sda: line 12 is no key");
    EXPECT_EQ(error.advice(), "restore it");
    EXPECT_EQ(error.code(), Errc::damaged);
  }
}

TEST(ExitStatus, TellsSecretCommandLineAndTheRestApart) {
  EXPECT_EQ(exit_status(Errc::key_wrong), 2);
  EXPECT_EQ(exit_status(Errc::key_file), 2);
  EXPECT_EQ(exit_status(Errc::usage), 3);
  EXPECT_EQ(exit_status(Errc::bad_name), 3);
  EXPECT_EQ(exit_status(Errc::no_handler), 5);
  EXPECT_EQ(error_id(Errc::key_wrong), "CV-KEY-WRONG");
}

}  // namespace
}  // namespace cv
