#include "tests/support/group_builder.h"

#include <memory>

#include <fmt/format.h>

namespace cv::test {

using namespace metadata;

IdCharacters numbered_id(std::uint64_t number) {
  IdCharacters characters{};
  const std::string text = fmt::format("{:032}", number);
  std::copy(text.begin(), text.end(), characters.begin());
  return characters;
}

NewId counting_ids(std::uint64_t first) {
  return [next = std::make_shared<std::uint64_t>(first)] { return id_of<LvId>((*next)++); };
}

VolumeGroup group_with(std::initializer_list<std::uint64_t> pv_extents) {
  VolumeGroup vg;
  vg.name = "vg0";
  vg.id = id_of<VgId>(1);
  vg.seqno = 1;
  for (const auto* flag : {"RESIZEABLE", "READ", "WRITE"}) set_flag(vg.flags, flag);
  vg.extent_size = Sectors(8192);
  for (const std::uint64_t extents : pv_extents) {
    PhysicalVolume pv;
    pv.id = id_of<PvId>(100 + vg.pvs.size());
    pv.device = fmt::format("/dev/pv{}", vg.pvs.size());
    set_flag(pv.flags, "ALLOCATABLE");
    pv.pe_start = Sectors(2048);
    pv.pe_count = Extents(extents);
    pv.dev_size = pv.pe_start + to_sectors(pv.pe_count, vg.extent_size);
    vg.pvs.push_back(std::move(pv));
  }
  return vg;
}

NewVolume volume_called(const std::string& name, std::uint64_t extents) {
  NewVolume volume;
  volume.name = name;
  volume.size = Extents(extents);
  volume.origin = {1795165769, "host"};
  return volume;
}

NewKeystore luks_store(const std::string& name) {
  NewKeystore store;
  store.name = name;
  store.handler = "luks1";
  store.cipher = "aes-xts-plain64";
  store.key_bits = 512;
  store.region = Bytes(4 << 20);
  store.copies = 1;
  return store;
}

NewKeystore plain_store(const std::string& name, std::uint64_t first_iv) {
  NewKeystore store;
  store.name = name;
  store.handler = "plain";
  store.cipher = "aes-xts-plain64";
  store.key_bits = 512;
  store.first_iv = Sectors(first_iv);
  return store;
}

NewCryptVolume crypt_volume(const std::string& name, std::uint64_t extents, const std::string& store) {
  NewCryptVolume wanted;
  wanted.volume = volume_called(name, extents);
  wanted.store = store;
  return wanted;
}

namespace {

LogicalVolume rfc_volume(const std::string& name, std::uint64_t id, bool visible) {
  LogicalVolume lv;
  lv.name = name;
  lv.id = id_of<LvId>(id);
  set_flag(lv.flags, "READ");
  if (visible) {
    set_flag(lv.flags, "WRITE");
    set_flag(lv.flags, "VISIBLE");
  }
  return lv;
}

Segment segment_of(std::uint64_t extents, SegmentKind kind) {
  Segment segment;
  segment.count = Extents(extents);
  segment.kind = std::move(kind);
  return segment;
}

}  // namespace

VolumeGroup rfc_group() {
  VolumeGroup vg = group_with({31, 31, 31});
  Crypt tst;
  tst.store = "cryptostore1";
  tst.area = PhysicalArea{vg.pvs[2].id, Extents(12)};
  Crypt luks1;
  luks1.store = "cryptostore2";
  luks1.area = PhysicalArea{vg.pvs[0].id, Extents(4)};
  Keystore plain;
  plain.handler = "plain";
  plain.cipher = "aes-xts-plain";
  plain.key_bits = 256;
  Keystore luks;
  luks.handler = "luks1";
  luks.copies = {PhysicalArea{vg.pvs[0].id, Extents(3)}};

  vg.lvs.push_back(rfc_volume("tst", 10, true));
  vg.lvs.back().segments.push_back(segment_of(4, tst));
  vg.lvs.push_back(rfc_volume("luks1", 11, true));
  vg.lvs.back().segments.push_back(segment_of(3, luks1));
  vg.lvs.push_back(rfc_volume("cryptostore1", 12, false));
  vg.lvs.back().segments.push_back(segment_of(0, plain));
  vg.lvs.push_back(rfc_volume("cryptostore2", 13, false));
  vg.lvs.back().segments.push_back(segment_of(1, luks));
  return vg;
}

}  // namespace cv::test
