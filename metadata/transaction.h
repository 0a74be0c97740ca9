// One change of a volume group: its lock, its newest metadata, and the way of the next metadata onto the
// disks.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/blocked_signals.h"
#include "lib/base/undo.h"
#include "lib/device/lock_file.h"
#include "metadata/area_choice.h"
#include "metadata/group_text.h"
#include "metadata/group_write.h"
#include "metadata/scan.h"

namespace cv::metadata {

struct StoreOptions;

/// Holds the group's lock until it dies. What was prepared and not committed is taken back then. Several
/// changes may be prepared and committed one after the other.
class Transaction {
 public:
  /// MetadataStore::begin() and begin_new() make them. `found` without a seqno: the group is not there yet.
  Transaction(const StoreOptions& options, std::vector<device::LockFile> locks, Scan scan, FoundGroup found,
              bool may_change_membership);
  Transaction(Transaction&&) noexcept = default;
  Transaction& operator=(Transaction&&) = delete;  // would drop the lock before taking back
  ~Transaction() = default;

  /// The group as it is on disk: as read under the lock, then as committed last.
  const VolumeGroup& current() const { return found_.vg; }
  const PvDevices& devices() const { return found_.devices; }
  /// Size and checksum of the text on disk, to tell whether it is still the one that was read before.
  const disk::TextLocation& text() const { return found_.text; }
  /// What the scan under the lock saw, without the group itself.
  const Scan& seen() const { return scan_; }
  /// What stood in the way of changes when this one began.
  const std::vector<Obstacle>& obstacles() const { return found_.obstacles; }

  /// The PV on that device, as a member to be added to the next group. Throws where it is no PV or may not be
  /// taken.
  PhysicalVolume new_member(std::string_view path, Sectors extent_size) const;

  /// Lets this change use or ignore all metadata areas of a PV (pvchange --metadataignore).
  void use_areas(const PvId& pv, bool use) { wishes_[pv] = use; }
  /// The areas of the group that are in use now, and all that could be.
  std::pair<std::size_t, std::size_t> count_areas() const;
  /// Whether an area in use holds anything but the newest text.
  bool has_stale_areas() const;
  /// The label of a member becomes `wanted`, which resized() made of it. A metadata area that it has at
  /// another place is written there first, so that a power cut leaves the old label or the new one with its
  /// areas. Volumes must have no extents there.
  void relabel(const PvId& pv, const disk::Label& wanted);

  /// Lets `to` write to PVs of this group, which stops to: they change over with the next commits of both.
  void hand_over(const std::vector<PvId>& pvs, Transaction& to);

  /// Writes `next` beside what is valid; readers go on seeing current(). Gives it the next seqno. Throws,
  /// with nothing valid changed: for errors that check() did not find before, metadata without room, devices
  /// that fail, an archive that can't be written, and metadata that somebody changed in spite of the lock.
  /// `reason` becomes the description: "created LV lvol0". Signals wait from here until commit() or
  /// abandon().
  void prepare(VolumeGroup next, std::string_view reason);
  /// The group as it will be: what prepare() was given, with its seqno and device hints.
  const VolumeGroup& prepared() const;

  /// From here it is true. Throws Errc::io only where no device took it; it is taken back then.
  void commit();

  /// Takes back what was prepared.
  void abandon() noexcept { pending_.reset(); }

  /// Puts the group as it was into the archive, before its first change; prepare() and remove_group() do it,
  /// too. Throws where it can't be written.
  void archive_once();

  /// Removes a group that has no LVs but stores being erased; its PVs are orphans afterwards.
  void remove_group();

 private:
  struct Pending {
    BlockedSignals signals;  ///< until it is valid or taken back
    VolumeGroup next;
    std::vector<Undo> unmark;  ///< labels of PVs that joined
    std::unique_ptr<GroupWrite> write;
    std::vector<PvId> leaving;
  };

  PvOnDisk* usable_pv(const PvId& id);
  /// The text of current(), from whichever area still gives it. Throws Errc::io.
  std::string committed_text() const;
  struct Targets {
    std::vector<WriteTarget> written;
    std::vector<WriteTarget> given_up;
  };
  Targets targets_for(const VolumeGroup& next);
  void require_unchanged(const PvOnDisk& pv, const AreaOnDisk& known, const disk::AreaHeader& header) const;
  TextStamp stamp(std::string_view reason) const;
  std::string print_checked(const VolumeGroup& next, std::string_view reason) const;
  void require_fitting_members(const VolumeGroup& next);
  void mark_members(Pending& pending);
  void remember_headers();
  void clear_slots(PvOnDisk& pv);
  void clear_used(PvOnDisk& pv);
  void release(const std::vector<PvId>& leaving);

  const StoreOptions* options_;
  std::vector<device::LockFile> locks_;
  Scan scan_;
  FoundGroup found_;
  std::map<PvId, PvOnDisk> pvs_;  ///< members that are there, and orphans that may join
  std::map<PvId, bool> wishes_;   ///< of use_areas()
  bool may_change_membership_;
  bool is_archived_ = false;          ///< the group as it was before the first change
  std::unique_ptr<Pending> pending_;  ///< dies before the locks
};

}  // namespace cv::metadata
