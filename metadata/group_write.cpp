#include "metadata/group_write.h"

#include <algorithm>
#include <set>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/log.h"

namespace cv::metadata {
namespace {

disk::AreaHeader with_slots(disk::AreaHeader header, const disk::TextLocation& committed,
                            const disk::TextLocation& precommitted) {
  header.committed = committed;
  header.precommitted = precommitted;
  return header;
}

}  // namespace

void flush_all(const std::vector<WriteTarget>& targets) {
  std::set<device::BlockDevice*> flushed;
  for (const auto& target : targets)
    if (flushed.insert(target.device).second) target.device->flush();
}

void write_copy(device::BlockDevice& device, disk::AreaHeader header, const disk::TextLocation& measured,
                std::string_view text) {
  const auto place = disk::place_text(header, measured);
  disk::write_text(device, header, place, text);
  device.flush();
  header.committed = place;
  disk::write_area_header(device, header);
  device.flush();
  const auto back = disk::read_area_header(device, {.offset = header.start, .size = header.size});
  if (back != header || disk::read_text(device, back, back.committed) != text)
    throw Error(Errc::io, "{} does not give back what was written to it", device.path())
        .advise("the disk is failing; replace it");
}

GroupWrite::GroupWrite(std::vector<WriteTarget> targets, std::string text, std::vector<WriteTarget> given_up)
    : text_(std::move(text)), measured_(disk::measure(text_)), given_up_(std::move(given_up)) {
  for (auto& target : targets) {
    const auto place =
        during(target.device->path(), [&] { return disk::place_text(target.header, measured_); });
    areas_.push_back({.target = std::move(target), .place = place});
  }
}

GroupWrite::~GroupWrite() {
  if (announced_) revert();
}

unsigned GroupWrite::percent_full() const {
  std::uint64_t most = 0;
  for (const auto& area : areas_)
    most = std::max(most, measured_.size.n * 100 / disk::largest_text(area.target.header.size).n);
  return static_cast<unsigned>(most);
}

std::vector<WriteTarget> GroupWrite::targets() const {
  std::vector<WriteTarget> all;
  for (const auto& area : areas_) all.push_back(area.target);
  return all;
}

void GroupWrite::prepare() {
  CV_ASSERT(!announced_);
  for (const auto& area : areas_)
    disk::write_text(*area.target.device, area.target.header, area.place, text_);
  announced_ = true;
  for (const auto& area : areas_)
    disk::write_area_header(*area.target.device,
                            with_slots(area.target.header, area.target.header.committed, area.place));
  flush_all(targets());
  prove_text();
}

/// The group is what the areas of its members say; those of joining disks count where there is no other.
bool GroupWrite::decides(const Area& area) const {
  const bool has_members = std::ranges::any_of(areas_, [](const Area& each) { return !each.target.joins; });
  return !has_members || !area.target.joins;
}

/// A disk that forgets what it was given is found out before the old text is no longer the valid one. One
/// copy is enough to go on from.
void GroupWrite::prove_text() {
  for (auto& area : areas_) {
    area.is_proven = decides(area) && holds_text(area);
    if (area.is_proven) return;
    if (decides(area))
      log::warning("{} does not give back the metadata that was written to it", area.target.device->path());
  }
  throw Error(Errc::io, "no device of the group gives back the metadata that was written to it")
      .advise("look at the kernel log; the disk, or what lies between, loses writes: replace it");
}

bool GroupWrite::holds_text(const Area& area) const noexcept {
  try {
    return disk::read_text(*area.target.device, area.target.header, area.place) == text_;
  } catch (const std::exception&) {
    return false;
  }
}

bool GroupWrite::write_commit(const Area& area) const noexcept {
  try {
    disk::write_area_header(*area.target.device, with_slots(area.target.header, area.place, {}));
    return true;
  } catch (const Error& error) {
    log::warning("a copy of the metadata stays old: {}", error.what());
    return false;
  }
}

bool GroupWrite::shows_commit(const Area& area) const noexcept {
  try {
    const auto& header = area.target.header;
    const disk::DiskArea place{.offset = header.start, .size = header.size};
    return disk::read_area_header(*area.target.device, place).committed == area.place;
  } catch (const Error&) {
    return false;
  }
}

void GroupWrite::commit_on(bool joining) const noexcept {
  std::set<device::BlockDevice*> written;
  for (const auto& area : areas_)
    if (area.target.joins == joining && write_commit(area)) written.insert(area.target.device);

  for (auto* device : written) {
    try {
      device->flush();
    } catch (const Error& error) {
      log::warning("a copy of the metadata may be lost in a power cut: {}", error.what());
    }
  }
}

void GroupWrite::commit() {
  CV_ASSERT(announced_);
  const bool has_members =
      std::any_of(areas_.begin(), areas_.end(), [](const Area& area) { return !area.target.joins; });
  commit_on(!has_members);
  // A write that failed may have arrived, one that did not fail may be lost. What a reader would find
  // decides.
  const bool done = std::any_of(areas_.begin(), areas_.end(), [&](const Area& area) {
    return decides(area) && shows_commit(area) && (area.is_proven || holds_text(area));
  });
  if (!done) {
    throw Error(Errc::io, "the new metadata could not be made valid on any device")
        .advise(
            "look at the kernel log; the group is in its old state, or in its new one where a device kept "
            "what it "
            "reported as failed");
  }
  if (has_members) commit_on(true);
  announced_ = false;
  ignore_the_rest();
}

/// Behind the commit: before it these areas may be the only ones that hold the group. One that stays in use
/// has an old text then, which does no harm.
void GroupWrite::ignore_the_rest() noexcept {
  try {
    for (const auto& target : given_up_) {
      auto committed = target.header.committed;
      committed.flags |= disk::kAreaIgnored;
      disk::write_area_header(*target.device, with_slots(target.header, committed, {}));
    }
    flush_all(given_up_);
  } catch (const std::exception& error) {
    log::warning("a metadata area stays in use: {}", error.what());
  }
}

void GroupWrite::revert() noexcept {
  try {
    for (const auto& area : areas_) {
      try {
        disk::write_area_header(*area.target.device,
                                with_slots(area.target.header, area.target.header.committed, {}));
      } catch (const Error& error) {
        // Harmless: a reader passes over the announced text, the next commit overwrites it.
        log::warning("an announced text could not be taken back: {}", error.what());
      }
    }
    flush_all(targets());
  } catch (const std::exception& error) {
    log::warning("an announced text could not be taken back: {}", error.what());
  }
}

}  // namespace cv::metadata
