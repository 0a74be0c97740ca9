// The fields of logical volumes; LVM2's names, headings and values where LVM2 has the field.
#include <array>
#include <ctime>

#include "lib/base/match.h"
#include "tools/report/field.h"
#include "tools/report/volume_words.h"

namespace cv::tools::report {

namespace {

using metadata::Allocation;
using metadata::has_flag;
using metadata::LogicalVolume;

template <auto value>
Cell of_volume(const Row& row) {
  if (row.lv == nullptr) return Cell();
  return Cell(value(*row.lv, *row.group));
}

std::string name(const LogicalVolume& lv, const GroupFacts&) {
  return metadata::is_visible(lv) ? lv.name : fmt::format("[{}]", lv.name);
}
std::string full_name(const LogicalVolume& lv, const GroupFacts& group) {
  return fmt::format("{}/{}", group.vg().name, name(lv, group));
}
std::string path(const LogicalVolume& lv, const GroupFacts& group) {
  return metadata::is_visible(lv) ? fmt::format("/dev/{}/{}", group.vg().name, lv.name) : "";
}
std::string uuid(const LogicalVolume& lv, const GroupFacts&) {
  return lv.id.text();
}

Bytes size_of_payload(const LogicalVolume& lv, const GroupFacts& group) {
  return to_bytes(metadata::payload_size(group.vg(), lv));
}

std::string policy(const LogicalVolume& lv, const GroupFacts&) {
  switch (lv.allocation) {
    case Allocation::normal: return "normal";
    case Allocation::contiguous: return "contiguous";
    case Allocation::cling: return "cling";
    case Allocation::cling_by_tags: return "cling_by_tags";
    case Allocation::anywhere: return "anywhere";
    case Allocation::inherit: return "inherit";
  }
  return {};
}

std::string active(const LogicalVolume& lv, const GroupFacts& group) {
  switch (seen_of(lv, group).live) {
    case Live::unknown: return "unknown";
    case Live::inactive: return "";
    case Live::active:
    case Live::suspended: return "active";
  }
  return {};
}

std::string suspended(const LogicalVolume& lv, const GroupFacts& group) {
  return seen_of(lv, group).live == Live::suspended ? "suspended" : "";
}
std::string opened(const LogicalVolume& lv, const GroupFacts& group) {
  return seen_of(lv, group).open ? "open" : "";
}

std::string role(const LogicalVolume& lv, const GroupFacts&) {
  return metadata::is_visible(lv) ? "public" : "private";
}

std::vector<std::string> tags(const LogicalVolume& lv, const GroupFacts&) {
  return sorted(lv.tags);
}

Cell time(const Row& row) {
  if (row.lv == nullptr || !row.lv->creation_time) return Cell();
  const auto seconds = static_cast<std::time_t>(*row.lv->creation_time);
  std::tm broken_down{};
  if (localtime_r(&seconds, &broken_down) == nullptr) return Cell();
  char buffer[64];
  return std::string(buffer, std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S %z", &broken_down));
}

std::string host(const LogicalVolume& lv, const GroupFacts&) {
  return lv.creation_host;
}
std::uint64_t segment_count(const LogicalVolume& lv, const GroupFacts&) {
  return lv.segments.size();
}
std::string skip_activation(const LogicalVolume& lv, const GroupFacts&) {
  return has_flag(lv.flags, "ACTIVATION_SKIP") ? "skip activation" : "";
}
std::string autoactivation(const LogicalVolume& lv, const GroupFacts&) {
  return has_flag(lv.flags, "NOAUTOACTIVATE") ? "" : "enabled";
}

// What only encrypted volumes and their stores have.

Cell keystores(const Row& row) {
  if (row.lv == nullptr) return Cell();
  const auto stores = stores_of(*row.lv);
  return stores.empty() ? Cell() : Cell(stores);
}

template <auto value>
Cell of_store(const Row& row) {
  if (row.lv == nullptr) return Cell();
  const auto* store = store_of(*row.lv, *row.group);
  return store == nullptr ? Cell() : value(*store);
}

Cell handler(const metadata::Keystore& store) {
  return store.handler;
}
Cell cipher(const metadata::Keystore& store) {
  return store.cipher.empty() ? Cell() : Cell(store.cipher);
}
Cell key_size(const metadata::Keystore& store) {
  return store.key_bits == 0 ? Cell() : Cell(std::uint64_t{store.key_bits});
}
Cell sector_size(const metadata::Keystore& store) {
  return std::uint64_t{store.sector_bytes.value_or(512)};
}

Cell key_loaded(const Row& row) {
  if (row.lv == nullptr || store_of(*row.lv, *row.group) == nullptr) return Cell();
  const auto loaded = seen_of(*row.lv, *row.group).key_loaded;
  if (!loaded) return std::string("unknown");
  return std::string(*loaded ? "loaded" : "");
}

Cell crypt_attributes(const Row& row) {
  if (row.lv == nullptr) return Cell();
  auto attr = crypt_attr(*row.lv);
  if (attr.empty()) return attr;
  const auto drift = seen_of(*row.lv, *row.group).drift;
  return attr + (!drift ? 'X' : drift->empty() ? '-' : 'm');
}

Cell drift(const Row& row) {
  if (row.lv == nullptr) return Cell();
  const auto found = seen_of(*row.lv, *row.group).drift;
  return found ? Cell(*found) : Cell(std::vector<std::string>{"unknown"});
}

Cell read_ahead(const Row& row) {
  if (row.lv == nullptr) return Cell();
  const auto sectors = row.lv->read_ahead;
  return sectors ? Cell(to_bytes(Sectors(*sectors))) : Cell(std::string("auto"));
}

/// As LVM2 shows it where there is none.
const Cell kNoNumber{std::string("-1")};

Cell number_of(const std::optional<std::uint32_t>& number) {
  return number ? Cell(std::uint64_t{*number}) : kNoNumber;
}
Cell major_number(const Row& row) {
  return row.lv == nullptr ? Cell() : number_of(row.lv->major);
}
Cell minor_number(const Row& row) {
  return row.lv == nullptr ? Cell() : number_of(row.lv->minor);
}
std::string fixed_minor(const LogicalVolume& lv, const GroupFacts&) {
  return has_flag(lv.flags, "FIXED_MINOR") ? "fixed minor" : "";
}
Cell kernel_major(const Row& row) {
  if (row.lv == nullptr) return Cell();
  const auto number = seen_of(*row.lv, *row.group).number;
  return number ? Cell(std::uint64_t{number->major}) : kNoNumber;
}
Cell kernel_minor(const Row& row) {
  if (row.lv == nullptr) return Cell();
  const auto number = seen_of(*row.lv, *row.group).number;
  return number ? Cell(std::uint64_t{number->minor}) : kNoNumber;
}

using enum Type;
constexpr About kAbout = About::lv;
constexpr std::array kFields{
    Field{"lv_name", "LV", kAbout, text, "name; hidden volumes in brackets", of_volume<name>},
    Field{"lv_full_name", "LV", kAbout, text, "group and name", of_volume<full_name>},
    Field{"lv_path", "Path", kAbout, text, "path of the device of a visible volume", of_volume<path>},
    Field{"lv_uuid", "LV UUID", kAbout, text, "unique identifier", of_volume<uuid>},
    Field{"lv_attr", "Attr", kAbout, text, "attributes, as the section on them says", of_volume<lv_attr>},
    Field{"lv_size", "LSize", kAbout, size, "size of what can be written to it", of_volume<size_of_payload>},
    Field{"lv_active", "Active", kAbout, text, "whether it is active", of_volume<active>},
    Field{"lv_suspended", "Suspended", kAbout, text, "set if its device is suspended", of_volume<suspended>},
    Field{"lv_device_open", "DevOpen", kAbout, text, "set if its device is open", of_volume<opened>},
    Field{"lv_layout", "Layout", kAbout, list, "what it is made of", of_volume<layout_of>},
    Field{"lv_role", "Role", kAbout, list, "whether it is for people or for other volumes", of_volume<role>},
    Field{"lv_tags", "LV Tags", kAbout, list, "tags", of_volume<tags>},
    Field{"lv_time", "CTime", kAbout, text, "when it was made", time},
    Field{"lv_host", "Host", kAbout, text, "where it was made", of_volume<host>},
    Field{"lv_allocation_policy", "AllocPol", kAbout, text, "how extents are chosen", of_volume<policy>},
    Field{"lv_skip_activation", "SkipAct", kAbout, text, "set if LVM2 passes over it when it activates",
          of_volume<skip_activation>},
    Field{"lv_autoactivation", "AutoAct", kAbout, text, "set if it may be activated automatically",
          of_volume<autoactivation>},
    Field{"seg_count", "#Seg", kAbout, number, "number of segments", of_volume<segment_count>},
    Field{"keystore", "Keystore", kAbout, list, "the stores of its keys", keystores},
    Field{"key_handler", "Handler", kAbout, text, "the key handler of its first store", of_store<handler>},
    Field{"cipher", "Cipher", kAbout, text, "the cipher", of_store<cipher>},
    Field{"key_size", "KeySize", kAbout, number, "bits of the key", of_store<key_size>},
    Field{"sector_size", "CSect", kAbout, number, "bytes that are encrypted as one", of_store<sector_size>},
    Field{"key_loaded", "KeyLoaded", kAbout, text, "set if the key is in the kernel", key_loaded},
    Field{"crypt_attr", "CAttr", kAbout, text, "attributes of the encryption, as the section on them says",
          crypt_attributes},
    Field{"drift", "Drift", kAbout, list, "in what its devices are not as the metadata says", drift},
    Field{"lv_read_ahead", "Rahead", kAbout, size, "read-ahead that it is to have", read_ahead},
    Field{"lv_fixed_minor", "FixMin", kAbout, text, "set if its device always has the same number",
          of_volume<fixed_minor>},
    Field{"lv_major", "Maj", kAbout, number, "major number that it is to have", major_number},
    Field{"lv_minor", "Min", kAbout, number, "minor number that it is to have", minor_number},
    Field{"lv_kernel_major", "KMaj", kAbout, number, "major number that it has", kernel_major},
    Field{"lv_kernel_minor", "KMin", kAbout, number, "minor number that it has", kernel_minor},
};

}  // namespace

std::span<const Field> lv_fields() {
  return kFields;
}

}  // namespace cv::tools::report
