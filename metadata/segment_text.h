// Segments to LVM text and back.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/config/parse.h"
#include "lib/config/print.h"
#include "metadata/segment.h"

namespace cv::metadata {

/// What the PVs are called in one text ("pv0"), both ways.
class PvNames {
 public:
  /// False where the name is taken.
  bool add(std::string_view name, const PvId& id);

  const PvId* find(std::string_view name) const;
  /// Throws Errc::damaged where the PV is not in the group.
  const std::string& name_of(const PvId& id) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, PvId, Hash, std::equal_to<>> ids_;
  std::unordered_map<PvId, std::string> names_;
};

/// An LV that an area names, to be looked up when all LVs are known.
struct Mention {
  std::string lv;
  config::Position position;
};

/// Reads the segment whose `section` event came last.
Segment read_segment(config::Parser& parser, const PvNames& pvs, const config::Position& position,
                     std::vector<Mention>& mentions);

/// The section of the segment and all in it. `number` counts from 1.
void print_segment(config::Printer& printer, const Segment& segment, std::size_t number, const PvNames& pvs,
                   Sectors extent_size);

}  // namespace cv::metadata
