#include "metadata/transaction.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/base/blocked_signals.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/block_sizes.h"
#include "metadata/check.h"
#include "metadata/edit_group.h"
#include "metadata/hints.h"
#include "metadata/inspect.h"
#include "metadata/pv_layout.h"
#include "metadata/relabel.h"
#include "metadata/store.h"

namespace cv::metadata {
namespace {

constexpr unsigned kNearlyFullPercent = 80;

/// Back to what the label said. For undoing: logs instead of throwing.
void restore_label(device::BlockDevice& device, const disk::Label& label) noexcept {
  try {
    disk::write_label(device, label);
    device.flush();
  } catch (const Error& error) {
    log::warning("{} may go on saying that it is in use: {}", device.path(), error.what());
  }
}

bool is_joining(const VolumeGroup& current, const PhysicalVolume& pv) {
  return find_pv(current, pv.id) == nullptr;
}

}  // namespace

Transaction::Transaction(const StoreOptions& options, std::vector<device::LockFile> locks, Scan scan,
                         FoundGroup found, bool may_change_membership)
    : options_(&options),
      locks_(std::move(locks)),
      scan_(std::move(scan)),
      found_(std::move(found)),
      may_change_membership_(may_change_membership) {
  for (const auto& pv : scan_.pvs) {
    const auto member = found_.devices.find(pv.disk.label.id);
    // One that is flagged MISSING though its device is back is at hand for taking it back, or giving it up.
    const bool is_back = member != found_.devices.end() && member->second == nullptr &&
                         pv.state == PvState::member && pv.group == found_.vg.name;
    const bool is_member = member != found_.devices.end() && (is_back || member->second == pv.disk.device);
    if (is_member || pv.state == PvState::orphan) pvs_.emplace(pv.disk.label.id, pv.disk);
  }
}

PhysicalVolume Transaction::new_member(std::string_view path, Sectors extent_size) const {
  const auto* pv = find_pv(scan_, path);
  if (pv == nullptr)
    throw Error(Errc::not_found, "{} is no physical volume", path)
        .advise("make it one with 'cvm pvcreate {}'", path);
  switch (pv->state) {
    case PvState::orphan: break;
    case PvState::member: throw Error(Errc::in_use, "{} is in the volume group {} already", path, pv->group);
    case PvState::outdated:
    case PvState::used:
    case PvState::unreadable:
      throw Error(Errc::refused, "{} seems to belong to a volume group that can't be found", path)
          .advise("make it anew with 'cvm pvcreate --force' if nothing on it is needed");
    case PvState::duplicate:
      throw Error(Errc::refused, "{} has the id of another physical volume", path)
          .advise("hide one of both, or make it anew with 'cvm pvcreate --force'");
  }
  return member_of(pv->disk.label, pv->disk.device->path(), pv->disk.device->size(), extent_size);
}

PvOnDisk* Transaction::usable_pv(const PvId& id) {
  const auto found = pvs_.find(id);
  return found == pvs_.end() ? nullptr : &found->second;
}

void Transaction::require_unchanged(const PvOnDisk& pv, const AreaOnDisk& known,
                                    const disk::AreaHeader& header) const {
  if (known.header && known.header->committed == header.committed) return;
  throw Error(Errc::refused, "the metadata of {} on {} changed although its lock was held", found_.vg.name,
              pv.device->path())
      .advise("see that no other program and no other host writes to it, then try again");
}

Transaction::Targets Transaction::targets_for(const VolumeGroup& next) {
  std::vector<WriteTarget> all;
  std::vector<AreaUse> uses;
  for (const auto& member : next.pvs) {
    auto* pv = has_flag(member.flags, "MISSING") ? nullptr : usable_pv(member.id);
    if (pv == nullptr) continue;
    for (auto& area : pv->areas) {
      if (!area.header) continue;
      const auto header =
          during(pv->device->path(), [&] { return disk::read_area_header(*pv->device, area.place); });
      require_unchanged(*pv, area, header);
      if (reaches_into_data({.offset = header.start, .size = header.size}, member, next.extent_size))
        throw Error(Errc::damaged, "the metadata area on {} at {} lies inside the extents of the volumes",
                    pv->device->path(), area.place.offset.n)
            .advise("restore the label of the device with 'pvcreate --restorefile'");
      const auto wish = wishes_.find(member.id);
      uses.push_back({.pv = member.id, .used = !header.ignored(), .wish = std::nullopt});
      if (wish != wishes_.end()) uses.back().wish = wish->second;
      all.push_back({.device = pv->device, .header = header, .joins = is_joining(found_.vg, member)});
    }
  }
  choose_areas(uses, next.metadata_copies);
  Targets targets;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (uses[i].used) targets.written.push_back(all[i]);
    if (!uses[i].used && !all[i].header.ignored()) targets.given_up.push_back(all[i]);
  }
  if (targets.written.empty())
    throw Error(Errc::refused, "no physical volume of {} has a metadata area that can be used", next.name)
        .advise("add one that was made with --metadatacopies 1");
  return targets;
}

TextStamp Transaction::stamp(std::string_view reason) const {
  return {.description = std::string(reason),
          .creation_host = options_->host_name,
          .creation_time = options_->now()};
}

std::string Transaction::print_checked(const VolumeGroup& next, std::string_view reason) const {
  require_no_new_errors(found_.vg, next);
  auto text = print_group(next, stamp(reason));
  // Never write what could not be read back; a difference here is a mistake of this program.
  if (read_group(text) != next)
    throw Error(Errc::refused, "the new metadata of {} does not read back as what it should be", next.name)
        .advise("nothing was changed; please report this");
  return text;
}

/// A command that commits several times is one change to the person who made it.
void Transaction::archive_once() {
  if (is_archived_) return;
  try {
    archive_group(options_->archive, found_.vg, stamp({}));
  } catch (const Error& error) {
    throw Error(error.code(), "{} was not changed, because what it was could not be archived: {}",
                found_.vg.name, error.what())
        .advise("mend that, or use --autobackup n to go on without");
  }
  is_archived_ = true;
}

std::pair<std::size_t, std::size_t> Transaction::count_areas() const {
  std::pair<std::size_t, std::size_t> count;
  for (const auto& member : found_.vg.pvs) {
    const auto pv = pvs_.find(member.id);
    if (pv == pvs_.end()) continue;
    for (const auto& area : pv->second.areas) {
      if (!area.header) continue;
      ++count.second;
      if (!area.header->ignored()) ++count.first;
    }
  }
  return count;
}

bool Transaction::has_stale_areas() const {
  for (const auto& member : found_.vg.pvs) {
    const auto pv = pvs_.find(member.id);
    if (pv == pvs_.end() || has_flag(member.flags, "MISSING")) continue;
    for (const auto& area : pv->second.areas) {
      if (!area.header || area.header->ignored()) continue;
      const auto& text = area.header->committed;
      if (text.size != found_.text.size || text.crc != found_.text.crc) return true;
    }
  }
  return false;
}

std::string Transaction::committed_text() const {
  for (const auto& [id, pv] : pvs_) {
    for (const auto& area : pv.areas) {
      if (!area.header || area.header->ignored()) continue;
      const auto& text = area.header->committed;
      if (text.size != found_.text.size || text.crc != found_.text.crc) continue;
      try {
        return disk::read_text(*pv.device, *area.header, text);
      } catch (const Error&) {
        continue;  // the next copy
      }
    }
  }
  throw Error(Errc::io, "the metadata of {} can't be read any more", found_.vg.name)
      .advise("look at the kernel log");
}

void Transaction::relabel(const PvId& id, const disk::Label& wanted) {
  auto* pv = usable_pv(id);
  CV_ASSERT(pv != nullptr && !pending_);
  const BlockedSignals signals;
  metadata::relabel(*pv, wanted, [&](const disk::DiskArea& area) {
    write_copy(*pv->device, disk::read_area_header(*pv->device, area), found_.text, committed_text());
  });
}

void Transaction::hand_over(const std::vector<PvId>& pvs, Transaction& to) {
  CV_ASSERT(!pending_ && !to.pending_ && may_change_membership_ && to.may_change_membership_);
  for (const auto& id : pvs) {
    auto pv = pvs_.extract(id);
    if (!pv.empty()) to.pvs_.insert(std::move(pv));
  }
}

void Transaction::prepare(VolumeGroup next, std::string_view reason) {
  CV_ASSERT(!pending_);
  const BlockedSignals signals;
  const auto& before = found_.vg;
  if (before.seqno == std::numeric_limits<std::uint32_t>::max())
    throw Error(Errc::damaged, "{} has the highest seqno there is", before.name)
        .advise("restore it from a backup with a lower one");
  next.seqno = before.seqno + 1;
  for (auto& member : next.pvs)
    if (const auto* pv = usable_pv(member.id)) member.device = pv->device->path();

  auto pending = std::make_unique<Pending>();
  for (const auto& member : before.pvs)
    if (find_pv(next, member.id) == nullptr) pending->leaving.push_back(member.id);
  const bool joins = std::any_of(next.pvs.begin(), next.pvs.end(),
                                 [&](const PhysicalVolume& member) { return is_joining(before, member); });
  CV_ASSERT(may_change_membership_ || (!joins && pending->leaving.empty() && next.name == before.name));

  if (joins) require_fitting_members(next);

  auto text = print_checked(next, reason);
  auto targets = targets_for(next);
  pending->write =
      std::make_unique<GroupWrite>(std::move(targets.written), std::move(text), std::move(targets.given_up));
  if (pending->write->percent_full() >= kNearlyFullPercent)
    log::warning("the metadata of {} takes {} % of the room that there is for it", next.name,
                 pending->write->percent_full());
  archive_once();
  pending->next = std::move(next);
  mark_members(*pending);
  pending->write->prepare();
  pending_ = std::move(pending);
}

/// A group that is split off is what it was before, only smaller.
void Transaction::require_fitting_members(const VolumeGroup& next) {
  std::vector<BlocksOfDevice> members;
  std::vector<BlocksOfDevice> joining;
  for (const auto& member : next.pvs) {
    const auto* pv = usable_pv(member.id);
    if (pv == nullptr) continue;
    auto& list = is_joining(found_.vg, member) ? joining : members;
    list.push_back({pv->device->path(), pv->device->block_size()});
  }
  const bool mixed = options_->allow_mixed_block_sizes || next.split_from.has_value();
  require_fitting_blocks(members, joining, next.extent_size, mixed);
}

const VolumeGroup& Transaction::prepared() const {
  CV_ASSERT(pending_);
  return pending_->next;
}

/// Labels say USED before any text names their PV.
void Transaction::mark_members(Pending& pending) {
  for (const auto& member : pending.next.pvs) {
    if (has_flag(member.flags, "MISSING")) continue;
    auto* pv = usable_pv(member.id);
    if (pv == nullptr) {
      // A member that is away now; whoever joins is there.
      CV_ASSERT(!is_joining(found_.vg, member));
      continue;
    }
    const auto marked = disk::with_used(pv->label, true);
    if (marked == pv->label) continue;
    if (is_joining(found_.vg, member)) {
      auto* device = pv->device;
      pending.unmark.emplace_back(
          [device, former = pv->label]() noexcept { restore_label(*device, former); });
    }
    disk::write_label(*pv->device, marked);
    pv->device->flush();
  }
}

void Transaction::commit() {
  CV_ASSERT(pending_);
  const BlockedSignals signals;
  Undo take_back([this]() noexcept { pending_.reset(); });
  pending_->write->commit();
  take_back.keep();
  for (auto& undo : pending_->unmark) undo.keep();
  const auto leaving = std::move(pending_->leaving);
  const bool is_membership_change = !leaving.empty() || found_.vg.name != pending_->next.name ||
                                    found_.vg.pvs.size() != pending_->next.pvs.size();
  const std::string former_name = std::move(found_.vg.name);
  found_.vg = std::move(pending_->next);
  found_.text = pending_->write->measured();
  pending_.reset();

  release(leaving);
  found_.devices.clear();
  for (const auto& member : found_.vg.pvs) {
    auto* pv = has_flag(member.flags, "MISSING") ? nullptr : usable_pv(member.id);
    found_.devices[member.id] = pv == nullptr ? nullptr : pv->device;
    if (pv != nullptr) pv->label = disk::with_used(pv->label, true);
  }
  remember_headers();
  if (is_membership_change) drop_hints(options_->lvm_run_dir);
  backup_group(options_->archive, found_.vg, former_name, stamp({}));
}

/// What the next prepare() will compare with.
void Transaction::remember_headers() {
  for (auto& [id, pv] : pvs_) {
    for (auto& area : pv.areas) {
      if (!area.header) continue;
      try {
        area.header = disk::read_area_header(*pv.device, area.place);
      } catch (const Error& error) {
        area.header.reset();
        area.flaw = error.what();
      }
    }
  }
}

void Transaction::clear_slots(PvOnDisk& pv) {
  for (auto& area : pv.areas) {
    if (!area.header) continue;
    const std::uint32_t flags = area.header->committed.flags & disk::kAreaIgnored;
    area.header->committed = {.offset = Bytes(0), .size = Bytes(0), .crc = 0, .flags = flags};
    area.header->precommitted = {};
    disk::write_area_header(*pv.device, *area.header);
  }
  pv.device->flush();
  for (const auto& area : pv.areas)
    if (area.header && disk::read_area_header(*pv.device, area.place).committed.size.n != 0)
      throw Error(Errc::io, "{} does not give back what was written to it, and still names the group",
                  pv.device->path())
          .advise("look at the kernel log; the disk, or what lies between, loses writes");
}

void Transaction::clear_used(PvOnDisk& pv) {
  pv.label = disk::with_used(pv.label, false);
  disk::write_label(*pv.device, pv.label);
  pv.device->flush();
}

/// The group has gone on without them; what fails here leaves an outdated PV behind and no damage.
void Transaction::release(const std::vector<PvId>& leaving) {
  for (const auto& id : leaving) {
    auto* pv = usable_pv(id);
    if (pv == nullptr) continue;
    try {
      clear_slots(*pv);
      clear_used(*pv);
    } catch (const Error& error) {
      log::warning("{} is no longer in {}, yet it says so still: {}", pv->device->path(), found_.vg.name,
                   error.what());
    }
  }
}

void Transaction::remove_group() {
  CV_ASSERT(!pending_ && may_change_membership_ && found_.vg.seqno != 0);
  if (!holds_no_volumes(found_.vg))
    throw Error(Errc::in_use, "{} still has {} logical volumes", found_.vg.name, found_.vg.lvs.size())
        .advise("remove them first");
  const BlockedSignals signals;
  archive_once();
  std::vector<PvOnDisk*> members;
  for (const auto& member : found_.vg.pvs)
    if (auto* pv = usable_pv(member.id)) members.push_back(pv);
  // The group is there as long as one area names it; only then may a label say that its PV is free.
  for (auto* pv : members) clear_slots(*pv);
  for (auto* pv : members) clear_used(*pv);
  drop_hints(options_->lvm_run_dir);
  VolumeGroup none;
  none.name = found_.vg.name;
  found_ = FoundGroup{};
  found_.vg = std::move(none);
}

}  // namespace cv::metadata
