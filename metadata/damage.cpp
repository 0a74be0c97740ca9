#include "metadata/damage.h"

#include <algorithm>

namespace cv::metadata {

Damage make_damage(DamageId id, std::string sentence, std::string advice) {
  const DamageKind& kind = id.kind();
  return {.id = std::string(kind.id),
          .severity = kind.severity,
          .sentence = std::move(sentence),
          .advice = advice.empty() ? std::string(kind.advice) : std::move(advice)};
}

const DamageKind* find_damage_kind(std::string_view id) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  const auto found = std::ranges::find_if(
      kDamageKinds, [&](const DamageKind& kind) { return std::ranges::equal(kind.id, id, {}, {}, upper); });
  return found == kDamageKinds.end() ? nullptr : &*found;
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "error";
}

}  // namespace cv::metadata
