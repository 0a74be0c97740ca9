#include <algorithm>

#include "metadata/iv_space.h"
#include "tests/support/group_builder.h"
#include "tests/unit/metadata/damage_samples.h"

namespace cv::metadata {

using namespace cv::test;

namespace {

LogicalVolume& lv(VolumeGroup& vg, const std::string& name) {
  return *find_lv(vg, name);
}
Segment& segment(VolumeGroup& vg, const std::string& name) {
  return lv(vg, name).segments.front();
}
Crypt& crypt(VolumeGroup& vg, const std::string& name = "a") {
  return std::get<Crypt>(segment(vg, name).kind);
}
Keystore& store(VolumeGroup& vg) {
  return std::get<Keystore>(segment(vg, "cryptostore1").kind);
}
Striped& striped(VolumeGroup& vg, const std::string& name) {
  return std::get<Striped>(segment(vg, name).kind);
}
/// "a" in two segments of two extents each.
void split(VolumeGroup& vg) {
  Segment second = segment(vg, "a");
  segment(vg, "a").count = second.count = Extents(2);
  second.start = Extents(2);
  auto& part = std::get<Crypt>(second.kind);
  part.area = LogicalArea{"a_crdata", Extents(2)};
  part.iv_offset = *part.iv_offset + Sectors(2 * 8192);
  lv(vg, "a").segments.push_back(second);
}
void drop(VolumeGroup& vg, const std::string& name) {
  std::erase_if(vg.lvs, [&](const LogicalVolume& one) { return one.name == name; });
}

}  // namespace

VolumeGroup sound_group() {
  const NewId ids = counting_ids();
  VolumeGroup vg = group_with({31, 31});
  vg = create_plain(vg, volume_called("p", 2), ids);
  vg = create_plain(vg, volume_called("q", 2), ids);
  vg = create_store(vg, luks_store(), ids);
  vg = create_crypt(vg, crypt_volume("a", 4), ids);
  vg = create_crypt(vg, crypt_volume("b", 4), ids);
  order_volumes(vg);
  return vg;
}

VolumeGroup group_with_two_copies() {
  const NewId ids = counting_ids();
  auto wanted = luks_store();
  wanted.copies = 2;
  return create_crypt(create_store(group_with({31, 31}), wanted, ids), crypt_volume("a", 3), ids);
}

const std::map<std::string, Change>& damage_of_values() {
  static const std::map<std::string, Change> all{
      {"VG-NAME", [](VolumeGroup& vg) { vg.name = "-x"; }},
      {"VG-EXTENT-SIZE", [](VolumeGroup& vg) { vg.extent_size = Sectors(0); }},
      {"VG-MAX-PV", [](VolumeGroup& vg) { vg.max_pv = 1; }},
      {"VG-MAX-LV", [](VolumeGroup& vg) { vg.max_lv = 1; }},
      {"VG-TAG", [](VolumeGroup& vg) { lv(vg, "p").tags.push_back("a b"); }},
      {"VG-SEED-FORM", [](VolumeGroup& vg) { vg = rfc_group(); }},
      {"STORE-EMPTY", [](VolumeGroup& vg) { vg = rfc_group(); }},
      {"PV-DUPLICATE-ID", [](VolumeGroup& vg) { vg.pvs[1].id = vg.pvs[0].id; }},
      {"PV-SIZE", [](VolumeGroup& vg) { vg.pvs[0].pe_count = Extents(std::uint64_t{1} << 32); }},
      {"PV-EXTENTS", [](VolumeGroup& vg) { vg.pvs[0].dev_size = Sectors(4096); }},
      {"LV-NAME", [](VolumeGroup& vg) { lv(vg, "p").name = "l@1"; }},
      {"LV-RESERVED-NAME", [](VolumeGroup& vg) { lv(vg, "p").name = "cryptostore7"; }},
      {"LV-NAME-LIKE-PV", [](VolumeGroup& vg) { lv(vg, "p").name = "pv7"; }},
      {"LV-DUPLICATE-NAME", [](VolumeGroup& vg) { lv(vg, "q").name = "p"; }},
      {"LV-DUPLICATE-ID", [](VolumeGroup& vg) { lv(vg, "q").id = lv(vg, "p").id; }},
      {"LV-EMPTY", [](VolumeGroup& vg) { lv(vg, "p").segments.clear(); }},
      {"LV-EMPTY-SEGMENT", [](VolumeGroup& vg) { segment(vg, "p").count = Extents(0); }},
      {"LV-GAP", [](VolumeGroup& vg) { segment(vg, "p").start = Extents(1); }},
      {"LV-SIZE", [](VolumeGroup& vg) { segment(vg, "p").count = Extents(std::uint64_t{1} << 32); }},
      {"LV-STRIPES", [](VolumeGroup& vg) { striped(vg, "p").stripes.clear(); }},
      {"LV-AREA-UNKNOWN", [](VolumeGroup& vg) { drop(vg, "a_crdata"); }},
      {"LV-AREA-SELF",
       [](VolumeGroup& vg) {
         crypt(vg).area = LogicalArea{"a", Extents(0)};
       }},
      {"LV-AREA-RANGE",
       [](VolumeGroup& vg) {
         crypt(vg).area = LogicalArea{"a_crdata", Extents(1)};
       }},
      {"LV-PV-UNKNOWN",
       [](VolumeGroup& vg) {
         striped(vg, "p").stripes = {PhysicalArea{id_of<PvId>(9), {}}};
       }},
      {"LV-PE-RANGE",
       [](VolumeGroup& vg) {
         striped(vg, "p").stripes = {PhysicalArea{vg.pvs[0].id, Extents(30)}};
       }},
      {"LV-OVERLAP", [](VolumeGroup& vg) { striped(vg, "q") = striped(vg, "p"); }},
      {"LV-EXTENTS-UNCLEAR",
       [](VolumeGroup& vg) {
         Opaque opaque;
         opaque.type = "strange";
         config::Value value;
         value.is_list = true;
         value.items = {std::string("pv0")};
         opaque.body.push_back({"areas", config::Tree(value)});
         opaque.pv_names = {{"pv0", vg.pvs[0].id}};
         segment(vg, "p").kind = opaque;
       }},
      {"LV-ORDER", [](VolumeGroup& vg) { std::ranges::reverse(vg.lvs); }},
      {"CRYPT-NO-STORE", [](VolumeGroup& vg) { crypt(vg).store = "cryptostore9"; }},
      {"CRYPT-ALIGNMENT",
       [](VolumeGroup& vg) {
         store(vg).sector_bytes = 4096;
         crypt(vg).iv_offset = Sectors(4);
       }},
      {"CRYPT-IV-LIMIT", [](VolumeGroup& vg) { crypt(vg).iv_offset = kIvLimit; }},
      {"CRYPT-IV-HIGH",
       [](VolumeGroup& vg) {
         split(vg);
         crypt(vg).iv_high = Sectors(64);
       }},
      {"CRYPT-PAYLOAD-OFFSET", [](VolumeGroup& vg) { crypt(vg).payload_offset = Sectors(4 * 8192); }},
      {"CRYPT-OLD-HEADER",
       [](VolumeGroup& vg) {
         crypt(vg).payload_offset = Sectors(4096);
         crypt(vg).old_header = true;
       }},
      {"DATA-NO-OWNER", [](VolumeGroup& vg) { drop(vg, "a"); }},
      {"DATA-TWO-OWNERS", [](VolumeGroup& vg) { crypt(vg, "b").area = crypt(vg).area; }},
      {"DATA-TYPE", [](VolumeGroup& vg) { segment(vg, "a_crdata").kind = crypt(vg, "b"); }},
      {"DATA-COVER",
       [](VolumeGroup& vg) {
         split(vg);
         std::get<Crypt>(lv(vg, "a").segments[1].kind).area = LogicalArea{"a_crdata", Extents(1)};
       }},
      {"DATA-NAME",
       [](VolumeGroup& vg) {
         lv(vg, "a_crdata").name = "other";
         crypt(vg).area = LogicalArea{"other", Extents(0)};
       }},
      {"DATA-VISIBLE", [](VolumeGroup& vg) { set_flag(lv(vg, "a_crdata").flags, "VISIBLE"); }},
      {"DATA-UNLOCKED", [](VolumeGroup& vg) { clear_flag(lv(vg, "a_crdata").flags, "LOCKED"); }},
      {"IV-OVERLAP", [](VolumeGroup& vg) { crypt(vg, "b").iv_offset = Sectors(8192); }},
      {"IV-OVERLAP-SEED",
       [](VolumeGroup& vg) {
         crypt(vg).iv_offset.reset();
         crypt(vg, "b").iv_offset.reset();
       }},
      {"IV-NEXT", [](VolumeGroup& vg) { store(vg).iv_next = kIvWindow; }},
      {"STORE-SEGMENTS",
       [](VolumeGroup& vg) {
         auto second = segment(vg, "cryptostore1");
         second.start = second.count;
         lv(vg, "cryptostore1").segments.push_back(second);
       }},
      {"STORE-SECTOR-SIZE", [](VolumeGroup& vg) { store(vg).sector_bytes = 1024; }},
      {"STORE-IV-LIMIT", [](VolumeGroup& vg) { store(vg).iv_next = kIvLimit + Sectors(1); }},
      {"STORE-NO-BYTES", [](VolumeGroup& vg) { store(vg).copies.clear(); }},
      {"STORE-UNUSED", [](VolumeGroup& vg) { vg = remove_volume(remove_volume(vg, "a", true), "b", true); }},
      {"STORE-ERASING", [](VolumeGroup& vg) { store(vg).erasing = true; }},
      {"STORE-FEW-COPIES", [](VolumeGroup& vg) { store(vg).copies_wanted = 9; }},
      {"STORE-ONE-DISK",
       [](VolumeGroup& vg) {
         vg = group_with_two_copies();
         auto area = std::get<PhysicalArea>(striped(vg, "cryptostore1_crdata").stripes.front());
         area.first = Extents(20);
         striped(vg, "cryptostore1_crdata2").stripes = {area};
       }},
  };
  return all;
}

}  // namespace cv::metadata
