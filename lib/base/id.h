// LVM2's 32-character ids of groups, physical and logical volumes, each a type of its own.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cv {

inline constexpr std::size_t kIdLength = 32;
using IdCharacters = std::array<char, kIdLength>;

/// 32 characters of 0-9a-zA-Z!#; hyphens anywhere are ignored, as LVM2 does.
std::optional<IdCharacters> parse_id(std::string_view text);
/// With hyphens after 6, 10, 14, 18, 22 and 26 characters: "ONqIFB-p2vX-rQ2V-B9Yg-0kPB-uKbh-NWIssL".
std::string hyphenate_id(const IdCharacters& characters);
/// 0-9a-zA-Z from the kernel's random source.
IdCharacters random_id();

template <class Tag>
class Id {
 public:
  constexpr Id() { characters_.fill('0'); }

  static std::optional<Id> parse(std::string_view text) {
    const auto characters = parse_id(text);
    if (!characters) return std::nullopt;
    return Id(*characters);
  }
  static Id random() { return Id(random_id()); }

  /// 32 characters without hyphens, as in a PV header or a dm uuid.
  std::string plain() const { return {characters_.data(), kIdLength}; }
  /// With hyphens, as in metadata text and reports.
  std::string text() const { return hyphenate_id(characters_); }
  const IdCharacters& characters() const { return characters_; }

  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  explicit Id(const IdCharacters& characters) : characters_(characters) {}

  IdCharacters characters_;
};

using PvId = Id<struct PvIdTag>;
using VgId = Id<struct VgIdTag>;
using LvId = Id<struct LvIdTag>;

}  // namespace cv

template <class Tag>
struct std::hash<cv::Id<Tag>> {
  std::size_t operator()(const cv::Id<Tag>& id) const {
    return std::hash<std::string_view>()({id.characters().data(), cv::kIdLength});
  }
};
