#include "tests/interop/disk/stock_lvm.h"

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

namespace cv::test {
namespace {

constexpr std::string_view kNoDriver =
    "  WARNING: Activation disabled. No device-mapper interaction will be attempted.\n";

/// The words with one space between, however they were laid out.
std::string trimmed(const std::string& text) {
  std::istringstream stream(text);
  std::string words;
  for (std::string word; stream >> word;) words += (words.empty() ? "" : " ") + word;
  return words;
}

}  // namespace

LoopDevice::LoopDevice(const std::string& file, Bytes size, unsigned sector_bytes) {
  write_file(file, std::string_view());
  std::filesystem::resize_file(file, size.n);
  std::vector<std::string> words{"losetup", "--find", "--show", "--sector-size",
                                 std::to_string(sector_bytes)};
  if (sector_bytes > 512) words.push_back("--direct-io=on");
  words.push_back(file);
  auto result = run_program(words);
  if (result.status != 0 && sector_bytes > 512) {
    std::erase(words, "--direct-io=on");  // not every file system has it
    result = run_program(words);
  }
  if (result.status != 0) throw std::runtime_error("no loop device: " + result.output);
  path_ = trimmed(result.output);
  // Detached now, the device goes with its last user: with us, however we end.
  user_ = Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  run_program({"losetup", "--detach", path_});
  if (!user_) throw std::runtime_error("can't open " + path_);
}

StockLvm::StockLvm(unsigned devices, Bytes size, unsigned sector_bytes)
    : StockLvm(std::vector<unsigned>(devices, sector_bytes), size) {}

StockLvm::StockLvm(const std::vector<unsigned>& sector_bytes, Bytes size) {
  std::string filter;
  for (std::size_t i = 0; i < sector_bytes.size(); ++i) {
    devices_.push_back(
        std::make_unique<LoopDevice>(dir_.path("pv" + std::to_string(i)), size, sector_bytes[i]));
    filter += fmt::format("\"a|^{}$|\",", devices_.back()->path());
  }
  locks_ = {.directory = dir_.path("lock"), .enabled = true, .wait = true};
  std::filesystem::create_directories(dir_.path("etc"));
  write_file(dir_.path("etc/lvm.conf"),
             std::string_view(fmt::format(
                 "devices {{ filter = [{0} \"r|.*|\"] global_filter = [{0} \"r|.*|\"]\n"
                 "use_devicesfile = 0 }}\n"
                 "global {{ locking_dir = \"{1}\" wait_for_locks = 0 use_aio = 0 use_lvmpolld = 0 }}\n"
                 "backup {{ backup = 0 archive = 0 }}\n"
                 "activation {{ udev_sync = 0 udev_rules = 0 monitoring = 0 }}\n",
                 filter, locks_.directory)));
  ::setenv("LVM_SYSTEM_DIR", dir_.path("etc").c_str(), 1);
  ::setenv("LVM_SUPPRESS_FD_WARNINGS", "1", 1);
}

StockLvm::~StockLvm() {
  ::unsetenv("LVM_SYSTEM_DIR");
}

ProgramResult StockLvm::run(const std::string& command) const {
  std::vector<std::string> words = {"lvm"};
  std::istringstream stream(command);
  for (std::string word; stream >> word;) words.push_back(word);
  words.insert(words.end(), {"--driverloaded", "n"});
  auto result = run_program(words);
  // What --driverloaded n always says.
  const auto at = result.output.find(kNoDriver);
  if (at != std::string::npos) result.output.erase(at, kNoDriver.size());
  return result;
}

std::string StockLvm::must(const std::string& command) const {
  const auto result = run(command);
  if (result.status != 0)
    throw std::runtime_error(fmt::format("'{}' failed with {}: {}", command, result.status, result.output));
  return trimmed(result.output);
}

metadata::MetadataStore StockLvm::store() const {
  std::vector<std::unique_ptr<device::BlockDevice>> opened;
  for (const auto& device : devices_)
    opened.push_back(device::open_device(device->path(), device::Access::read_write));
  metadata::StoreOptions options;
  options.locks = locks_;
  return {std::move(opened), std::move(options)};
}

}  // namespace cv::test
