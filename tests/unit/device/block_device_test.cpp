// The contract of BlockDevice, for files and for the fake that stands for them.
#include "lib/device/block_device.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "lib/base/error.h"
#include "tests/support/memory_device.h"
#include "tests/support/temp_dir.h"

namespace cv::device {
namespace {

constexpr std::size_t kSize = 3 * 1024 * 1024 + 1536;

struct Kind {
  const char* name;
  std::function<std::unique_ptr<BlockDevice>(const test::TempDir&)> make;
};

class BlockDeviceContract : public testing::TestWithParam<Kind> {
 protected:
  test::TempDir dir_;
  std::unique_ptr<BlockDevice> device_ = GetParam().make(dir_);
};

TEST_P(BlockDeviceContract, KnowsItsSizeAndBlocks) {
  EXPECT_EQ(device_->size(), Bytes(kSize));
  EXPECT_TRUE(device_->block_size() == Bytes(512) || device_->block_size() == Bytes(4096));
}

TEST_P(BlockDeviceContract, ReadsWhatWasWrittenAtAnyPlaceAndLength) {
  std::mt19937 random(20261120);
  std::vector<std::byte> expected(kSize);
  for (int round = 0; round < 60; ++round) {
    const std::size_t at = random() % kSize;
    const std::size_t length =
        std::min<std::size_t>(kSize - at, round % 10 == 0 ? random() : random() % 5000);
    std::vector<std::byte> piece(length);
    for (auto& byte : piece) byte = static_cast<std::byte>(random());

    device_->write(Bytes(at), piece);
    std::copy(piece.begin(), piece.end(), expected.begin() + static_cast<std::ptrdiff_t>(at));

    std::vector<std::byte> back(length);
    device_->read(Bytes(at), back);
    ASSERT_EQ(back, piece);
  }
  device_->flush();

  std::vector<std::byte> all(kSize);
  device_->read(Bytes(0), all);
  EXPECT_EQ(all, expected);
}

TEST_P(BlockDeviceContract, ZeroesJustWhatItShall) {
  std::vector<std::byte> expected(kSize, std::byte{0xa5});
  device_->write(Bytes(0), expected);

  for (const auto& [at, length] : {std::pair{4096, 8192}, {20000, 1}, {30001, 4999}, {40000, 0}}) {
    device_->zero(Bytes(static_cast<std::uint64_t>(at)), Bytes(static_cast<std::uint64_t>(length)));
    std::fill_n(expected.begin() + at, length, std::byte{0});
  }

  std::vector<std::byte> all(kSize);
  device_->read(Bytes(0), all);
  EXPECT_EQ(all, expected);
  EXPECT_THROW(device_->zero(Bytes(kSize - 511), Bytes(512)), Error);
}

TEST_P(BlockDeviceContract, RefusesWhatLiesBeyondItsEnd) {
  std::vector<std::byte> some(512);
  for (const auto at : {Bytes(kSize - 511), Bytes(kSize), Bytes(UINT64_MAX)}) {
    EXPECT_THROW(device_->read(at, some), Error);
    EXPECT_THROW(device_->write(at, some), Error);
  }
  EXPECT_NO_THROW(device_->read(Bytes(kSize), std::span<std::byte>()));
}

INSTANTIATE_TEST_SUITE_P(Kinds, BlockDeviceContract,
                         testing::Values(Kind{"File",
                                              [](const test::TempDir& dir) {
                                                test::write_file(dir.path("pv"),
                                                                 std::vector<std::byte>(kSize));
                                                return open_device(dir.path("pv"), Access::read_write);
                                              }},
                                         Kind{"Memory",
                                              [](const test::TempDir&) {
                                                return std::make_unique<test::MemoryDevice>("/dev/mem",
                                                                                            Bytes(kSize));
                                              }}),
                         [](const auto& kind) { return kind.param.name; });

Errc code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::interrupted;
}

TEST(OpenDevice, SaysWhatIsWrongWithAPath) {
  const test::TempDir dir;

  EXPECT_EQ(code_of([&] { open_device(dir.path("none"), Access::read_only); }), Errc::not_found);
  EXPECT_EQ(code_of([&] { open_device(dir.path(""), Access::read_only); }), Errc::unsupported);
  EXPECT_EQ(code_of([&] { open_device("/dev/null", Access::read_only); }), Errc::unsupported);
}

TEST(OpenDevice, ForReadingDoesNotWrite) {
  const test::TempDir dir;
  test::write_file(dir.path("pv"), std::vector<std::byte>(8192));
  const auto device = open_device(dir.path("pv"), Access::read_only);
  const std::vector<std::byte> some(512, std::byte{1});

  EXPECT_EQ(code_of([&] { device->write(Bytes(0), some); }), Errc::io);
}

}  // namespace
}  // namespace cv::device
