// Volume groups for the tests of tables, plans and activation: vg0 on three disks, extents of 4 MiB.
#pragma once

#include <string>
#include <vector>

#include "activate/device_name.h"
#include "activate/device_tree.h"
#include "activate/key_cache.h"
#include "metadata/volume_group.h"
#include "tests/support/group_builder.h"

namespace cv::test {

inline constexpr Sectors kExtent{8192};
inline constexpr Sectors kPeStart{2048};
inline constexpr Sectors kWindow{std::uint64_t{1} << 40};

inline PvId pv_id(unsigned number) {
  return id_of<PvId>(number);
}

/// "vg0" with pv 0, 1 and 2, 100 extents each, and no volumes.
inline metadata::VolumeGroup empty_group() {
  metadata::VolumeGroup vg;
  vg.name = "vg0";
  vg.id = id_of<VgId>(1);
  vg.extent_size = kExtent;
  for (unsigned number = 0; number < 3; ++number) {
    metadata::PhysicalVolume pv;
    pv.id = pv_id(number);
    pv.device = "/dev/disk" + std::to_string(number);
    pv.pe_start = kPeStart;
    pv.pe_count = Extents(100);
    vg.pvs.push_back(pv);
  }
  return vg;
}

inline metadata::PhysicalArea on_pv(unsigned pv, std::uint64_t first) {
  return {pv_id(pv), Extents(first)};
}

inline metadata::Segment linear(std::uint64_t start, std::uint64_t count, metadata::Area area) {
  metadata::Segment segment;
  segment.start = Extents(start);
  segment.count = Extents(count);
  segment.kind = metadata::Striped{Sectors(), {std::move(area)}};
  return segment;
}

inline metadata::Segment striped(std::uint64_t start, std::uint64_t count,
                                 std::vector<metadata::Area> areas) {
  metadata::Segment segment;
  segment.start = Extents(start);
  segment.count = Extents(count);
  segment.kind = metadata::Striped{Sectors(128), std::move(areas)};
  return segment;
}

inline metadata::Segment encrypted(std::uint64_t start, std::uint64_t count, metadata::Area area,
                                   std::optional<Sectors> iv_offset,
                                   const std::string& store = "cryptostore1") {
  metadata::Segment segment;
  segment.start = Extents(start);
  segment.count = Extents(count);
  metadata::Crypt crypt;
  crypt.store = store;
  crypt.area = std::move(area);
  crypt.iv_offset = iv_offset;
  segment.kind = crypt;
  return segment;
}

/// Its id is made from its place in the group.
inline metadata::LogicalVolume& add_volume(metadata::VolumeGroup& vg, const std::string& name, bool visible,
                                           std::vector<metadata::Segment> segments) {
  metadata::LogicalVolume lv;
  lv.name = name;
  lv.id = id_of<LvId>(100 + vg.lvs.size());
  metadata::set_flag(lv.flags, "READ");
  metadata::set_flag(lv.flags, "WRITE");
  if (visible) metadata::set_flag(lv.flags, "VISIBLE");
  lv.segments = std::move(segments);
  vg.lvs.push_back(std::move(lv));
  return vg.lvs.back();
}

/// A store of a handler that keeps no bytes.
inline metadata::LogicalVolume& add_plain_store(metadata::VolumeGroup& vg,
                                                const std::string& name = "cryptostore1") {
  metadata::Segment segment;
  segment.count = Extents(1);
  metadata::Keystore store;
  store.handler = "plain";
  store.cipher = "aes-xts-plain64";
  store.key_bits = 512;
  segment.kind = store;
  return add_volume(vg, name, false, {segment});
}

/// "tst", encrypted, of four extents on pv 2, IVs from 2^40, with its store "cryptostore1".
inline metadata::VolumeGroup group_with_tst() {
  auto vg = empty_group();
  add_volume(vg, "tst", true, {encrypted(0, 4, metadata::LogicalArea{"tst_crdata", Extents(0)}, kWindow)});
  add_plain_store(vg);
  add_volume(vg, "tst_crdata", false, {linear(0, 4, on_pv(2, 12))});
  return vg;
}

/// All disks are there, as 7:0, 7:1 and 7:2; the stores' keys are named in the keyring.
inline activate::TreeInputs inputs_for(const metadata::VolumeGroup& vg) {
  activate::TreeInputs inputs;
  for (unsigned number = 0; number < vg.pvs.size(); ++number)
    inputs.pvs[vg.pvs[number].id] = activate::DeviceNumber{7, number};
  for (const auto& lv : vg.lvs) {
    if (metadata::keystore_of(lv) == nullptr) continue;
    const activate::KeyringKey key{64, activate::key_description({vg.id, lv.id})};
    inputs.keys[lv.name] = {key, "aes-xts-plain64", 512};
  }
  return inputs;
}

inline std::string uuid_of(const metadata::VolumeGroup& vg, const std::string& lv) {
  return activate::dm_uuid(vg.id, metadata::lv_at(vg, lv).id);
}

}  // namespace cv::test
