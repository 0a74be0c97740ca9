// Disks of the real LVM2 (tests/fixtures), and small ones with physical volumes of our own, in memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/store.h"
#include "tests/support/memory_device.h"

namespace cv::test {

using Disk = std::unique_ptr<MemoryDevice>;

/// tests/fixtures/FOLDER/pvN.head1M.zst as "/dev/loopN", zeroes behind it up to `size`.
Disk fixture_disk(std::string_view folder, unsigned number, Bytes size = Bytes(32 << 20));
/// All pvN.head1M.zst of a folder.
std::vector<Disk> fixture_disks(std::string_view folder, Bytes size = Bytes(32 << 20));

/// Options without locks and without a stock LVM2 beside us; the clock stands still.
metadata::StoreOptions quiet_options();

/// Wraps each disk for one store.
using Wrap = std::function<std::unique_ptr<device::BlockDevice>(MemoryDevice&)>;
metadata::MetadataStore store_on(const std::vector<Disk>& disks);
metadata::MetadataStore store_on(const std::vector<Disk>& disks, metadata::StoreOptions options);
metadata::MetadataStore store_on(const std::vector<Disk>& disks, metadata::StoreOptions options,
                                 const Wrap& wrap);

/// Empty disks "/dev/mem0", "/dev/mem1", ... with a PV each, id_of<PvId>(100), ...
std::vector<Disk> disks_with_pvs(unsigned count, Bytes size = Bytes(4 << 20), Bytes block_size = Bytes(512));

/// "vg0" on all disks, extents of 64 KiB, without volumes. Goes the way of a real vgcreate.
metadata::VolumeGroup create_group(metadata::MetadataStore& store, const std::vector<Disk>& disks);

/// The group with one more linear volume of one extent; on disks of disks_with_pvs().
metadata::VolumeGroup with_volume(metadata::VolumeGroup vg, const std::string& name, std::uint64_t number);

}  // namespace cv::test
