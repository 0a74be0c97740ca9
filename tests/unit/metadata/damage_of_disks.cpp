#include <array>

#include "lib/base/error.h"
#include "metadata/inspect.h"
#include "metadata/iv_space.h"
#include "metadata/store_bytes.h"
#include "metadata/volume_bytes.h"
#include "tests/support/broken_split.h"
#include "tests/support/group_builder.h"
#include "tests/unit/metadata/damage_samples.h"

namespace cv::metadata {

using namespace cv::test;

namespace {

constexpr disk::DiskArea kArea{Bytes(4096), Bytes(1044480)};

Keystore& keystore_in(VolumeGroup& vg) {
  return std::get<Keystore>(find_lv(vg, "cryptostore1")->segments.front().kind);
}

std::set<std::string> found_through(const Wrap& wrap, const std::vector<Disk>& disks) {
  auto store = store_on(disks, quiet_options(), wrap);
  const auto scan = store.scan(ScanDepth::every_copy);
  auto ids = ids_of(inspect_rest(scan));
  for (const auto& group : scan.groups) ids.merge(ids_of(inspect(scan, group)));
  return ids;
}
using Disks = std::vector<Disk>;

/// "vg0" with such PVs; `fill` may change the group before it is written.
Disks made(unsigned count, const PvLayout& layout, const Change& fill = {}) {
  Disks disks;
  for (unsigned i = 0; i < count; ++i)
    disks.push_back(std::make_unique<MemoryDevice>(fmt::format("/dev/mem{}", i), Bytes(4 << 20)));
  auto store = store_on(disks);
  for (unsigned i = 0; i < count; ++i)
    store.create_pv(disks[i]->path(), {.id = id_of<PvId>(100 + i), .layout = layout});
  create_group(store, disks);
  if (!fill) return disks;
  auto tx = store.begin("vg0");
  auto next = tx.current();
  fill(next);
  tx.prepare(next, "filled");
  tx.commit();
  return disks;
}
Disks made(unsigned count, const Change& fill = {}) {
  return made(count, PvLayout{}, fill);
}

/// Puts a text into an area, as valid as a commit makes it.
void put_text(MemoryDevice& disk, std::string_view text) {
  auto header = disk::read_area_header(disk, kArea);
  const auto place = disk::place_text(header, disk::measure(text));
  disk::write_text(disk, header, place, text);
  header.committed = place;
  disk::write_area_header(disk, header);
}
std::string text_on(MemoryDevice& disk) {
  const auto header = disk::read_area_header(disk, kArea);
  return disk::read_text(disk, header, header.committed);
}
std::string replaced(std::string text, std::string_view what, std::string_view by) {
  text.replace(text.find(what), what.size(), by);
  return text;
}
disk::Label label_of(MemoryDevice& disk) {
  return *disk::read_label(disk).label;
}

/// A store with two copies and a volume, with the bytes of the store in place.
struct Stored {
  Disks disks = made(2, [](VolumeGroup& vg) {
    const NewId ids = counting_ids();
    auto wanted = luks_store();
    wanted.region = Bytes(65536);
    wanted.copies = 2;
    vg = create_crypt(create_store(vg, wanted, ids), crypt_volume("a", 3), ids);
  });

  Stored() {
    change([](VolumeGroup& vg) { keystore_in(vg).generation = 3; });
    write([](VolumeGroup&) {});
  }

  /// Commits a change of the group.
  void change(const Change& work) const {
    auto store = store_on(disks);
    auto tx = store.begin("vg0");
    auto next = tx.current();
    work(next);
    tx.prepare(next, "changed");
    tx.commit();
  }
  /// Writes copies as if the group were another one.
  void write(const Change& pretend) const {
    auto store = store_on(disks);
    const auto scan = store.scan();
    auto vg = scan.groups.front().vg;
    pretend(vg);
    write_new_copies(vg, scan.groups.front().devices, *find_lv(std::as_const(vg), "cryptostore1"),
                     std::vector<std::byte>(4096, std::byte{7}));
  }
  void spoil(const std::string& data) const {
    auto store = store_on(disks);
    const auto scan = store.scan();
    const auto volume = open_volume(scan.groups.front().vg, scan.groups.front().devices, data);
    volume->write(Bytes(100), std::array<std::byte, 1>{});
  }
};

/// A disk that can't be read.
class DeadDevice final : public device::BlockDevice {
 public:
  using BlockDevice::BlockDevice;
  Bytes size() const override { return Bytes(4 << 20); }
  Bytes block_size() const override { return Bytes(512); }
  void read(Bytes, std::span<std::byte>) override { throw Error(Errc::io, "can't read {}", path()); }
  void write(Bytes, std::span<const std::byte>) override { throw Error(Errc::io, "can't write {}", path()); }
  void flush() override {}
};

Find in_fixture(const std::string& folder, Bytes size = Bytes(32 << 20)) {
  return [=] { return found_on(fixture_disks(folder, size)); };
}

}  // namespace

std::set<std::string> ids_of(const std::vector<Damage>& findings) {
  std::set<std::string> ids;
  for (const auto& finding : findings) ids.insert(finding.id);
  return ids;
}

std::set<std::string> found_on(const std::vector<Disk>& disks) {
  return found_through([](MemoryDevice& disk) { return std::make_unique<BorrowedDevice>(disk); }, disks);
}

std::vector<Disk> sound_disks(unsigned count) {
  return made(count);
}

std::vector<Disk> sound_disks_with_store() {
  return std::move(Stored().disks);
}

const std::map<std::string, Find>& damage_of_disks() {
  static const std::map<std::string, Find> all{
      {"VG-UNREADABLE", in_fixture("corrupt/11-text-crc-both")},
      {"VG-EXPORTED", in_fixture("exported")},
      {"VG-FOREIGN", in_fixture("system-id")},
      {"VG-LOCK-TYPE", [] { return found_on(made(1, [](VolumeGroup& vg) { vg.lock_type = "sanlock"; })); }},
      {"VG-CLUSTERED",
       [] { return found_on(made(1, [](VolumeGroup& vg) { set_flag(vg.flags, "CLUSTERED"); })); }},
      {"VG-READ-ONLY",
       [] { return found_on(made(1, [](VolumeGroup& vg) { clear_flag(vg.flags, "WRITE"); })); }},
      {"VG-SAME-NAME",
       [] {
         auto disks = made(1);
         auto other = made(2);
         disks.push_back(std::move(other[1]));
         put_text(*disks[1], replaced(text_on(*disks[1]), "0000-0000-0000-0000-0000-000001",
                                      "0000-0000-0000-0000-0000-000002"));
         return found_on(disks);
       }},
      {"DEVICE-READ",
       [] {
         return found_through([](MemoryDevice& disk) { return std::make_unique<DeadDevice>(disk.path()); },
                              made(1));
       }},
      {"PV-LABEL", in_fixture("corrupt/01-label-crc-one")},
      {"PV-LABEL-TWICE", in_fixture("corrupt/03-two-labels")},
      {"PV-LABEL-OLD", in_fixture("corrupt/18-ext-version1")},
      {"PV-LABEL-START",
       [] {
         const auto disks = made(1);
         auto label = label_of(*disks[0]);
         label.data_areas.front().offset = Bytes(2 << 20);
         disk::write_label(*disks[0], label);
         return found_on(disks);
       }},
      {"PV-NOT-MARKED", in_fixture("corrupt/17-ext-used-clear")},
      {"PV-USED", in_fixture("corrupt/20-orphan-used-set")},
      {"PV-MISSING", in_fixture("corrupt/51-missing-pv")},
      {"PV-DUPLICATE", in_fixture("corrupt/53-duplicate-pv")},
      {"PV-TWO-GROUPS",
       [] {
         const auto disks = made(2);
         auto text = text_on(*disks[1]);
         text = replaced(text, "vg0 {", "vg1 {");
         put_text(*disks[1],
                  replaced(text, "0000-0000-0000-0000-0000-000001", "0000-0000-0000-0000-0000-000002"));
         return found_on(disks);
       }},
      {"PV-OUTDATED",
       [] {
         auto disks = made(2);
         const auto left_behind = disks[1]->content();
         auto store = store_on(disks);
         {
           auto tx = store.begin("vg0", {.membership = true, .despite = {}});
           auto vg = tx.current();
           vg.pvs.pop_back();
           tx.prepare(vg, "took out a PV");
           tx.commit();
         }
         disks[1]->content() = left_behind;
         return found_on(disks);
       }},
      {"PV-OTHER-GROUP",
       [] {
         auto disks = made(2);
         auto other = made(1);
         auto text = replaced(text_on(*other[0]), "vg0 {", "vg1 {");
         text = replaced(text, "0000-0000-0000-0000-0000-000001", "0000-0000-0000-0000-0000-000002");
         put_text(*disks[1],
                  replaced(text, "0000-0000-0000-0000-0000-000100", "0000-0000-0000-0000-0000-000999"));
         return found_on(disks);
       }},
      {"PV-TRUNCATED",
       [] {
         auto disks = fixture_disks("corrupt/00-good");
         disks[1]->content().resize(20 << 20);
         return found_on(disks);
       }},
      {"PV-TRUNCATED-DATA",
       [] {
         auto disks =
             made(1, [](VolumeGroup& vg) { vg = create_plain(vg, volume_called("p", 40), counting_ids()); });
         disks[0]->content().resize(2 << 20);
         return found_on(disks);
       }},
      {"PV-ALIGNMENT",
       [] {
         const auto small = made(1, {.data_alignment_offset = Bytes(7 * 512)}, [](VolumeGroup& vg) {
           vg = create_plain(vg, volume_called("p", 1), counting_ids());
         });
         Disks disks;
         disks.push_back(std::make_unique<MemoryDevice>("/dev/mem0", Bytes(4 << 20), Bytes(4096)));
         disks[0]->content() = small[0]->content();
         return found_on(disks);
       }},
      {"PV-NO-AREA", in_fixture("two-mda", Bytes(64 << 20))},
      {"METADATA-IGNORED", in_fixture("two-mda", Bytes(64 << 20))},
      {"METADATA-ONE-COPY",
       [] {
         auto disks = disks_with_pvs(1);
         disks.push_back(std::make_unique<MemoryDevice>("/dev/mem1", Bytes(4 << 20)));
         auto store = store_on(disks);
         store.create_pv("/dev/mem1", {.id = id_of<PvId>(101), .layout = {.metadata_copies = 0}});
         create_group(store, disks);
         return found_on(disks);
       }},
      {"METADATA-HEADER", in_fixture("corrupt/06-mda-magic-one")},
      {"METADATA-TEXT", in_fixture("corrupt/10-text-crc-one")},
      {"METADATA-UNKNOWN",
       [] {
         const auto disks = made(2);
         put_text(*disks[1], replaced(text_on(*disks[1]), "\"RESIZEABLE\"", "\"NEWTHING\""));
         return found_on(disks);
       }},
      {"METADATA-STALE", in_fixture("corrupt/12-old-seqno-one")},
      {"METADATA-EMPTY",
       [] {
         const auto disks = made(2);
         auto header = disk::read_area_header(*disks[1], kArea);
         header.committed = {};
         disk::write_area_header(*disks[1], header);
         return found_on(disks);
       }},
      {"METADATA-CONFLICT",
       [] {
         const auto disks = made(2);
         put_text(*disks[1], replaced(text_on(*disks[1]), "description = \"", "description = \"X"));
         return found_on(disks);
       }},
      {"METADATA-ANNOUNCED", in_fixture("corrupt/14-precommitted-both")},
      {"METADATA-FULL",
       [] {
         return found_on(made(1, {.data_alignment = Bytes(65536), .metadata_size = Bytes(32768)},
                              [](VolumeGroup& vg) { vg.tags.push_back(std::string(26000, 't')); }));
       }},
      {"METADATA-IN-DATA",
       [] {
         const auto disks = made(1);
         auto label = label_of(*disks[0]);
         label.metadata_areas.push_back({Bytes(2 << 20), Bytes(65536)});
         disk::write_label(*disks[0], label);
         return found_on(disks);
       }},
      {"SPLIT-UNFINISHED",
       [] {
         std::set<std::string> both{"SPLIT-UNFINISHED"};
         for (const unsigned commits : {1U, 2U}) {
           const auto disks = made(2);
           auto store = store_on(disks);
           begin_split(store, commits);
           if (!found_on(disks).contains("SPLIT-UNFINISHED")) both.clear();
         }
         return both;
       }},
      {"STORE-COPY-MISSING",
       [] {
         const Stored stored;
         Disks one;
         one.push_back(std::make_unique<MemoryDevice>("/dev/mem0", stored.disks[0]->content()));
         return found_on(one);
       }},
      {"STORE-COPY-DAMAGED",
       [] {
         const Stored stored;
         stored.spoil("cryptostore1_crdata");
         return found_on(stored.disks);
       }},
      {"STORE-NO-COPY",
       [] {
         const Stored stored;
         stored.spoil("cryptostore1_crdata");
         stored.spoil("cryptostore1_crdata2");
         return found_on(stored.disks);
       }},
      {"STORE-COPY-STALE",
       [] {
         const Stored stored;
         stored.change([](VolumeGroup& vg) { keystore_in(vg).generation = 4; });
         return found_on(stored.disks);
       }},
      {"STORE-OLD-TEXT",
       [] {
         const Stored stored;
         stored.write([](VolumeGroup& vg) { keystore_in(vg).generation = 5; });
         return found_on(stored.disks);
       }},
      {"STORE-IV-NEXT",
       [] {
         const Stored stored;
         stored.write([](VolumeGroup& vg) { keystore_in(vg).iv_next = Sectors(5 * kIvWindow.n); });
         return found_on(stored.disks);
       }},
      {"STORE-COPY-FOREIGN",
       [] {
         const Stored stored;
         stored.write([](VolumeGroup& vg) { (*find_lv(vg, "cryptostore1")).id = id_of<LvId>(77); });
         return found_on(stored.disks);
       }},
  };
  return all;
}

}  // namespace cv::metadata
