// Metadata areas: headers and texts of the real LVM2, and the arithmetic of the circular buffer.
#include "metadata/disk/metadata_area.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "tests/support/fixture_disk.h"

namespace cv::metadata::disk {
namespace {

using test::fixture_disk;
using testing::HasSubstr;

constexpr DiskArea kDefaultArea{Bytes(4096), Bytes(1044480)};

AreaHeader header_with(Bytes size, Bytes offset, Bytes length) {
  return {.start = Bytes(4096),
          .size = size,
          .committed = {.offset = offset, .size = length},
          .precommitted = {}};
}

template <class Work>
std::string message_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(AreaHeader, OfLvm2IsReadFieldByField) {
  const auto device = fixture_disk("linear", 0);

  const auto header = read_area_header(*device, kDefaultArea);

  EXPECT_EQ(header.start, Bytes(4096));
  EXPECT_EQ(header.size, Bytes(1044480));
  EXPECT_EQ(header.committed,
            (TextLocation{.offset = Bytes(6656), .size = Bytes(1677), .crc = 0x68fce41c, .flags = 0}));
  EXPECT_TRUE(header.precommitted.empty());
}

TEST(AreaHeader, OfLvm2IsPackedToTheSameBytes) {
  const auto device = fixture_disk("linear", 0);
  SectorBuffer on_disk;
  device->read(Bytes(4096), on_disk);

  EXPECT_EQ(pack(read_area_header(*device, kDefaultArea)), on_disk);
}

TEST(AreaHeader, ThatIsDamagedIsRefusedWithTheReason) {
  const std::pair<const char*, const char*> cases[] = {{"corrupt/09-mda-crc-both", "wrong checksum"},
                                                       {"corrupt/06-mda-magic-one", "wrong magic number"},
                                                       {"corrupt/07-mda-version-one", "version 2"},
                                                       {"corrupt/08-mda-start-one", "begins at 8192"}};
  for (const auto& [folder, reason] : cases) {
    const auto device = fixture_disk(folder, 1);

    EXPECT_THAT(message_of([&] { read_area_header(*device, kDefaultArea); }), HasSubstr(reason)) << folder;
  }
}

TEST(AreaHeader, LargerThanTheLabelAllowsIsRefused) {
  AreaHeader header{.start = Bytes(4096), .size = Bytes(1044480), .committed = {}, .precommitted = {}};

  EXPECT_THROW(unpack_area_header(pack(header), {Bytes(4096), Bytes(1043968)}), Error);
  header.size = Bytes(512);
  EXPECT_THROW(unpack_area_header(pack(header), kDefaultArea), Error);
}

TEST(AreaHeader, OfAnAreaBeyondTheDeviceIsRefused) {
  test::MemoryDevice device("/dev/mem", Bytes(1 << 20));

  EXPECT_THROW(read_area_header(device, {Bytes(UINT64_MAX - 100), Bytes(4096)}), Error);
  EXPECT_THROW(read_area_header(device, {Bytes(4096), Bytes(UINT64_MAX)}), Error);
}

TEST(AreaText, OfLvm2IsReadWithoutItsNul) {
  const auto device = fixture_disk("linear", 0);
  const auto header = read_area_header(*device, kDefaultArea);

  const auto text = read_text(*device, header, header.committed);

  EXPECT_EQ(text.size(), 1676u);
  EXPECT_EQ(text.substr(0, 8), "vg_lin {");
  EXPECT_EQ(measure(text).crc, header.committed.crc);
  EXPECT_EQ(measure(text).size, header.committed.size);
}

TEST(AreaText, OfLvm2ThatWrapsIsReadInTwoParts) {
  const auto device = fixture_disk("wrapped-default-mda", 0, Bytes(2 << 20));
  const auto header = read_area_header(*device, kDefaultArea);
  ASSERT_GT(header.committed.offset + header.committed.size, header.size);

  const auto text = read_text(*device, header, header.committed);

  EXPECT_EQ(measure(text).crc, header.committed.crc);
}

TEST(AreaText, OutsideItsAreaIsRefused) {
  const auto device = fixture_disk("corrupt/21-rlocn-offset-out", 1);
  const auto header = read_area_header(*device, kDefaultArea);

  EXPECT_THAT(message_of([&] { read_text(*device, header, header.committed); }),
              HasSubstr("outside the area"));
  for (const auto& location :
       {TextLocation{Bytes(100), Bytes(100)}, TextLocation{Bytes(512), Bytes(0)},
        TextLocation{Bytes(512), Bytes(UINT64_MAX)}, TextLocation{Bytes(UINT64_MAX), Bytes(1)}})
    EXPECT_THROW(read_text(*device, header, location), Error);
}

TEST(AreaText, WithAWrongChecksumIsRefused) {
  const auto device = fixture_disk("corrupt/10-text-crc-one", 1);
  const auto header = read_area_header(*device, kDefaultArea);

  EXPECT_THAT(message_of([&] { read_text(*device, header, header.committed); }), HasSubstr("wrong checksum"));
}

TEST(NextText, BeginsAtTheFirstSectorOfAnEmptyArea) {
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(0), Bytes(0))), Bytes(512));
}

TEST(NextText, BeginsAtTheSectorBehindTheOldOne) {
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(512), Bytes(512))), Bytes(1024));
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(512), Bytes(513))), Bytes(1536));
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(1024), Bytes(1))), Bytes(1536));
}

TEST(NextText, BeginsBehindThePartThatWrapped) {
  // 512 bytes at the end, 100 more from 512 on.
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(7680), Bytes(612))), Bytes(1024));
}

TEST(NextText, BeginsAnewWhereOnlyTheLastSectorWouldBeLeft) {
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(7168), Bytes(500))), Bytes(7680));
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(7168), Bytes(1000))), Bytes(512));
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(7168), Bytes(1024))), Bytes(512));
}

TEST(NextText, IgnoresALocationThatCanNotBe) {
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(9000), Bytes(100))), Bytes(512));
  EXPECT_EQ(next_text_offset(header_with(Bytes(8192), Bytes(512), Bytes(UINT64_MAX))), Bytes(512));
}

TEST(NextText, IsRefusedWhereTwoWouldNotFit) {
  const auto header = header_with(Bytes(8192), Bytes(0), Bytes(0));
  const std::string fits(largest_text(header.size).n - 1, 'x');

  EXPECT_EQ(place_text(header, measure(fits)).offset, Bytes(512));
  EXPECT_THAT(message_of([&] { place_text(header, measure(fits + "x")); }),
              HasSubstr("needs 3329 bytes, its area holds 3328"));
}

TEST(NextText, IsRefusedWhereItWouldReachIntoAnOldOneThatIsTooLarge) {
  const auto header = header_with(Bytes(8192), Bytes(512), Bytes(6000));

  EXPECT_THROW(place_text(header, measure(std::string(3000, 'x'))), Error);
}

TEST(NextText, RunsRoundTheAreaForEverAndReadsBack) {
  for (const std::uint64_t area_size : {8192u, 8704u, 32768u}) {
    test::MemoryDevice device("/dev/mem", Bytes(1 << 20));
    AreaHeader header{.start = Bytes(4096), .size = Bytes(area_size), .committed = {}, .precommitted = {}};
    format_area(device, {header.start, header.size});
    std::string old;
    for (unsigned round = 0; round < 500; ++round) {
      const std::string text(1 + (round * 977) % (largest_text(header.size).n - 1),
                             static_cast<char>('a' + round % 26));

      const auto place = place_text(header, measure(text));
      write_text(device, header, place, text);

      if (!header.committed.empty()) {
        ASSERT_EQ(read_text(device, header, header.committed), old) << round;
      }
      header.committed = place;
      write_area_header(device, header);
      ASSERT_EQ(read_area_header(device, {header.start, header.size}), header);
      ASSERT_EQ(read_text(device, header, place), text) << round;
      old = text;
    }
    for (std::size_t i = 0; i < 4096; ++i) ASSERT_EQ(device.content()[i], std::byte{0});
    for (std::size_t i = 4096 + area_size; i < device.content().size(); ++i)
      ASSERT_EQ(device.content()[i], std::byte{0});
  }
}

TEST(AreaFormat, LeavesAnEmptyHeaderAndNothingOfWhatWasThere) {
  test::MemoryDevice device("/dev/mem", std::vector<std::byte>(1 << 20, std::byte{0xaa}));

  format_area(device, {Bytes(4096), Bytes(65536)});

  const auto header = read_area_header(device, {Bytes(4096), Bytes(65536)});
  EXPECT_TRUE(header.committed.empty());
  EXPECT_EQ(device.content()[4096 + 4095], std::byte{0});
  EXPECT_EQ(device.content()[4096 + 4096], std::byte{0xaa});
}

}  // namespace
}  // namespace cv::metadata::disk
