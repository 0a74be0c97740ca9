// What every command that changes a group does before and after its own step.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "activate/device_tree.h"
#include "activate/plan.h"
#include "metadata/edit.h"
#include "metadata/transaction.h"
#include "tools/session.h"

namespace cv::tools {

/// Fresh ids, and where and when a volume is made.
metadata::NewId fresh_ids();
metadata::Origin origin_of(Session& session);

/// The group's lock and newest metadata, once splits, merges and erasures that a crash interrupted are
/// finished.
metadata::Transaction begin_change(Session& session, const std::string& vg,
                                   const metadata::BeginOptions& options = {});

/// Writes copies of keystores anew that an unlocker found damaged or old. The group's lock is held
/// exclusively. What fails is logged as a warning: the keystore opens without it.
void heal_stores(Session& session, const metadata::VolumeGroup& vg, const metadata::PvDevices& devices);

/// Overwrites the bytes of one such store and forgets its key. The group still has it afterwards.
void erase_store(Session& session, const metadata::Transaction& change, const std::string& store);
/// Overwrites the stores that the group marks as being erased, and commits the group without them, once.
void finish_erasing(Session& session, metadata::Transaction& change);

/// A rehearsal says nothing: it finds out what can be refused before anybody is asked and anything is locked.
enum class Purpose { rehearsal, change };

/// The group as edits want it: in native form (with one line that says so), iv_next no lower than the
/// trailers of its stores know. With --keep-format a group in the RFC's form stays in it: throws
/// Errc::refused where `needs_native`.
metadata::VolumeGroup base_of(Session& session, Purpose purpose, const metadata::VolumeGroup& current,
                              const metadata::PvDevices& devices, bool needs_native);

/// Where a copy of one of `stores` lies on a PV that is missing: throws Errc::refused that names both.
/// Erasing the store would not reach that copy. To be asked before require_changeable(), which knows nothing
/// of keys.
void require_copies_in_reach(const metadata::FoundGroup& group, const std::vector<std::string>& stores);

/// With its first crypt segment a group is closed to changes by stock LVM2. Asks where it holds volumes that
/// need those; throws Errc::refused where the answer is no.
void require_consent_to_crypt(Session& session, const metadata::VolumeGroup& vg);

/// Device numbers of the PVs, and the keys.
activate::TreeInputs tree_inputs(const metadata::PvDevices& devices, activate::StoreKeys keys);

/// What --test shows of a plan: each line behind two spaces, like every line of output.
std::string shown(const activate::Plan& plan);

/// Volumes of a type that only LVM2 manages, or that such volumes use, change only while none of these has a
/// device. `volume` is the one that a person named. Throws Errc::in_use.
void require_inactive_if_foreign(Session& session, const metadata::VolumeGroup& vg, const std::string& volume,
                                 const std::vector<std::string>& lvs);

/// The same for volumes that go, with all that goes along and all that they lie on.
void require_inactive_if_foreign(Session& session, const metadata::VolumeGroup& vg,
                                 const std::vector<std::string>& volumes);

/// "a, b, c" for what is written of a change, or a few and how many more.
std::string listed(const std::vector<std::string>& names);

/// A store whose key was asked for before the lock was taken must be the same store afterwards. Throws
/// Errc::refused.
void require_same_store(const metadata::VolumeGroup& before, const metadata::VolumeGroup& now,
                        const std::string& store);

/// Puts the iv_next of `next` into the trailers of each store where it has grown. Before the commit: too high
/// does no harm.
void note_used_ivs(const metadata::VolumeGroup& current, const metadata::VolumeGroup& next,
                   const metadata::PvDevices& devices);

/// "VG/STORE" of a store in any readable group that has this master key, or nothing.
std::optional<std::string> store_with_key(Session& session, const metadata::Scan& scan,
                                          const crypt::SecureBytes& key);

/// The same by the digest of the key that stands in `header`, a store of `handler`, which has key slots:
/// finds copies of one header, without any key.
std::optional<std::string> store_with_digest(Session& session, const metadata::Scan& scan,
                                             const std::string& handler, std::span<const std::byte> header);

}  // namespace cv::tools
