#include "metadata/flags.h"

#include <algorithm>
#include <bit>

#include "metadata/volume_group.h"

namespace cv::metadata {

namespace {

constexpr std::string_view kMissing = "MISSING";

const KnownFlag& flag_at(std::uint32_t bit) {
  return kKnownFlags[static_cast<std::size_t>(std::countr_zero(bit))];
}

void list_known(std::uint32_t bits, std::vector<std::string_view>& names) {
  names.clear();
  for (; bits != 0; bits &= bits - 1) names.push_back(flag_at(bits).name);
}

}  // namespace

bool is_status_flag(FlagOwner owner, std::string_view name) {
  if (owner == FlagOwner::physical && name == kMissing) return true;
  const std::uint32_t bit = flag_bit(name);
  return bit != 0 && (flag_at(bit).owners >> static_cast<unsigned>(owner) & 1) != 0;
}

void add_status(Flags& flags, std::string_view name) {
  const std::uint32_t bit = flag_bit(name);
  CV_ASSERT(bit != 0);
  flags.status |= bit;
}

void add_optional(Flags& flags, std::string_view name) {
  if (const std::uint32_t bit = flag_bit(name))
    flags.optional |= bit;
  else if (std::ranges::find(flags.unknown, name) == flags.unknown.end())
    flags.unknown.emplace_back(name);
}

void list_status(const Flags& flags, std::vector<std::string_view>& names) {
  list_known(flags.status, names);
}

void list_optional(const Flags& flags, std::vector<std::string_view>& names) {
  list_known(flags.optional, names);
  names.insert(names.end(), flags.unknown.begin(), flags.unknown.end());
}

bool has_flag(const Flags& flags, std::string_view name) {
  if (const std::uint32_t bit = flag_bit(name)) return ((flags.status | flags.optional) & bit) != 0;
  return std::ranges::find(flags.unknown, name) != flags.unknown.end();
}

void set_flag(Flags& flags, std::string_view name) {
  if (has_flag(flags, name)) return;
  const std::uint32_t bit = flag_bit(name);
  if (bit != 0 && flag_at(bit).owners != 0)
    flags.status |= bit;
  else
    add_optional(flags, name);
}

void clear_flag(Flags& flags, std::string_view name) {
  if (const std::uint32_t bit = flag_bit(name)) {
    flags.status &= ~bit;
    flags.optional &= ~bit;
  } else {
    flags.unknown.remove_if([&](const std::string& other) { return other == name; });
  }
}

}  // namespace cv::metadata
