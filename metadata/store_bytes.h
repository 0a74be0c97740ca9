// The bytes of a keystore on disk: copies on several PVs, each with a trailer behind the handler's bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/range.h"
#include "metadata/disk/store_trailer.h"
#include "metadata/scan.h"
#include "metadata/volume_group.h"

namespace cv::metadata {

struct StoreCopy {
  unsigned number = 1;                  ///< as in the name of its data LV
  std::vector<std::byte> bytes;         ///< the handler's; the whole copy where there is no trailer
  std::optional<StoreTrailer> trailer;  ///< absent: taken over in place, or `flaw` says what is wrong
  bool intact = false;                  ///< the trailer's digest is right; it ranks, it does not exclude
  std::string flaw;                     ///< why it is not: empty, or a sentence
};

/// Every copy, the best first: intact and of the highest generation. Copies that can't be read come last,
/// without bytes. None where the handler keeps no bytes.
std::vector<StoreCopy> read_copies(const VolumeGroup& vg, const PvDevices& devices,
                                   const LogicalVolume& store);

/// What a copy holds besides the trailer.
Bytes handler_room(const VolumeGroup& vg, const LogicalVolume& store);

/// Writes the handler's bytes and a trailer (generation and iv_next as the segment says) to every copy, one
/// after the other, each flushed, read back and compared. The extents are free in what is committed: nobody
/// reads them yet.
void write_new_copies(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store,
                      std::span<const std::byte> handler_bytes);

/// Whether further copies may be made of a store: the best one is intact and not outdated, and has a trailer.
bool can_be_copied(const LogicalVolume& store, std::span<const StoreCopy> copies);

/// Writes the best copy of a store as `current` has it to those copies that it has in `next` and not there,
/// byte for byte, one after the other, each flushed, read back and compared. Their extents are free in what
/// is committed. Throws Errc::damaged where no copy can be read.
void fill_new_copies(const VolumeGroup& current, const VolumeGroup& next, const PvDevices& devices,
                     const LogicalVolume& store);

/// Changes the handler's bytes in every copy, one after the other, and only where they differ: `order` lists
/// the parts of `handler_bytes`, each is flushed before the next, then the trailer (generation and iv_next as
/// the segment says) where there is room for one; all of it is read back. Wherever it stops each copy can be
/// loaded, if `order` is the handler's. Throws at the first copy that fails: those before it are changed.
void rewrite_copies(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store,
                    std::span<const std::byte> handler_bytes, const std::vector<Range<Bytes>>& order);

/// The numbers of the copies that can be reached and are not what the best one is: damaged, older, or never
/// written. None where the best one is damaged itself, is older than the segment says, or has no trailer;
/// never one that holds another store. `copies` as read_copies() gives them.
std::vector<unsigned> copies_to_heal(const LogicalVolume& store, std::span<const StoreCopy> copies);

/// Whether every copy that can be read is older than the segment says: secrets that were removed may open it.
bool is_outdated(const LogicalVolume& store, std::span<const StoreCopy> copies);

/// Writes the best copy over copies_to_heal(), one after the other, each flushed, read back and compared.
/// Returns their numbers. The group's lock is held exclusively. Throws at the first that fails; the best one
/// is never touched.
std::vector<unsigned> heal_copies(const VolumeGroup& vg, const PvDevices& devices,
                                  const LogicalVolume& store);

/// Lets the trailers of `store` say the segment's iv_next, which has grown. A copy whose trailer can't be
/// updated is logged as a warning: the text is what counts.
void update_trailers(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store);

/// Overwrites `length` bytes of a volume with random bytes, from its start, flushes, reads back and compares.
void wipe_start(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& lv, Bytes length);

/// Overwrites the LUKS header that an import left inside a volume, where there is one. The store has its own
/// copy, so the volume is as usable before as after.
void wipe_old_header(const VolumeGroup& vg, const PvDevices& devices, const std::string& lv);

/// wipe_start() over the whole of every copy of a store. Throws Errc::not_found that names the PV where a
/// copy is out of reach.
void erase_copies(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store);

/// The highest iv_next that a trailer of the store knows; nothing where there is none.
std::optional<Sectors> iv_next_of_trailers(const VolumeGroup& vg, const PvDevices& devices,
                                           const LogicalVolume& store);

}  // namespace cv::metadata
