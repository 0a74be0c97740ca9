// Findings: what is wrong with a group, its copies or its disks. Each kind has a stable id, and one table
// knows them all (damage_kinds.h).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "metadata/damage_kinds.h"

namespace cv::metadata {

struct Damage {
  std::string id;  ///< stable: "LV-OVERLAP"; listed in cvck(8)
  Severity severity = Severity::error;
  std::string sentence;
  std::string advice;
  friend bool operator==(const Damage&, const Damage&) = default;
};

/// The id of a kind. One that the table does not have does not compile.
class DamageId {
 public:
  // Not explicit: an id is written as a literal wherever something is found.
  consteval DamageId(const char* id) : kind_(&kind_at(id)) {}

  const DamageKind& kind() const { return *kind_; }

 private:
  static constexpr const DamageKind& kind_at(std::string_view id) {
    for (const DamageKind& kind : kDamageKinds)
      if (kind.id == id) return kind;
    throw "the table of damage kinds does not have this id";  // in a constant expression: no compilation
  }

  const DamageKind* kind_;
};

/// A finding of that kind; `advice` empty: the one of its kind.
Damage make_damage(DamageId id, std::string sentence, std::string advice = {});

/// Null where there is no such kind; upper and lower case are the same.
const DamageKind* find_damage_kind(std::string_view id);

/// "error", "warning", "note".
std::string_view severity_name(Severity severity);

}  // namespace cv::metadata
