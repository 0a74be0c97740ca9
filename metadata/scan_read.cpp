#include "metadata/scan_read.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/base/heap.h"
#include "metadata/group_text.h"
#include "metadata/names.h"

namespace cv::metadata {
namespace {

/// A device whose start was read at once: labels, and area headers where most are, for one read.
class DeviceWithHead final : public device::BlockDevice {
 public:
  explicit DeviceWithHead(BlockDevice& device) : BlockDevice(device.path()), device_(device) {
    if (device.size() < Bytes(head_.size())) return;
    try {
      device.read(Bytes(0), head_);
      known_ = head_.size();
    } catch (const Error&) {
      // One of its sectors can't be read: each part for itself, then.
    }
  }

  Bytes size() const override { return device_.size(); }
  Bytes block_size() const override { return device_.block_size(); }
  void read(Bytes at, std::span<std::byte> into) override {
    if (at.n > known_ || into.size() > known_ - at.n) return device_.read(at, into);
    std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(at.n), into.size(), into.begin());
  }
  void write(Bytes, std::span<const std::byte>) override { CV_ASSERT(false); }
  void flush() override { CV_ASSERT(false); }

 private:
  BlockDevice& device_;
  std::array<std::byte, 4096 + disk::kAreaHeaderSize.n> head_{};
  std::size_t known_ = 0;
};

class DiskReader {
 public:
  DiskReader(ScanDepth depth, TextCache& cache) : depth_(depth), cache_(cache) {}

  DisksRead run(const std::vector<device::BlockDevice*>& devices) {
    for (auto* device : devices) read_pv(*device);
    for (std::size_t pv = 0; pv < read_.pvs.size(); ++pv)
      for (std::size_t area = 0; area < read_.pvs[pv].disk.areas.size(); ++area) read_area(pv, area);
    return std::move(read_);
  }

 private:
  void read_pv(device::BlockDevice& device) {
    try {
      DeviceWithHead start(device);
      auto found = disk::read_label(start);
      for (const auto& flaw : found.flaws)
        read_.findings.push_back(make_damage("PV-LABEL", fmt::format("{}: {}", device.path(), flaw)));
      for (const unsigned sector : found.further)
        read_.findings.push_back(
            make_damage("PV-LABEL-TWICE",
                        fmt::format("{}: there is one more label in sector {}", device.path(), sector)));
      if (!found.label) return;
      PvOnDisk pv{.device = &device, .label = std::move(*found.label), .areas = {}};
      for (const auto& place : pv.label.metadata_areas) {
        AreaOnDisk area{
            .place = place, .header = std::nullopt, .flaw = {}, .text = std::nullopt, .is_intact = false};
        try {
          area.header = disk::read_area_header(start, place);
        } catch (const Error& error) {
          area.flaw = error.what();
        }
        pv.areas.push_back(std::move(area));
      }
      read_.pvs.push_back({.disk = std::move(pv), .state = PvState::orphan, .group = {}});
    } catch (const Error& error) {
      read_.findings.push_back(make_damage("DEVICE-READ", error.what()));
    }
  }

  void read_area(std::size_t pv_index, std::size_t area_index) {
    auto& pv = read_.pvs[pv_index];
    auto& area = pv.disk.areas[area_index];
    if (!area.header || area.header->ignored() || area.header->committed.empty()) return;

    const auto key_of = [&] { return TextKey{area.header->committed.crc, area.header->committed.size}; };
    const bool is_known = knows(key_of()) && disk::is_inside(*area.header, area.header->committed);
    if (depth_ == ScanDepth::every_copy || !is_known) {
      try {
        read_into_cache(pv.disk, area);
      } catch (const Error&) {
        // Nobody holds a lock for us: the text may have been replaced between header and text. Once more.
        try {
          area.header = disk::read_area_header(*pv.disk.device, area.place);
          if (area.header->committed.empty()) return;
          read_into_cache(pv.disk, area);
        } catch (const Error& error) {
          area.flaw = error.what();
        }
      }
    }
    area.is_intact = area.flaw.empty();
    if (area.is_intact) area.flaw = cache_.at(key_of()).flaw;
    if (area.flaw.empty()) {
      read_.copies.push_back({.pv = pv_index, .area = area_index, .key = key_of()});
      const ReadText& read = cache_.at(key_of());
      area.text = TextOfGroup{.group = read.id, .seqno = read.seqno};
      return;
    }
    if (pv.group.empty()) pv.group = guess_name(pv.disk, area);
  }

  void read_into_cache(const PvOnDisk& pv, const AreaOnDisk& area) {
    const auto& committed = area.header->committed;
    // The text, and what is made of it.
    if (disk::is_inside(*area.header, committed))
      expect_allocations(static_cast<std::size_t>(committed.size.n) * 3);
    const auto text = disk::read_text(*pv.device, *area.header, committed);
    const TextKey key{committed.crc, committed.size};
    if (knows(key)) return;
    ReadText& entry = cache_[key];
    try {
      const auto& vg = entry.vg.emplace(read_group(text));
      entry.id = vg.id;
      entry.seqno = vg.seqno;
      entry.name = vg.name;
      entry.supersedes = vg.supersedes;
    } catch (const Error& error) {
      entry.flaw = error.what();
    }
  }

  /// Not those that a scan has taken out.
  bool knows(const TextKey& key) const {
    const auto found = cache_.find(key);
    return found != cache_.end() && (found->second.vg || !found->second.flaw.empty());
  }

  /// What the text begins with, where that could be a name: so that a person who asks for the group hears of
  /// its damage.
  static std::string guess_name(const PvOnDisk& pv, const AreaOnDisk& area) {
    try {
      disk::SectorBuffer sector{};
      const auto& header = *area.header;
      if (header.committed.offset > header.size - Bytes(sector.size())) return {};
      pv.device->read(header.start + header.committed.offset, sector);
      const std::string_view text(reinterpret_cast<const char*>(sector.data()), sector.size());
      const auto name = text.substr(0, text.find_first_of(" \t\n{#="));
      return is_legal_vg_name(name) ? std::string(name) : std::string();
    } catch (const Error&) {
      return {};
    }
  }

  ScanDepth depth_;
  TextCache& cache_;
  DisksRead read_;
};

}  // namespace

Damage damage_of(const PvOnDisk& pv, const AreaOnDisk& area) {
  const auto sentence = fmt::format("the copy of the metadata on {} at {} can't be used: {}",
                                    pv.device->path(), area.place.offset.n, area.flaw);
  if (!area.header) return make_damage("METADATA-HEADER", sentence);
  return area.is_intact ? make_damage("METADATA-UNKNOWN", sentence) : make_damage("METADATA-TEXT", sentence);
}

DisksRead read_disks(const std::vector<device::BlockDevice*>& devices, ScanDepth depth, TextCache& cache) {
  return DiskReader(depth, cache).run(devices);
}

}  // namespace cv::metadata
