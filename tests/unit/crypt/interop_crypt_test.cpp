// Headers that stock cryptsetup made are read by us, and ours by it; on regular files, without device-mapper.
#include <filesystem>

#include <gmock/gmock.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/luks_header.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace cv::crypt {
namespace {

using test::run_program;
using test::secret;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kPassphrase = "correct horse\nbattery";

struct Stock {
  std::string what;
  std::vector<std::string> options;
  LuksVersion version;
  std::string cipher;
  std::uint32_t key_bits;
  std::uint32_t sector_bytes;
  std::uint64_t payload_sectors;
  std::uint64_t header_bytes;

  friend std::ostream& operator<<(std::ostream& out, const Stock& stock) { return out << stock.what; }
};

/// A volume of 32 MiB with a key file beside it.
class Volume {
 public:
  Volume() {
    test::write_file(key(), kPassphrase);
    test::write_file(path(), "");
    std::filesystem::resize_file(path(), std::uint64_t{32} * 1024 * 1024);
  }
  std::string path() const { return dir_.path("volume"); }
  std::string key() const { return dir_.path("key"); }
  std::string header() const { return dir_.path("header"); }

  void format(std::vector<std::string> options) const {
    std::vector<std::string> command{
        "cryptsetup", "luksFormat", "--batch-mode", "--use-urandom", "--pbkdf-force-iterations",
        "1000",       path(),       key()};
    options.insert(options.begin(), {"--pbkdf", "pbkdf2"});
    command.insert(command.begin() + 2, options.begin(), options.end());
    const auto result = run_program(command);
    ASSERT_EQ(result.status, 0) << result.output;
  }

  std::optional<std::vector<std::byte>> read_header() const {
    const auto bytes = test::read_file(path());
    return read_luks_header(
        [&](Bytes at, std::span<std::byte> into) {
          std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at.n), into.size(), into.begin());
        },
        Bytes(bytes.size()));
  }

 private:
  TempDir dir_;
};

class StockHeader : public ::testing::TestWithParam<Stock> {};

TEST_P(StockHeader, IsReadInspectedAndUnlocked) {
  const Volume volume;
  volume.format(GetParam().options);

  const auto bytes = volume.read_header();
  ASSERT_TRUE(bytes);
  const LuksHeader header(*bytes);
  const LuksInfo info = header.info();
  const auto unlocked = header.unlock(secret(kPassphrase));

  EXPECT_EQ(bytes->size(), GetParam().header_bytes);
  EXPECT_EQ(info.version, GetParam().version);
  EXPECT_EQ(info.cipher, GetParam().cipher);
  EXPECT_EQ(info.key_bits, GetParam().key_bits);
  EXPECT_EQ(info.sector_bytes, GetParam().sector_bytes);
  EXPECT_EQ(info.payload_offset, Sectors(GetParam().payload_sectors));
  EXPECT_EQ(info.header_size, Bytes(GetParam().header_bytes));
  EXPECT_EQ(info.iv_offset, Sectors(0));
  EXPECT_EQ(info.payload_length, std::nullopt);
  EXPECT_THAT(info.slots, ElementsAre(0));
  const auto uuid = run_program({"cryptsetup", "luksUUID", volume.path()});
  EXPECT_EQ(uuid.output, info.uuid + "\n");
  ASSERT_TRUE(unlocked);
  EXPECT_EQ(unlocked->slot, 0);
  EXPECT_TRUE(header.verify(unlocked->key));
  EXPECT_FALSE(header.unlock(secret("correct horse")));
}

TEST_P(StockHeader, GivesTheVolumeKeyThatCryptsetupGives) {
  const Volume volume;
  volume.format(GetParam().options);
  const std::string key_file = volume.header() + ".key";

  const auto dump = run_program({"cryptsetup", "luksDump", "--batch-mode", "--dump-volume-key",
                                 "--volume-key-file", key_file, "--key-file", volume.key(), volume.path()});
  ASSERT_EQ(dump.status, 0) << dump.output;
  const auto unlocked = LuksHeader(*volume.read_header()).unlock(secret(kPassphrase));

  ASSERT_TRUE(unlocked);
  EXPECT_EQ(to_hex(unlocked->key.bytes()), to_hex(test::read_file(key_file)));
}

INSTANTIATE_TEST_SUITE_P(
    Interop, StockHeader,
    ::testing::Values(
        Stock{"luks1", {"--type", "luks1"}, LuksVersion::luks1, "aes-xts-plain64", 512, 512, 4096, 2068480},
        Stock{"luks1 with a 256-bit key",
              {"--type", "luks1", "--key-size", "256"},
              LuksVersion::luks1,
              "aes-xts-plain64",
              256,
              512,
              4096,
              1052672},
        Stock{"luks1 with cbc-essiv and its payload behind the slots",
              {"--type", "luks1", "--cipher", "aes-cbc-essiv:sha256", "--key-size", "128", "--align-payload",
               "1"},
              LuksVersion::luks1,
              "aes-cbc-essiv:sha256",
              128,
              512,
              1032,
              528384},
        Stock{"luks1 aligned to 4 MiB",
              {"--type", "luks1", "--align-payload", "8192"},
              LuksVersion::luks1,
              "aes-xts-plain64",
              512,
              512,
              8192,
              2068480},
        Stock{"luks2",
              {"--type", "luks2", "--sector-size", "512"},
              LuksVersion::luks2,
              "aes-xts-plain64",
              512,
              512,
              32768,
              16777216},
        Stock{"luks2 with 4096-byte sectors",
              {"--type", "luks2", "--sector-size", "4096"},
              LuksVersion::luks2,
              "aes-xts-plain64",
              512,
              4096,
              32768,
              16777216},
        Stock{"luks2 with small areas",
              {"--type", "luks2", "--sector-size", "512", "--cipher", "aes-xts-plain", "--key-size", "256",
               "--luks2-metadata-size", "64k", "--luks2-keyslots-size", "512k"},
              LuksVersion::luks2,
              "aes-xts-plain",
              256,
              512,
              2048,
              2 * 65536 + 524288}));

TEST(StockDetachedHeader, HasPayloadOffsetZero) {
  for (const char* type : {"luks1", "luks2"}) {
    const Volume volume;
    volume.format({"--type", type, "--header", volume.header()});

    const auto bytes = test::read_file(volume.header());
    const LuksHeader header(bytes);

    EXPECT_EQ(header.info().payload_offset, Sectors(0)) << type;
    EXPECT_TRUE(header.unlock(secret(kPassphrase))) << type;
    EXPECT_LE(luks_area(bytes)->size.n, bytes.size()) << type;
  }
}

TEST(StockHeaderWithSlots, IsOpenedByEachOfItsPassphrases) {
  const Volume volume;
  volume.format({"--type", "luks2"});
  const std::string second = volume.header() + ".second";
  test::write_file(second, "staple");
  const auto added = run_program({"cryptsetup", "luksAddKey", "--batch-mode", "--pbkdf", "pbkdf2",
                                  "--pbkdf-force-iterations", "1000", "--key-slot", "5", "--key-file",
                                  volume.key(), volume.path(), second});
  ASSERT_EQ(added.status, 0) << added.output;

  const LuksHeader header(*volume.read_header());
  const auto by_first = header.unlock(secret(kPassphrase));
  const auto by_second = header.unlock(secret("staple"));

  EXPECT_THAT(header.slots(), ElementsAre(0, 5));
  ASSERT_TRUE(by_first && by_second);
  EXPECT_EQ(by_second->slot, 5);
  EXPECT_TRUE(test::equal_bytes(by_first->key, by_second->key));
}

TEST(StockReencryption, IsRefusedWhileItIsUnfinished) {
  const Volume volume;
  volume.format({"--type", "luks2"});
  const auto begun = run_program({"cryptsetup", "reencrypt", "--batch-mode", "--init-only", "--pbkdf",
                                  "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", volume.key(),
                                  "--force-offline-reencrypt", volume.path()});
  ASSERT_EQ(begun.status, 0) << begun.output;

  const LuksHeader header(*volume.read_header());

  try {
    static_cast<void>(header.info());
    FAIL() << "it was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::refused);
    EXPECT_THAT(error.what(), HasSubstr("re-encryption"));
  }
}

struct Ours {
  std::string handler;
  StoreAttributes attributes;

  friend std::ostream& operator<<(std::ostream& out, const Ours& ours) {
    return out << ours.handler << " " << ours.attributes.cipher << " " << ours.attributes.key_bits;
  }
};

class OurHeader : public ::testing::TestWithParam<Ours> {};

TEST_P(OurHeader, IsOpenedAndDumpedByCryptsetup) {
  const HandlerList handlers;
  const Volume volume;
  auto request = test::cheap_request();
  request.attributes = GetParam().attributes;
  const auto store = handlers.at(GetParam().handler).format(request, secret(kPassphrase));
  test::write_file(volume.header(), store.bytes);
  test::write_file(volume.header() + ".key", store.key.bytes());

  const auto open = run_program({"cryptsetup", "open", "--test-passphrase", "--header", volume.header(),
                                 "--key-file", volume.key(), volume.path()});
  const auto wrong = run_program({"cryptsetup", "open", "--test-passphrase", "--header", volume.header(),
                                  "--key-file", volume.header() + ".key", volume.path()});
  const auto dump = run_program({"cryptsetup", "luksDump", volume.header()});
  const auto dumped_key =
      run_program({"cryptsetup", "luksDump", "--batch-mode", "--dump-volume-key", "--volume-key-file",
                   volume.header() + ".dumped", "--key-file", volume.key(), volume.header()});

  EXPECT_EQ(open.status, 0) << open.output;
  EXPECT_EQ(wrong.status, 2) << wrong.output;
  EXPECT_EQ(dump.status, 0) << dump.output;
  EXPECT_EQ(dumped_key.status, 0) << dumped_key.output;
  EXPECT_EQ(to_hex(test::read_file(volume.header() + ".dumped")), to_hex(store.key.bytes()));
}

INSTANTIATE_TEST_SUITE_P(Interop, OurHeader,
                         ::testing::Values(Ours{"luks1", {}},
                                           Ours{"luks1", {.cipher = "aes-cbc-essiv:sha256", .key_bits = 256}},
                                           Ours{"luks1", {.key_bits = 256, .hash = "sha256"}},
                                           Ours{"luks2", {}}, Ours{"luks2", {.sector_bytes = 4096}},
                                           Ours{"luks2", {.cipher = "aes-xts-plain", .key_bits = 256}}));

}  // namespace
}  // namespace cv::crypt
