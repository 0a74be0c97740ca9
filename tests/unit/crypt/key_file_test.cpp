#include "lib/crypt/key_file.h"

#include <filesystem>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/temp_dir.h"

namespace cv::crypt {
namespace {

using test::TempDir;
using test::write_file;
using ::testing::HasSubstr;

Error error_of(const std::function<SecureBytes()>& work) {
  try {
    static_cast<void>(work());
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(Errc::io, "nothing was thrown");
}

/// Standard input comes from `path` while it lives.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : former_(::dup(STDIN_FILENO)) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ::dup2(file.get(), STDIN_FILENO);
  }
  ~StandardInput() { ::dup2(former_.get(), STDIN_FILENO); }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  Fd former_;
};

TEST(KeyFile, IsReadWholeWithItsNewlines) {
  const TempDir dir;
  const std::string path = dir.path("key");
  write_file(path, std::string_view("line\nmore\0end\n", 14));

  const SecureBytes key = read_key_file(path);

  EXPECT_EQ(text_of(key.bytes()), std::string_view("line\nmore\0end\n", 14));
}

TEST(KeyFile, IsReadInPartWhereOffsetAndSizeSaySo) {
  const TempDir dir;
  const std::string path = dir.path("key");
  write_file(path, "0123456789");

  EXPECT_EQ(text_of(read_key_file(path, Bytes(2)).bytes()), "23456789");
  EXPECT_EQ(text_of(read_key_file(path, Bytes(0), Bytes(3)).bytes()), "012");
  EXPECT_EQ(text_of(read_key_file(path, Bytes(4), Bytes(6)).bytes()), "456789");
  EXPECT_EQ(text_of(read_key_file(path, Bytes(10)).bytes()), "");
}

TEST(KeyFile, MayBeAPipe) {
  const TempDir dir;
  const std::string path = dir.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { write_file(path, "0123456789"); });

  const SecureBytes key = read_key_file(path, Bytes(3), Bytes(4));
  writer.join();

  EXPECT_EQ(text_of(key.bytes()), "3456");
}

TEST(KeyFile, IsStandardInputWhereItIsAHyphen) {
  const TempDir dir;
  write_file(dir.path("in"), "secret\n");
  const StandardInput input(dir.path("in"));

  const SecureBytes key = read_key_file("-");

  EXPECT_EQ(text_of(key.bytes()), "secret\n");
}

TEST(KeyFile, IsRefusedWhereStandardInputIsEmpty) {
  const TempDir dir;
  write_file(dir.path("in"), "");
  const StandardInput input(dir.path("in"));

  EXPECT_EQ(error_of([] { return read_key_file("-"); }).code(), Errc::key_file);
}

TEST(KeyFile, MayBeEmptyAndIsThenNoKeyOfAnySize) {
  const TempDir dir;
  write_file(dir.path("empty"), "");

  EXPECT_TRUE(read_key_file(dir.path("empty")).empty());
  EXPECT_EQ(error_of([&] { return read_key_file(dir.path("empty"), Bytes(0), Bytes(1)); }).code(),
            Errc::key_file);
}

TEST(KeyFile, IsRefusedWhereItIsMissingOrADirectory) {
  const TempDir dir;

  const Error missing = error_of([&] { return read_key_file(dir.path("none")); });
  const Error directory = error_of([&] { return read_key_file(dir.path("")); });

  EXPECT_EQ(missing.code(), Errc::key_file);
  EXPECT_THAT(missing.what(), HasSubstr("No such file"));
  EXPECT_THAT(missing.what(), HasSubstr(dir.path("none")));
  EXPECT_EQ(directory.code(), Errc::key_file);
  EXPECT_THAT(directory.what(), HasSubstr("directory"));
}

TEST(KeyFile, IsRefusedWithBothNumbersWhereItIsTooShort) {
  const TempDir dir;
  const std::string path = dir.path("key");
  write_file(path, "0123456789");

  const Error size = error_of([&] { return read_key_file(path, Bytes(2), Bytes(64)); });
  const Error offset = error_of([&] { return read_key_file(path, Bytes(11)); });

  EXPECT_EQ(size.code(), Errc::key_file);
  EXPECT_THAT(size.what(), HasSubstr("8 bytes"));
  EXPECT_THAT(size.what(), HasSubstr("64"));
  EXPECT_EQ(offset.code(), Errc::key_file);
  EXPECT_THAT(offset.what(), HasSubstr("10 bytes"));
}

TEST(KeyFile, IsRefusedAboveEightMebibytesUnlessASizeIsGiven) {
  const TempDir dir;
  const std::string path = dir.path("large");
  write_file(path, "x");
  std::filesystem::resize_file(path, kKeyFileLimit.n);
  EXPECT_EQ(read_key_file(path).size(), kKeyFileLimit.n);
  std::filesystem::resize_file(path, kKeyFileLimit.n + 1);

  const Error error = error_of([&] { return read_key_file(path); });

  EXPECT_EQ(error.code(), Errc::key_file);
  EXPECT_THAT(error.advice(), HasSubstr("--keyfile-size"));
  EXPECT_EQ(read_key_file(path, Bytes(0), kKeyFileLimit + Bytes(1)).size(), kKeyFileLimit.n + 1);
}

TEST(KeyFile, AsksForNoMemoryThatTheFileDoesNotFill) {
  const TempDir dir;
  write_file(dir.path("key"), "0123456789");

  const Error error =
      error_of([&] { return read_key_file(dir.path("key"), Bytes(0), Bytes(std::uint64_t{1} << 60)); });

  EXPECT_EQ(error.code(), Errc::key_file);
}

std::vector<std::string> lines_of(std::string_view text, std::size_t most = 2) {
  std::vector<std::string> lines;
  for (const SecureBytes& line : split_lines(bytes_of(text), most)) lines.emplace_back(text_of(line.bytes()));
  return lines;
}

TEST(SplitLines, GivesTheSecretAndTheNewOne) {
  EXPECT_EQ(lines_of("old\nnew\n"), (std::vector<std::string>{"old", "new"}));
  EXPECT_EQ(lines_of("old\nnew"), (std::vector<std::string>{"old", "new"}));
  EXPECT_EQ(lines_of("only"), (std::vector<std::string>{"only"}));
  EXPECT_EQ(lines_of("only\n"), (std::vector<std::string>{"only"}));
  EXPECT_EQ(lines_of("\nsecond"), (std::vector<std::string>{"", "second"}));
  EXPECT_EQ(lines_of(""), std::vector<std::string>());
  EXPECT_EQ(lines_of("a\nb\nc\n", 1), (std::vector<std::string>{"a"}));
}

}  // namespace
}  // namespace cv::crypt
