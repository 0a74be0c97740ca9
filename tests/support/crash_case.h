// Changing commands and the disks they start from; what they write and flush, and what a crash may leave.
//
// To add a command: one line in kCases of crash_case.cpp. Its words are split at blanks.
// - `setup` are command lines, each run to its end first. The disks are /dev/mem0, /dev/mem1, ... of 12 MiB,
//   empty at first. KEY stands for a file with a passphrase, LUKS1 for the options of a quick LUKS1 store,
//   VG for "vgcreate -s 64k vg0" on all disks, ONE for the same on the first. Some words are no commands of
//   ours:
//       many N                       so many plain volumes more in vg0
//       luksformat LV SECTOR         a LUKS1 header whose payload begins there, by KEY's passphrase
//       blank DISK                   this disk is lost: zeroes
//       without DISK COMMAND...      the command runs while this disk is away
//       unseen DISK COMMAND...       the command passes this disk by: what it had before comes back
// - `command` is what is recorded.
// - `steps`: how many commits it makes, where there is more than one. After each the disks are in a state of
//   their own; there is never one beside them.
// - `overwrites`: volumes whose bytes it may write over, as they begin ("cryptostore1"). Trailers of
// keystores
//   may be written anew by any.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/id.h"
#include "metadata/volume_group.h"
#include "tests/support/crash_device.h"
#include "tests/support/in_process.h"

namespace cv::test {

struct CrashCase {
  std::string name;
  std::vector<std::string> setup;
  std::string command;
  unsigned steps = 1;
  std::string overwrites;
  unsigned disks = 2;
  Bytes block = Bytes(kSectorBytes);  ///< of the disks
};
/// Some of them stand there twice: on disks with blocks of 4096 bytes, too.
const std::vector<CrashCase>& crash_cases();

/// What all disks together say.
struct DiskState {
  std::vector<metadata::VolumeGroup> groups;  ///< by name
  std::vector<std::vector<int>> obstacles;    ///< kinds of what stands in the way of a change of each
  std::vector<std::pair<std::string, PvId>> labels;
  std::set<std::string> flaws;  ///< unreadable PVs and findings of severity error; not compared
  bool operator==(const DiskState& other) const {
    return groups == other.groups && obstacles == other.obstacles && labels == other.labels;
  }
};
DiskState state_of(const CrashImages::Disks& disks);
/// "vg0 seqno 3: a b, 2 PVs" for messages.
std::string summary_of(const DiskState& state);

struct CrashRecording {
  CrashImages::Disks before;
  CrashLog log;
  /// The states that its flushes made certain, the old one first; the last is the new one.
  std::vector<DiskState> states;
};

/// Does what the case says. Throws what its commands throw.
CrashRecording record(const CrashCase& one);
/// The states that a log goes through, read at each flush and at its end.
std::vector<DiskState> states_along(const CrashImages::Disks& before, const CrashLog& log);

/// Tells whether a crashed disk is as it should be.
class CrashJudge {
 public:
  CrashJudge(const CrashCase& one, const CrashRecording& recording);

  /// Of the recording as a whole: its last write is flushed, its states are as many as `steps` says and
  /// clean, no byte of a volume that was there is written over. A sentence for each that does not hold.
  std::vector<std::string> flaws_of_recording() const;
  /// Empty where the disks are in one of the states, and usable; else a sentence. Some images are also
  /// changed, and their keystores read.
  std::string flaw_of(CrashImages::Disks& disks);

 private:
  std::string flaw_of_stores(const DiskState& state, const CrashImages::Disks& disks) const;
  std::string flaw_of_split(CrashImages::Disks& disks) const;
  std::string flaw_of_next_change(const DiskState& state, CrashImages::Disks& disks) const;

  const CrashCase& case_;
  const CrashRecording& recording_;
  std::set<std::string> known_flaws_;
  unsigned seen_ = 0;
};

}  // namespace cv::test
