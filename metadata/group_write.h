// One metadata text on its way onto all areas of a group: written beside the old one, announced, made valid.
#pragma once

#include <string>
#include <vector>

#include "lib/device/block_device.h"
#include "metadata/disk/metadata_area.h"

namespace cv::metadata {

struct WriteTarget {
  device::BlockDevice* device;
  disk::AreaHeader header;  ///< as it is on the device
  bool joins = false;       ///< its PV comes into the group with this text
};

/// Flushes each device once.
void flush_all(const std::vector<WriteTarget>& targets);

/// Makes `text` the committed one of an area whose other text, if it has one, is not needed beside it, and
/// reads it back. `measured`: size and checksum as the other areas have them. Throws Errc::io,
/// Errc::no_space.
void write_copy(device::BlockDevice& device, disk::AreaHeader header, const disk::TextLocation& measured,
                std::string_view text);

/// prepare() and commit() write what LVM2 writes, text and precommitted slot, then the committed slot, with a
/// flush behind each of the two: nobody reads by a precommitted slot, so it need not come behind its text.
/// Disks that join are committed behind those of the group, so that the group is never found on them alone.
/// After a power cut between any two of their writes a reader finds the old text or the new one. Dies
/// prepared and not committed: the precommitted slots are cleared again.
class GroupWrite {
 public:
  /// Finds a place in each area. Throws Errc::no_space; nothing is written yet.
  /// `given_up` are areas in use that shall be ignored from the commit on; they keep the old text until then.
  GroupWrite(std::vector<WriteTarget> targets, std::string text, std::vector<WriteTarget> given_up = {});
  ~GroupWrite();
  GroupWrite(const GroupWrite&) = delete;
  GroupWrite& operator=(const GroupWrite&) = delete;

  /// How much of what an area holds the text takes, in percent; of the fullest.
  unsigned percent_full() const;
  /// Size and checksum.
  const disk::TextLocation& measured() const { return measured_; }

  /// Throws Errc::io where a device fails, or where none gives back what was written to it.
  void prepare();
  /// True for the whole group as soon as one area has it; what failed on the others is logged as a warning.
  /// Throws Errc::io where no area has it.
  void commit();

 private:
  struct Area {
    WriteTarget target;
    disk::TextLocation place;
    bool is_proven = false;  ///< the text was read back
  };

  std::vector<WriteTarget> targets() const;
  bool decides(const Area& area) const;
  void prove_text();
  bool holds_text(const Area& area) const noexcept;
  bool write_commit(const Area& area) const noexcept;
  void commit_on(bool joining) const noexcept;
  bool shows_commit(const Area& area) const noexcept;
  void revert() noexcept;
  void ignore_the_rest() noexcept;

  std::string text_;
  disk::TextLocation measured_;
  std::vector<Area> areas_;
  std::vector<WriteTarget> given_up_;
  bool announced_ = false;  ///< a precommitted slot may be set
};

}  // namespace cv::metadata
