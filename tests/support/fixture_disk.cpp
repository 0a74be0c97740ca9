#include "tests/support/fixture_disk.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

#include "metadata/edit.h"
#include "tests/support/fixture_files.h"
#include "tests/support/group_builder.h"

namespace cv::test {
namespace {

std::vector<std::byte> unpacked(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
      ::popen(fmt::format("zstd -qdc '{}'", path.string()).c_str(), "r"), ::pclose);
  if (!pipe) throw std::runtime_error("can't run zstd");
  std::vector<std::byte> content;
  std::array<std::byte, 65536> buffer;
  while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    content.insert(content.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
  if (content.empty()) throw std::runtime_error("can't unpack " + path.string());
  return content;
}

/// Where a second metadata area is.
constexpr std::size_t kTailStart = 66060288;

std::filesystem::path fixture_path(std::string_view folder, unsigned number, std::string_view part = "head") {
  return tests_folder() / "fixtures" / folder / fmt::format("pv{}.{}1M.zst", number, part);
}

}  // namespace

Disk fixture_disk(std::string_view folder, unsigned number, Bytes size) {
  auto content = unpacked(fixture_path(folder, number));
  content.resize(static_cast<std::size_t>(size.n));
  const auto tail = fixture_path(folder, number, "tail");
  if (content.size() > kTailStart && std::filesystem::exists(tail)) {
    const auto bytes = unpacked(tail);
    const auto length = std::min(bytes.size(), content.size() - kTailStart);
    std::copy_n(bytes.begin(), length, content.begin() + kTailStart);
  }
  return std::make_unique<MemoryDevice>(fmt::format("/dev/loop{}", number), std::move(content));
}

std::vector<Disk> fixture_disks(std::string_view folder, Bytes size) {
  std::vector<Disk> disks;
  for (unsigned number = 0; number < 8; ++number)
    if (std::filesystem::exists(fixture_path(folder, number)))
      disks.push_back(fixture_disk(folder, number, size));
  return disks;
}

metadata::StoreOptions quiet_options() {
  metadata::StoreOptions options;
  options.locks.enabled = false;
  options.host_name = "testhost";
  options.lvm_run_dir = "/nonexistent";
  options.now = [] { return std::uint64_t{1795165769}; };
  return options;
}

metadata::MetadataStore store_on(const std::vector<Disk>& disks) {
  return store_on(disks, quiet_options());
}

metadata::MetadataStore store_on(const std::vector<Disk>& disks, metadata::StoreOptions options) {
  return store_on(disks, std::move(options),
                  [](MemoryDevice& disk) { return std::make_unique<BorrowedDevice>(disk); });
}

metadata::MetadataStore store_on(const std::vector<Disk>& disks, metadata::StoreOptions options,
                                 const Wrap& wrap) {
  std::vector<std::unique_ptr<device::BlockDevice>> devices;
  for (const auto& disk : disks) devices.push_back(wrap(*disk));
  return {std::move(devices), std::move(options)};
}

std::vector<Disk> disks_with_pvs(unsigned count, Bytes size, Bytes block_size) {
  std::vector<Disk> disks;
  for (unsigned number = 0; number < count; ++number)
    disks.push_back(std::make_unique<MemoryDevice>(fmt::format("/dev/mem{}", number), size, block_size));
  auto store = store_on(disks);
  for (unsigned number = 0; number < count; ++number)
    store.create_pv(disks[number]->path(), {.id = id_of<PvId>(100 + number)});
  return disks;
}

metadata::VolumeGroup create_group(metadata::MetadataStore& store, const std::vector<Disk>& disks) {
  auto tx = store.begin_new("vg0");
  metadata::VolumeGroup vg = group_with({});
  vg.extent_size = Sectors(128);
  for (const auto& disk : disks) vg.pvs.push_back(tx.new_member(disk->path(), vg.extent_size));
  tx.prepare(vg, "created VG vg0");
  tx.commit();
  return tx.current();
}

metadata::VolumeGroup with_volume(metadata::VolumeGroup vg, const std::string& name, std::uint64_t number) {
  return metadata::create_plain(std::move(vg), volume_called(name, 1), counting_ids(number));
}

}  // namespace cv::test
