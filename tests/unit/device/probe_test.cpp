// Foreign signatures: found, named, wiped.
#include "lib/device/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string_view>

#include "tests/support/memory_device.h"

namespace cv::device {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

void put(test::MemoryDevice& device, std::size_t at, std::string_view text) {
  std::memcpy(device.content().data() + at, text.data(), text.size());
}

std::vector<std::string> types_on(BlockDevice& device) {
  std::vector<std::string> types;
  for (const auto& signature : foreign_signatures(device)) types.push_back(signature.type);
  return types;
}

TEST(Signatures, OfABlankDeviceAreNone) {
  test::MemoryDevice device("/dev/mem", Bytes(64 << 20));

  EXPECT_THAT(foreign_signatures(device), IsEmpty());
  EXPECT_THAT(wipe_signatures(device), IsEmpty());
  EXPECT_EQ(device.flushes(), 0u);
}

TEST(Signatures, OfLuksSwapAndAPartitionTableAreNamed) {
  test::MemoryDevice luks("/dev/mem", Bytes(64 << 20));
  put(luks, 0, std::string_view("LUKS\xba\xbe\0\1", 8));
  test::MemoryDevice swap("/dev/mem", Bytes(64 << 20));
  put(swap, 1024, std::string_view("\1\0\0\0\xff\0\0\0", 8));
  put(swap, 4086, "SWAPSPACE2");
  test::MemoryDevice dos("/dev/mem", Bytes(64 << 20));
  put(dos, 446, std::string_view("\0\0\0\0\x83\0\0\0\0\x08\0\0\0\x10\0\0", 16));
  put(dos, 510, "\x55\xaa");

  EXPECT_THAT(types_on(luks), ElementsAre("crypto_LUKS"));
  EXPECT_THAT(types_on(swap), ElementsAre("swap"));
  EXPECT_THAT(types_on(dos), ElementsAre("dos"));
}

TEST(Signatures, OfLvm2ItselfAreNotForeign) {
  test::MemoryDevice device("/dev/mem", Bytes(64 << 20));
  put(device, 512, std::string_view("LABELONE\1\0\0\0\0\0\0\0", 16));
  put(device, 512 + 24, "LVM2 001");

  EXPECT_THAT(types_on(device), IsEmpty());
}

TEST(Signatures, BehindOthersAreFoundAndAllAreWiped) {
  test::MemoryDevice device("/dev/mem", Bytes(64 << 20));
  put(device, 0, std::string_view("LUKS\xba\xbe\0\1", 8));
  put(device, 1024, std::string_view("\1\0\0\0\xff\0\0\0", 8));
  put(device, 4086, "SWAPSPACE2");

  const auto wiped = wipe_signatures(device);

  EXPECT_EQ(wiped.size(), 2u);
  EXPECT_THAT(types_on(device), IsEmpty());
  EXPECT_EQ(device.flushes(), 1u);
}

TEST(Signatures, AtTheEndOfADeviceAreFound) {
  test::MemoryDevice device("/dev/mem", Bytes(64 << 20));
  // An md superblock of version 1.0 lies 8 KiB before the end, at a multiple of 4 KiB.
  const std::size_t at = (64 << 20) - 8192;
  put(device, at, std::string_view("\xfc\x4e\x2b\xa9\1\0\0\0", 8));
  const std::uint64_t sector = at / 512;
  std::memcpy(device.content().data() + at + 144, &sector, sizeof sector);

  EXPECT_THAT(foreign_signatures(device),
              ElementsAre(testing::AllOf(Field(&Signature::type, "linux_raid_member"),
                                         Field(&Signature::offset, Bytes(at)))));
}

TEST(Signatures, AreLookedForOnSmallDevicesToo) {
  test::MemoryDevice device("/dev/mem", Bytes(100));
  test::MemoryDevice larger("/dev/mem", Bytes(5 << 20));
  put(larger, 0, std::string_view("LUKS\xba\xbe\0\1", 8));

  EXPECT_THAT(types_on(device), IsEmpty());
  EXPECT_THAT(types_on(larger), ElementsAre("crypto_LUKS"));
}

}  // namespace
}  // namespace cv::device
