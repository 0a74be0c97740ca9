// The metadata of all volume groups on a set of devices: reading it, and the changes that are more than a new
// text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/device/block_device.h"
#include "lib/device/lock_file.h"
#include "metadata/archive.h"
#include "metadata/pv_layout.h"
#include "metadata/scan.h"
#include "metadata/transaction.h"

namespace cv::metadata {

/// Seconds since 1970 by the system's clock.
std::uint64_t system_time();
/// What uname(2) calls this host.
std::string system_host_name();

struct StoreOptions {
  device::LockSettings locks;
  std::string host_system_id;                        ///< empty: none
  std::string host_name = system_host_name();        ///< creation_host of what is written
  std::string lvm_run_dir = "/run/lvm";              ///< where stock LVM2 keeps its hints
  std::function<std::uint64_t()> now = system_time;  ///< creation_time of what is written
  bool allow_mixed_block_sizes = false;              ///< in one group
  ArchiveSettings archive;                           ///< files beside the disks; none unless asked for
};

/// A group and the lock that keeps it as it is.
struct LockedGroup {
  device::LockFile lock;
  FoundGroup group;
};

/// What all disks say, and the locks that keep one group as it is.
struct LockedScan {
  std::vector<device::LockFile> locks;
  Scan scan;
};

struct BeginOptions {
  bool membership = false;         ///< PVs will come or go: the global lock is taken too
  std::vector<Hindrance> despite;  ///< obstacles that the change is there to remove
  std::string new_name;            ///< its lock is taken too: what the group will be called
  std::optional<VgId> id;          ///< which one, where two groups share the name
};

struct NewPv {
  PvId id;
  PvLayout layout;            ///< device_size and optimal_io are filled in
  bool wipe = false;          ///< the person agreed to lose foreign signatures; else they are refused by name
  bool force = false;         ///< take a PV that is outdated, unreadable, or says that it is in use
  bool take_members = false;  ///< take even one that is in a group, which misses it then
  bool zero = true;           ///< clear the first 2 KiB, boot sector included
  bool ignore_areas = false;  ///< its metadata areas stay unused for now
};

/// Changes of two groups. The locks of both are held by `one`, which dies last.
struct TwoChanges {
  Transaction one;
  Transaction other;
};

/// Owns the devices. What it returns points to them, and Transactions refer to the store: it outlives both.
class MetadataStore {
 public:
  MetadataStore(std::vector<std::unique_ptr<device::BlockDevice>> devices, StoreOptions options);
  MetadataStore(const MetadataStore&) = delete;
  MetadataStore& operator=(const MetadataStore&) = delete;

  /// Without any lock: each group is consistent in itself, yet may be changing.
  Scan scan(ScanDepth depth = ScanDepth::one_copy);
  /// For reports: under the shared global lock. Where something looks wrong, again under the locks of all
  /// groups, so that a commit that is under way is not reported as damage; for every copy always so.
  Scan report(ScanDepth depth = ScanDepth::one_copy);
  /// One group, its lock held: shared for reading, exclusive for activation.
  LockedGroup read(std::string_view name, device::LockMode mode = device::LockMode::shared);

  /// A change of a group: its lock, then its newest metadata. Throws what stands in the way.
  Transaction begin(std::string_view name, const BeginOptions& options = {});
  /// A group that does not exist yet: the global lock and its own. Throws Errc::exists.
  Transaction begin_new(std::string_view name);
  /// Two groups at once, and the global lock. `despite` holds for both. Throws Errc::usage where both names
  /// are the same.
  TwoChanges begin_two(std::string_view one, std::string_view other, const BeginOptions& options = {});
  /// The same where `other` does not exist yet. Throws Errc::exists.
  TwoChanges begin_with_new(std::string_view one, std::string_view other, const BeginOptions& options = {});

  /// For repairs, whatever is wrong: the global lock, the one of that group, and every copy read under them.
  LockedScan lock_for_repair(std::string_view name);

  /// Makes the device a PV, the label last. Throws Errc::in_use for a member of a group and for a device that
  /// the kernel holds, Errc::refused for the rest of what `force` and `wipe` are for.
  disk::Label create_pv(std::string_view path, NewPv wanted);
  /// Removes the label of a PV that is in no group; `force` and `take_members` as for create_pv.
  void remove_pv(std::string_view path, bool force = false, bool take_members = false);
  /// A PV that is in no group: as large as its device, or as `size` says. Throws Errc::in_use for a member.
  void resize_orphan(std::string_view path, Bytes size);
  /// A PV that is in no group gets another id.
  void change_orphan_id(std::string_view path, const PvId& id);
  /// Uses or ignores the metadata areas of a PV that is in no group.
  void ignore_orphan_areas(std::string_view path, bool ignore);

  /// Null where the store has no device of that path.
  device::BlockDevice* find_device(std::string_view path) const;
  const StoreOptions& options() const { return options_; }

 private:
  device::LockFile lock(std::string_view name, device::LockMode mode) const;
  /// The global lock is held. Throws where it is no PV, or in a group.
  PvOnDisk orphan_at(std::string_view path);
  device::BlockDevice& device_at(std::string_view path) const;
  std::vector<device::LockFile> lock_groups(std::string_view one, std::string_view other) const;

  std::vector<std::unique_ptr<device::BlockDevice>> devices_;
  StoreOptions options_;
  TextCache texts_;
};

}  // namespace cv::metadata
