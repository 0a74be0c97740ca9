#include "tests/support/crash_case.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "lib/base/bytes.h"
#include "lib/crypt/key_handler.h"
#include "metadata/volume_bytes.h"

namespace cv::test {

namespace {

constexpr Bytes kDiskSize{12 << 20};
constexpr const char* kSecret = "correct horse";

// Every changing command; the head of crash_case.h says how to add one. FILE is for a backup of the group.
const std::vector<CrashCase> kCases{
    {.name = "pvcreate", .setup = {}, .command = "pvcreate /dev/mem0", .disks = 1},
    {.name = "pvcreate_two_areas",
     .setup = {"pvcreate /dev/mem0"},
     .command = "pvcreate --pvmetadatacopies 2 --labelsector 3 -y -ff /dev/mem0",
     .steps = 2,  // the old label goes first
     .disks = 1},
    {.name = "pvremove", .setup = {"pvcreate /dev/mem0"}, .command = "pvremove /dev/mem0", .disks = 1},
    {.name = "vgcreate_on_pvs",
     .setup = {"pvcreate /dev/mem0 /dev/mem1 /dev/mem2"},
     .command = "vgcreate -s 64k vg0 /dev/mem0 /dev/mem1 /dev/mem2",
     .disks = 3},
    {.name = "vgcreate_on_bare_disks",
     .setup = {},
     .command = "vgcreate -s 64k vg0 /dev/mem0 /dev/mem1",
     .steps = 3},
    {.name = "vgcreate_beside_pvs_without_areas",
     .setup = {"pvcreate --pvmetadatacopies 0 /dev/mem0", "pvcreate /dev/mem1"},
     .command = "vgcreate -s 64k vg0 /dev/mem0 /dev/mem1"},
    {.name = "vgremove", .setup = {"VG"}, .command = "vgremove vg0"},
    {.name = "vgremove_with_volumes",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0", "cvcreate -an -l 1 -n b vg0"},
     .command = "vgremove -y vg0",
     .steps = 2,
     .overwrites = "cryptostore1"},
    {.name = "vgextend", .setup = {"ONE", "pvcreate /dev/mem1"}, .command = "vgextend vg0 /dev/mem1"},
    {.name = "vgextend_by_a_bare_disk", .setup = {"ONE"}, .command = "vgextend vg0 /dev/mem1", .steps = 2},
    {.name = "vgextend_with_a_copy",
     .setup = {"ONE", "cvcreate LUKS1 -l 2 -n a vg0", "pvcreate /dev/mem1"},
     .command = "vgextend vg0 /dev/mem1",
     .steps = 2},
    {.name = "vgextend_restoremissing",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0 /dev/mem1",
               "without /dev/mem1 vgreduce --removemissing vg0"},
     .command = "vgextend --restoremissing vg0 /dev/mem1"},
    {.name = "vgreduce",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0 /dev/mem0"},
     .command = "vgreduce vg0 /dev/mem1"},
    {.name = "vgreduce_moving_a_copy",
     .setup = {"VG", "cvcreate LUKS1 --copies 1 -l 2 -n a vg0 /dev/mem1"},
     .command = "vgreduce vg0 /dev/mem0",
     .steps = 3,
     .overwrites = "cryptostore1"},
    {.name = "vgreduce_removemissing_with_a_copy",
     .setup = {"VG", "cvcreate LUKS1 --copies 2 -l 2 -n a vg0 /dev/mem0", "blank /dev/mem1"},
     .command = "vgreduce --removemissing vg0",
     .disks = 3},
    {.name = "vgreduce_removemissing",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0 /dev/mem0", "blank /dev/mem1"},
     .command = "vgreduce --removemissing vg0"},
    {.name = "vgreduce_removemissing_force",
     .setup = {"VG", "cvcreate LUKS1 -l 2 -n a vg0 /dev/mem1", "cvcreate LUKS1 -l 2 -n b vg0 /dev/mem0",
               "blank /dev/mem1"},
     .command = "vgreduce --removemissing --force -y vg0",
     .steps = 2,
     .overwrites = "cryptostore1"},
    {.name = "vgrename", .setup = {"VG", "cvcreate -an -l 2 -n a vg0"}, .command = "vgrename vg0 vg1"},
    {.name = "vgexport", .setup = {"VG"}, .command = "vgexport vg0"},
    {.name = "vgimport", .setup = {"VG", "vgexport vg0"}, .command = "vgimport vg0"},
    {.name = "vgchange",
     .setup = {"VG"},
     .command = "vgchange --addtag t --logicalvolume 9 --alloc contiguous vg0"},
    {.name = "vgchange_extent_size",
     .setup = {"VG", "cvcreate LUKS1 -l 2 -n a vg0"},
     .command = "vgchange -s 32k vg0"},
    {.name = "vgchange_uuid",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0"},
     .command = "vgchange --uuid vg0",
     .steps = 2},
    {.name = "vgchange_to_fewer_areas",
     .setup = {"pvcreate --pvmetadatacopies 2 /dev/mem0 /dev/mem1", "VG"},
     .command = "vgchange --metadatacopies 1 vg0"},
    {.name = "vgchange_to_more_areas",
     .setup = {"pvcreate --pvmetadatacopies 2 /dev/mem0 /dev/mem1", "VG", "vgchange --metadatacopies 1 vg0"},
     .command = "vgchange --metadatacopies all vg0"},
    {.name = "pvchange", .setup = {"VG"}, .command = "pvchange -x n --addtag old /dev/mem1"},
    {.name = "pvchange_to_the_areas_of_another",
     .setup = {"VG", "vgchange --metadatacopies 1 vg0"},
     .command = "pvchange --metadataignore y -y /dev/mem0"},
    {.name = "pvresize",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0"},
     .command = "pvresize -y --setphysicalvolumesize 11m /dev/mem1"},
    {.name = "pvresize_with_an_area_at_the_end",
     .setup = {"pvcreate --pvmetadatacopies 2 /dev/mem0 /dev/mem1", "vgcreate -s 64k vg0 /dev/mem0 /dev/mem1",
               "cvcreate -an -l 2 -n a vg0"},
     .command = "pvresize -y --setphysicalvolumesize 9m /dev/mem1"},
    {.name = "pvresize_with_an_area_that_moves_on",
     .setup = {"pvcreate --pvmetadatacopies 2 /dev/mem0 /dev/mem1", "vgcreate -s 64k vg0 /dev/mem0 /dev/mem1",
               "cvcreate -an -l 2 -n a vg0", "pvresize -y --setphysicalvolumesize 8m /dev/mem1"},
     .command = "pvresize /dev/mem1"},
    {.name = "vgsplit",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0 /dev/mem0", "cvcreate -an -l 2 -n b vg0 /dev/mem1",
               "cvcreate -an -l 1 -n c vg0 /dev/mem2"},
     .command = "vgsplit vg0 vg1 /dev/mem1 /dev/mem2",
     .steps = 3,
     .disks = 3},
    {.name = "vgsplit_with_a_keystore",
     .setup = {"VG", "pvchange -x n /dev/mem0", "cvcreate LUKS1 -l 2 -n a vg0"},
     .command = "vgsplit -n a vg0 vg1",
     .steps = 3},
    {.name = "vgsplit_into_a_group",
     .setup = {"vgcreate -s 64k vg0 /dev/mem0 /dev/mem1", "cvcreate -an -l 2 -n a vg0 /dev/mem0",
               "cvcreate -an -l 2 -n b vg0 /dev/mem1", "vgcreate -s 64k vg1 /dev/mem2"},
     .command = "vgsplit vg0 vg1 /dev/mem1",
     .steps = 5,
     .disks = 3},
    {.name = "vgmerge",
     .setup = {"ONE", "cvcreate -an -l 2 -n a vg0", "vgcreate -s 64k vg1 /dev/mem1 /dev/mem2",
               "cvcreate LUKS1 -l 2 -n b vg1"},
     .command = "vgmerge vg0 vg1",
     .steps = 2,
     .disks = 3},
    {.name = "cvcreate", .setup = {"VG"}, .command = "cvcreate -an -L 1m -n a vg0"},
    {.name = "cvcreate_striped", .setup = {"VG"}, .command = "cvcreate -an -i 2 -l 6 -n a vg0"},
    {.name = "cvcreate_in_a_large_group",
     .setup = {"VG", "many 120"},
     .command = "cvcreate -an -l 1 -n a vg0"},
    {.name = "cvcreate_with_store", .setup = {"VG"}, .command = "cvcreate LUKS1 -L 256k -n a vg0"},
    {.name = "cvcreate_on_store",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0"},
     .command = "cvcreate -an --keystore cryptostore1 -L 256k -n b vg0"},
    {.name = "cvcreate_on_store_of_one_copy",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0"},
     .command = "cvcreate -an --keystore cryptostore1 -L 256k -n b vg0",
     .disks = 1},
    {.name = "cvextend", .setup = {"VG", "cvcreate -an -l 2 -n a vg0"}, .command = "cvextend -l +3 vg0/a"},
    {.name = "cvextend_crypt",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0", "cvcreate -an -l 1 -n b vg0"},
     .command = "cvextend -L +256k vg0/a"},
    {.name = "cvreduce",
     .setup = {"VG", "cvcreate -an -i 2 -l 6 -n a vg0"},
     .command = "cvreduce -y -l -4 vg0/a"},
    {.name = "cvreduce_crypt",
     .setup = {"VG", "cvcreate LUKS1 -L 512k -n a vg0"},
     .command = "cvresize -y -L 256k vg0/a"},
    {.name = "cvrename",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0", "cvcreate -an -l 2 -n b vg0"},
     .command = "cvrename vg0/a c"},
    {.name = "cvrename_crypt",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0"},
     .command = "cvrename vg0 a b"},
    {.name = "cvrename_keystore",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0"},
     .command = "cvrename vg0/cryptostore1 cryptostore9"},
    {.name = "cvchange_several",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0", "cvcreate -an -l 2 -n b vg0"},
     .command = "cvchange --addtag t -p r vg0"},
    {.name = "cvremove",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0", "cvcreate -an -l 2 -n b vg0"},
     .command = "cvremove -y vg0/a"},
    {.name = "cvremove_several",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0", "cvcreate -an -l 2 -n b vg0"},
     .command = "cvremove -y vg0/a vg0/b"},
    {.name = "cvremove_all_with_stores",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0", "cvcreate LUKS1 -L 256k -n b vg0",
               "cvcreate -an -l 2 -n c vg0"},
     .command = "cvremove -y vg0",
     .steps = 2,
     .overwrites = "cryptostore"},
    {.name = "cvcreate_several",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0"},
     .command = "cvcreate -an -l 2 -n b -n c -n d vg0"},
    {.name = "cvremove_keeping_the_store",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0"},
     .command = "cvremove -y --keep-store vg0/a"},
    {.name = "cvremove_with_store",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0"},
     .command = "cvremove -y vg0/a",
     .steps = 2,
     .overwrites = "cryptostore1"},
    {.name = "cvconvert_import_copied",
     .setup = {"VG", "cvcreate -an -L 5m -n a vg0", "luksformat a 4041"},
     .command = "cvconvert --import-luks -y vg0/a"},
    {.name = "cvconvert_import_in_place",
     .setup = {"VG", "cvcreate -an -L 5m -n a vg0", "luksformat a 4096"},
     .command = "cvconvert --import-luks -y vg0/a"},
    {.name = "cvconvert_wipe_old_header",
     .setup = {"VG", "cvcreate -an -L 5m -n a vg0", "luksformat a 4041", "cvconvert --import-luks -y vg0/a"},
     .command = "cvconvert --wipe-old-header -y vg0/a",
     .overwrites = "a_crdata"},
    {.name = "cvconvert_to_more_copies",
     .setup = {"VG", "cvcreate LUKS1 --copies 1 -l 2 -n a vg0"},
     .command = "cvconvert --copies 2 vg0/cryptostore1"},
    {.name = "cvconvert_to_fewer_copies",
     .setup = {"VG", "cvcreate LUKS1 -l 2 -n a vg0"},
     .command = "cvconvert --copies 1 vg0/cryptostore1",
     .steps = 2,
     .overwrites = "cryptostore1"},
    {.name = "cvconvert_to_copies_of_what_stands_in_place",
     .setup = {"VG", "cvcreate -an -L 5m -n a vg0", "luksformat a 4096", "cvconvert --import-luks -y vg0/a"},
     .command = "cvconvert --copies 2 vg0/cryptostore1",
     .steps = 2,
     .overwrites = "cryptostore1"},
    {.name = "vgcfgrestore",
     .setup = {"VG", "cvcreate -an -l 2 -n a vg0", "vgcfgbackup -f FILE vg0", "cvremove -y vg0/a",
               "cvcreate -an -l 3 -n b vg0"},
     .command = "vgcfgrestore -f FILE vg0"},
    {.name = "vgcfgrestore_with_store",
     .setup = {"VG", "cvcreate LUKS1 -L 256k -n a vg0", "vgcfgbackup -f FILE vg0", "cvextend -L +256k vg0/a"},
     .command = "vgcfgrestore -f FILE vg0"},
    {.name = "vgcfgrestore_of_a_removed_group",
     .setup = {"VG", "vgcfgbackup -f FILE vg0", "vgremove vg0"},
     .command = "vgcfgrestore -f FILE vg0"},
    {.name = "vgcfgrestore_over_a_stale_copy",
     .setup = {"VG", "vgcfgbackup -f FILE vg0", "unseen /dev/mem1 cvcreate -an -l 1 -n a vg0"},
     .command = "vgcfgrestore -f FILE vg0"},
    {.name = "cvcreate_beside_a_stale_copy",
     .setup = {"VG", "unseen /dev/mem1 cvcreate -an -l 1 -n a vg0"},
     .command = "cvcreate -an -l 1 -n b vg0"},
};

class Stage {
 public:
  explicit Stage(const CrashCase& one) : case_(one), key_file_(program_.key_file(kSecret)) {
    for (unsigned number = 0; number < one.disks; ++number)
      disks_.push_back(
          std::make_unique<MemoryDevice>(fmt::format("/dev/mem{}", number), kDiskSize, one.block));
    for (const std::string& line : one.setup) set_up(words_of(line));
  }

  CrashRecording record() {
    std::vector<MemoryDevice*> all;
    for (const Disk& disk : disks_) all.push_back(disk.get());
    CrashRecording recording;
    recording.before = copy_of(all);
    program_.run(disks_, words_of(case_.command), [&](MemoryDevice& disk) {
      const auto number = static_cast<std::size_t>(std::ranges::find(all, &disk) - all.begin());
      return std::make_unique<CrashDevice>(disk, number, recording.log);
    });
    recording.states = states_along(recording.before, recording.log);
    return recording;
  }

 private:
  std::vector<std::string> words_of(const std::string& line) const {
    static const std::map<std::string, std::string> kShort{
        {"LUKS1", "-an --crypt --keyfile KEY --handler luks1 --pbkdf pbkdf2 --pbkdf-force-iterations 1000"},
        {"VG", "vgcreate -s 64k vg0 DISKS"},
        {"ONE", "vgcreate -s 64k vg0 /dev/mem0"}};
    std::vector<std::string> words;
    std::istringstream stream(line);
    for (std::string word; stream >> word;) {
      if (const auto found = kShort.find(word); found != kShort.end()) {
        const auto more = words_of(found->second);
        words.insert(words.end(), more.begin(), more.end());
      } else if (word == "DISKS") {
        for (const Disk& disk : disks_) words.push_back(disk->path());
      } else {
        words.push_back(word == "KEY" ? key_file_ : word == "FILE" ? key_file_ + ".vg" : word);
      }
    }
    return words;
  }

  Disk& disk_at(const std::string& path) {
    const auto found = std::ranges::find(disks_, path, [](const Disk& disk) { return disk->path(); });
    if (found == disks_.end()) throw std::runtime_error("no disk " + path);
    return *found;
  }

  void set_up(std::vector<std::string> words) {
    if (words.front() == "luksformat") return luksformat(words.at(1), std::stoul(words.at(2)));
    if (words.front() == "many") return add_many(std::stoul(words.at(1)));
    if (words.front() == "blank") {
      std::ranges::fill(disk_at(words.at(1))->content(), std::byte{0});
    } else if (words.front() == "without") {
      const auto away = std::ranges::find(disks_, words.at(1), [](const Disk& disk) { return disk->path(); });
      const auto number = away - disks_.begin();
      Disk kept = std::move(disks_[static_cast<std::size_t>(number)]);
      disks_.erase(away);
      program_.run(disks_, {words.begin() + 2, words.end()});
      disks_.insert(disks_.begin() + number, std::move(kept));
    } else if (words.front() == "unseen") {
      Disk& disk = disk_at(words.at(1));
      const auto before = disk->content();
      program_.run(disks_, {words.begin() + 2, words.end()});
      disk->content() = before;
    } else {
      program_.run(disks_, std::move(words));
    }
  }

  void add_many(unsigned long count) {
    auto store = store_on(disks_);
    auto change = store.begin("vg0");
    auto next = change.current();
    for (unsigned long i = 0; i < count; ++i) next = with_volume(next, fmt::format("many{}", i), 5000 + i);
    change.prepare(std::move(next), "added many volumes");
    change.commit();
  }

  void luksformat(const std::string& lv, unsigned long payload_sector) {
    crypt::FormatRequest request;
    request.kdf = {.type = "pbkdf2", .iterations = 1000};
    request.region = Bytes(2068480);
    const crypt::HandlerList handlers;
    auto header = handlers.at("luks1").format(request, crypt::SecureBytes::copy_of(bytes_of(kSecret))).bytes;
    constexpr std::size_t kPayloadOffset = 104;  // of the LUKS1 header, big endian
    for (unsigned i = 0; i < 4; ++i)
      header.at(kPayloadOffset + i) = static_cast<std::byte>(payload_sector >> (24 - (8 * i)));
    auto store = store_on(disks_);
    const auto scan = store.scan();
    const auto& group = metadata::group_at(scan, "vg0");
    const auto volume = metadata::open_volume(group.vg, group.devices, lv);
    volume->write(Bytes(0), header);
  }

  const CrashCase& case_;
  InProcess program_;
  std::string key_file_;
  std::vector<Disk> disks_;
};

}  // namespace

const std::vector<CrashCase>& crash_cases() {
  static const std::vector<CrashCase> all = [] {
    const std::set<std::string> twice{
        "pvcreate_two_areas", "vgcreate_on_bare_disks", "vgextend_by_a_bare_disk", "vgsplit",
        "cvcreate",           "cvcreate_with_store",    "cvextend_crypt",          "cvremove_with_store"};
    auto cases = kCases;
    for (auto one : kCases) {
      if (!twice.contains(one.name)) continue;
      one.name += "_on_large_blocks";
      one.block = Bytes(4096);
      cases.push_back(std::move(one));
    }
    return cases;
  }();
  return all;
}

CrashRecording record(const CrashCase& one) {
  return Stage(one).record();
}

}  // namespace cv::test
