// Random sequences of edits, and what must hold whatever they do.
//
// To add an edit: one function and its line in kEdits of random_edits.cpp. Whoever has edits of its own sort
// (an archive, a rename, a reduce) adds them there, and all laws, the texts of real LVM2 and the real LVM2
// itself are tried against them.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/range.h"
#include "metadata/edit.h"

namespace cv::test {

/// A group, and what an edit needs to choose what it does.
class EditWorld {
 public:
  /// Names of volumes that edits may change; empty: any visible one.
  EditWorld(metadata::VolumeGroup start, std::uint64_t seed, std::string own_prefix = {});

  metadata::VolumeGroup vg;
  metadata::NewId ids;
  /// Whether PVs may come, go and change their size: where they stand for no device.
  bool pvs_change = false;

  /// 0 to below - 1.
  std::uint64_t pick(std::uint64_t below);
  template <class Item>
  const Item& one_of(const std::vector<Item>& items) {
    return items[pick(items.size())];
  }
  /// A volume name that was never used: "v0", "v1", ...
  std::string new_name();
  std::string new_store_name();
  /// Visible volumes that may be changed, stores that may be used; empty: there is none.
  std::string some_volume();
  std::string some_store();
  /// Whether edits may change this volume.
  bool is_own(const metadata::LogicalVolume& lv) const;

 private:
  std::mt19937_64 random_;
  std::string own_prefix_;
  std::uint64_t next_ = 0;
};

/// What was done, and what became of it.
struct EditOutcome {
  std::string edit;
  bool done = false;   ///< false: refused or no space, and nothing has changed
  std::string reason;  ///< why not
};
/// One random edit. Throws any other error of it.
EditOutcome random_edit(EditWorld& world);

/// The laws of a whole sequence. Each look compares with the one before.
class EditLaws {
 public:
  explicit EditLaws(const metadata::VolumeGroup& start);
  /// A sentence for each law that the group breaks: check() is empty of errors, the text reads back the same,
  /// no extent is used twice, free and used are all, no IV that any volume of a store ever had is given out
  /// again, what a volume held before is where it was.
  std::vector<std::string> broken_by(const metadata::VolumeGroup& vg);

 private:
  using Place = std::pair<PvId, Extents>;
  using Places = std::map<Extents, std::vector<Place>>;
  using StoreAndVolume = std::pair<LvId, LvId>;

  static Places places_of(const metadata::VolumeGroup& vg, const metadata::LogicalVolume& lv);
  void check_ivs(const metadata::VolumeGroup& vg, std::vector<std::string>& broken);
  void check_places(const metadata::VolumeGroup& vg, std::vector<std::string>& broken);

  std::map<LvId, SectorSet> ever_of_store_;
  std::map<StoreAndVolume, SectorSet> held_;
  struct Volume {
    bool encrypted = false;
    Places places;
  };
  std::map<LvId, Volume> volumes_;
};

/// CVM_SEED, else a random one.
std::uint64_t seed_from_environment();

}  // namespace cv::test
