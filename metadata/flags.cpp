#include "metadata/flags.h"

#include <algorithm>
#include <array>

#include "metadata/volume_group.h"

namespace cv::metadata {

namespace {

constexpr unsigned kGroup = 1;
constexpr unsigned kPhysical = 2;
constexpr unsigned kLogical = 4;

struct StatusFlag {
  std::string_view name;
  unsigned owners;
};

/// In the order in which LVM2 prints them (lib/format_text/flags.c).
constexpr std::array kStatusFlags = {
    StatusFlag{"ALLOCATABLE", kPhysical},   StatusFlag{"EXPORTED", kGroup | kPhysical},
    StatusFlag{"RESIZEABLE", kGroup},       StatusFlag{"READ", kGroup | kLogical},
    StatusFlag{"WRITE", kGroup | kLogical}, StatusFlag{"FIXED_MINOR", kLogical},
    StatusFlag{"VISIBLE", kLogical},        StatusFlag{"PVMOVE", kGroup | kLogical},
    StatusFlag{"LOCKED", kLogical},         StatusFlag{"NOTSYNCED", kLogical},
    StatusFlag{"REBUILD", kLogical},        StatusFlag{"WRITEMOSTLY", kLogical},
    StatusFlag{"CLUSTERED", kGroup},        StatusFlag{"SHARED", kGroup},
    StatusFlag{"PARTIAL", kGroup},  ///< only in old backup files
};

/// In `flags`, in LVM2's order. Names that are not here are kept as they are. MISSING was once in `status`.
constexpr std::array<std::string_view, 6> kOptionalFlags = {
    "MISSING", "WRITE_LOCKED", "ACTIVATION_SKIP", "NOAUTOACTIVATE", "ERROR_WHEN_FULL", "CACHE_VOL"};
constexpr std::string_view kMissing = "MISSING";

unsigned bit_of(FlagOwner owner) {
  switch (owner) {
    case FlagOwner::group: return kGroup;
    case FlagOwner::physical: return kPhysical;
    case FlagOwner::logical: return kLogical;
  }
  return 0;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// Before the first of `names` that LVM2 prints behind `name`.
template <class Table, class Projection>
void insert_in_order(std::vector<std::string>& names, std::string_view name, const Table& table,
                     Projection name_of) {
  const auto rank = [&](std::string_view wanted) { return std::ranges::find(table, wanted, name_of); };
  const auto behind =
      std::ranges::find_if(names, [&](const std::string& other) { return rank(other) > rank(name); });
  names.emplace(behind, name);
}

}  // namespace

bool is_status_flag(FlagOwner owner, std::string_view name) {
  if (owner == FlagOwner::physical && name == kMissing) return true;
  const auto found = std::ranges::find(kStatusFlags, name, &StatusFlag::name);
  return found != kStatusFlags.end() && (found->owners & bit_of(owner)) != 0;
}

bool has_flag(const Flags& flags, std::string_view name) {
  return contains(flags.status, name) || contains(flags.flags, name);
}

void set_flag(Flags& flags, std::string_view name) {
  if (has_flag(flags, name)) return;
  const bool in_status = std::ranges::find(kStatusFlags, name, &StatusFlag::name) != kStatusFlags.end();
  if (in_status)
    insert_in_order(flags.status, name, kStatusFlags, &StatusFlag::name);
  else
    insert_in_order(flags.flags, name, kOptionalFlags, std::identity());
}

void clear_flag(Flags& flags, std::string_view name) {
  std::erase(flags.status, name);
  std::erase(flags.flags, name);
}

}  // namespace cv::metadata
