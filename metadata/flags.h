// Which names LVM2 knows in `status` and `flags`, and their bits in Flags. What changes them is declared in
// volume_group.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cv::metadata {

struct Flags;

enum class FlagOwner { group, physical, logical };

struct KnownFlag {
  std::string_view name;
  unsigned owners;  ///< who may have it in `status`: a bit for each FlagOwner; 0: it belongs into `flags`
};

namespace flag_owners {
inline constexpr unsigned kGroup = 1U << static_cast<unsigned>(FlagOwner::group);
inline constexpr unsigned kPhysical = 1U << static_cast<unsigned>(FlagOwner::physical);
inline constexpr unsigned kLogical = 1U << static_cast<unsigned>(FlagOwner::logical);
}  // namespace flag_owners

/// In the order in which LVM2 prints them, first those of `status` (lib/format_text/flags.c); the place of a
/// name is its bit. MISSING was once in `status`.
inline constexpr std::array kKnownFlags = {
    KnownFlag{"ALLOCATABLE", flag_owners::kPhysical},
    KnownFlag{"EXPORTED", flag_owners::kGroup | flag_owners::kPhysical},
    KnownFlag{"RESIZEABLE", flag_owners::kGroup},
    KnownFlag{"READ", flag_owners::kGroup | flag_owners::kLogical},
    KnownFlag{"WRITE", flag_owners::kGroup | flag_owners::kLogical},
    KnownFlag{"FIXED_MINOR", flag_owners::kLogical},
    KnownFlag{"VISIBLE", flag_owners::kLogical},
    KnownFlag{"PVMOVE", flag_owners::kGroup | flag_owners::kLogical},
    KnownFlag{"LOCKED", flag_owners::kLogical},
    KnownFlag{"NOTSYNCED", flag_owners::kLogical},
    KnownFlag{"REBUILD", flag_owners::kLogical},
    KnownFlag{"WRITEMOSTLY", flag_owners::kLogical},
    KnownFlag{"CLUSTERED", flag_owners::kGroup},
    KnownFlag{"SHARED", flag_owners::kGroup},
    KnownFlag{"PARTIAL", flag_owners::kGroup},  ///< only in old backup files
    KnownFlag{"MISSING", 0},
    KnownFlag{"WRITE_LOCKED", 0},
    KnownFlag{"ACTIVATION_SKIP", 0},
    KnownFlag{"NOAUTOACTIVATE", 0},
    KnownFlag{"ERROR_WHEN_FULL", 0},
    KnownFlag{"CACHE_VOL", 0},
};
static_assert(kKnownFlags.size() <= 32);

/// 0 where LVM2 knows no such name.
constexpr std::uint32_t flag_bit(std::string_view name) {
  for (std::size_t i = 0; i < kKnownFlags.size(); ++i)
    if (kKnownFlags[i].name == name) return std::uint32_t{1} << i;
  return 0;
}
/// For names that stand in the program.
consteval std::uint32_t status_bit(const char* name) {
  return flag_bit(name);
}

/// Whether LVM2 can read a `status` with that name. It can't read the whole group otherwise.
bool is_status_flag(FlagOwner owner, std::string_view name);

/// As read from a text; set_flag() in volume_group.h finds the place by itself.
void add_status(Flags& flags, std::string_view name);
void add_optional(Flags& flags, std::string_view name);

/// The names in the order in which they are printed. `names` is emptied first; its strings are those of
/// kKnownFlags and `flags`.
void list_status(const Flags& flags, std::vector<std::string_view>& names);
void list_optional(const Flags& flags, std::vector<std::string_view>& names);

}  // namespace cv::metadata
