#include "metadata/names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "lib/base/error.h"

namespace cv::metadata {

namespace {

constexpr std::size_t kNameMax = 127;  // LVM2: NAME_LEN - 1
constexpr std::string_view kStorePrefix = "cryptostore";
constexpr std::string_view kDataSuffix = "_crdata";

// What LVM2 keeps for its own sub-volumes; it refuses these on its command line.
constexpr std::array<std::string_view, 2> kReservedPrefixes{"pvmove", "snapshot"};
constexpr std::array<std::string_view, 19> kReservedParts{
    "_cdata", "_cmeta", "_corig", "_cpool", "_cvol",  "_wcorig",  "_mimage",  "_mlog",  "_rimage", "_rmeta",
    "_tdata", "_tmeta", "_vdata", "_imeta", "_iorig", "_pmspare", "_vorigin", "_vpool", "lvmlock"};

/// Empty where the name is fine, else what is wrong with it.
std::string_view fault_of(std::string_view name) {
  const auto is_legal = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '+' || c == '-';
  };
  if (name.empty()) return "it is empty";
  if (name.size() > kNameMax) return "it is longer than 127 characters";
  if (name.front() == '-') return "it begins with a hyphen";
  if (name == "." || name == "..") return "it means a directory";
  if (!std::ranges::all_of(name, is_legal)) return "only letters, digits and _ . + - are allowed";
  return {};
}

/// LVM2 keeps strlen(vg) + strlen(lv) + 3 below 128, so that a dm name holds both.
bool fits_dm(std::string_view vg, std::string_view lv) {
  return vg.size() + lv.size() + 3 < 128;
}

std::optional<std::uint64_t> number_after(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (name.empty() || failure != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

/// What can be said of a new name without looking at the others.
void require_allowed(const VolumeGroup& vg, std::string_view name, bool encrypted) {
  if (const auto fault = fault_of(name); !fault.empty())
    throw Error(Errc::bad_name, "\"{}\" can't be the name of a volume: {}", name, fault);
  const auto reserved = [&](std::string_view why) {
    return Error(Errc::bad_name, "the name {} is reserved: {}", name, why).advise("choose another name");
  };
  if (is_store_name(name)) throw reserved("cryptostore and a number is a keystore");
  if (is_data_lv_name(name)) throw reserved("names that end in _crdata hold the data of encrypted volumes");
  if (number_after(name, "pv")) throw reserved("pv and a number is a PV in LVM2's metadata");
  for (const std::string_view prefix : kReservedPrefixes)
    if (name.starts_with(prefix)) throw reserved(fmt::format("LVM2 uses names that begin with {}", prefix));
  for (const std::string_view part : kReservedParts)
    if (name.find(part) != std::string_view::npos)
      throw reserved(fmt::format("LVM2 uses names that contain {}", part));
  if (!fits_dm(vg.name, encrypted ? data_lv_name(name) : std::string(name)))
    throw Error(Errc::bad_name, "the name {} is too long for a volume of {}", name, vg.name)
        .advise("a VG's and a volume's name have 124 characters together, less 7 for an encrypted volume");
}

}  // namespace

bool is_legal_vg_name(std::string_view name) {
  return fault_of(name).empty();
}

bool is_reserved_lv_name(std::string_view name) {
  return std::ranges::any_of(kReservedPrefixes, [&](auto prefix) { return name.starts_with(prefix); }) ||
         std::ranges::any_of(kReservedParts, [&](auto part) { return name.find(part) != name.npos; });
}

bool is_legal_lv_name(std::string_view vg, std::string_view name) {
  return fault_of(name).empty() && fits_dm(vg, name);
}

bool is_store_name(std::string_view name) {
  return number_after(name, kStorePrefix).has_value();
}

bool is_data_lv_name(std::string_view name) {
  const auto at = name.rfind(kDataSuffix);
  if (at == std::string_view::npos || at == 0) return false;
  const std::string_view number = name.substr(at + kDataSuffix.size());
  return std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
}

void require_new_vg_name(std::string_view name) {
  if (const auto fault = fault_of(name); !fault.empty())
    throw Error(Errc::bad_name, "\"{}\" can't be the name of a VG: {}", name, fault);
}

void require_new_lv_name(const VolumeGroup& vg, std::string_view name, bool encrypted) {
  NewNames(vg, 1).claim(name, encrypted);
}

NewNames::NewNames(const VolumeGroup& vg, std::size_t count) : vg_(vg), is_one_(count == 1) {
  if (is_one_) return;
  taken_.reserve(vg.lvs.size() + 2 * count);
  for (const LogicalVolume& lv : vg.lvs) taken_.insert(lv.name);
}

void NewNames::claim(std::string_view name, bool encrypted) {
  require_allowed(vg_, name, encrypted);
  take(name);
  if (encrypted) take(data_lv_name(name));
}

void NewNames::take(std::string_view name) {
  const bool is_free = is_one_ ? find_lv(vg_, name) == nullptr : taken_.emplace(name).second;
  if (!is_free)
    throw Error(Errc::exists, "{} has a volume {} already", vg_.name, name).advise("choose another name");
}

void require_store_name(std::string_view name) {
  if (is_store_name(name)) return;
  throw Error(Errc::bad_name, "\"{}\" can't be the name of a keystore", name)
      .advise("keystores are called cryptostore1, cryptostore2, ...");
}

std::string next_lv_name(const VolumeGroup& vg) {
  std::uint64_t next = 0;
  for (const LogicalVolume& lv : vg.lvs)
    if (const auto number = number_after(lv.name, "lvol")) next = std::max(next, *number + 1);
  return fmt::format("lvol{}", next);
}

std::string next_store_name(const VolumeGroup& vg) {
  for (std::uint64_t number = 1;; ++number) {
    std::string name = fmt::format("{}{}", kStorePrefix, number);
    if (find_lv(vg, name) == nullptr) return name;
  }
}

}  // namespace cv::metadata
