// Reading; printing is in group_print.cpp.
#include "metadata/group_text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <unordered_set>

#include "lib/base/log.h"
#include "lib/config/section_reader.h"
#include "metadata/flags.h"
#include "metadata/group_keys.h"
#include "metadata/names.h"
#include "metadata/segment_text.h"

namespace cv::metadata {

namespace {

using config::damaged;
using config::Event;
using config::known;
using config::Parser;
using config::Position;

/// LVM2 takes what it finds in a metadata area for text only where it begins with a name.
void require_name_first(std::string_view text) {
  constexpr std::string_view kNameEnd{" \t\n\v\f\r#={}\0", 11};
  if (!is_legal_vg_name(text.substr(0, text.find_first_of(kNameEnd))))
    throw damaged(Position{}, "the text does not begin with the name of a volume group");
}

template <class IdType>
IdType to_id(const Event& event) {
  if (const auto id = IdType::parse(config::to_text(event))) return *id;
  throw damaged(event.position, "\"{}\" is no id: 32 of 0-9a-zA-Z are needed",
                config::shown(config::to_text(event)));
}

void take_status(Flags& flags, const Event& event, FlagOwner owner) {
  config::for_each_string(event, [&](std::string_view name) {
    if (!is_status_flag(owner, name))
      throw damaged(event.position, "the status flag {} is not known", config::shown(name))
          .advise("a newer LVM2 may have written it; use that one");
    add_status(flags, name);
  });
}

void take_optional(Flags& flags, const Event& event) {
  config::for_each_string(event, [&](std::string_view name) { add_optional(flags, name); });
}

/// LVM2 hides WRITE from its older versions where a host or a lock owns the group.
void undo_write_lock(Flags& flags) {
  constexpr std::uint32_t kWriteLocked = flag_bit("WRITE_LOCKED");
  if ((flags.optional & kWriteLocked) == 0) return;
  flags.optional &= ~kWriteLocked;
  set_flag(flags, "WRITE");
}

/// Of a section that was read: throws where one of the keys that must be there is not.
template <std::size_t count>
void require_keys(config::KeyOrder order, std::uint64_t seen, const std::array<std::size_t, count>& needed,
                  const Position& position, std::string_view section) {
  for (const std::size_t rank : needed)
    if ((seen & config::bit_of(rank)) == 0) config::throw_missing(position, section, order[rank]);
}

/// False, with a warning as LVM2 gives it, where the policy is not known.
bool take_allocation(Allocation& allocation, const Event& event) {
  const std::string_view name = config::to_text(event);
  for (const auto& [known, value] : kAllocations) {
    if (known == name) {
      allocation = value;
      return true;
    }
  }
  log::warning("line {}: the allocation policy {} is not known and is ignored", event.position.line,
               config::shown(name));
  return false;
}

/// Nothing where it is no number of 32 bits: it is carried along then, as we did not understand it.
std::optional<std::int64_t> small_number(const Event& event) {
  if (event.is_list || event.items.size() != 1 || event.items[0].kind != config::Item::Kind::integer)
    return std::nullopt;
  const std::int64_t number = event.items[0].integer;
  if (number < -1 || number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return number;
}

bool take_number(std::optional<std::uint32_t>& taken, const Event& event) {
  const auto number = small_number(event);
  if (!number || *number < 0) return false;
  taken = static_cast<std::uint32_t>(*number);
  return true;
}

/// -1 stands for none. LVM2 writes no 0.
bool take_read_ahead(std::optional<std::uint32_t>& taken, const Event& event) {
  const auto number = small_number(event);
  if (!number || *number == 0) return false;
  taken = static_cast<std::uint32_t>(std::max<std::int64_t>(*number, 0));
  return true;
}

class GroupReader {
 public:
  explicit GroupReader(std::string_view text) : parser_(text), text_size_(text.size()) {}

  VolumeGroup read() && {
    std::optional<std::string> contents;
    std::optional<std::int64_t> version;
    bool found = false;
    for (const Event* event = &parser_.next(); event->kind != Event::Kind::end; event = &parser_.next()) {
      if (event->kind == Event::Kind::section) {
        if (found)
          parser_.skip_section();
        else
          read_group(*event);
        found = true;
      } else if (event->key == "contents" && !contents) {
        contents = config::to_string(*event);
      } else if (event->key == "version" && !version) {
        version = config::to_integer(*event);
      }
    }
    if (!found) throw Error(Errc::damaged, "there is no volume group in the text");
    if (!contents) throw Error(Errc::damaged, "contents is missing in the text");
    if (*contents != kContents)
      throw Error(Errc::damaged, "the text's contents are \"{}\"", config::shown(*contents));
    if (!version) throw Error(Errc::damaged, "version is missing in the text");
    if (*version != kFormatVersion)
      throw Error(Errc::damaged, "the text has format version {}, not {}", *version, kFormatVersion);
    return std::move(vg_);
  }

 private:
  void read_group(const Event& section) {
    const Position position = section.position;
    vg_.name = section.key;
    if (!is_legal_vg_name(vg_.name))
      throw damaged(position, "\"{}\" is no name of a volume group", config::shown(vg_.name));
    std::uint64_t seen = 0;
    std::optional<Parser::Mark> postponed;
    vg_.carried = config::read_known(parser_, kGroupKeys, seen, [&](const Event& event, std::size_t rank) {
      if (rank == known(kGroupKeys, "physical_volumes")) {
        config::expect_section(event);
        read_pvs();
      } else if (rank == known(kGroupKeys, "logical_volumes")) {
        config::expect_section(event);
        // Areas can be told from each other only when the PVs are known.
        if ((seen & config::bit_of(known(kGroupKeys, "physical_volumes"))) != 0) {
          read_lvs();
        } else {
          postponed = parser_.mark();
          parser_.skip_section();
        }
      } else {
        return take_group_value(event, rank);
      }
      return true;
    });
    constexpr std::array kNeeded = {known(kGroupKeys, "id"),
                                    known(kGroupKeys, "seqno"),
                                    known(kGroupKeys, "status"),
                                    known(kGroupKeys, "extent_size"),
                                    known(kGroupKeys, "max_lv"),
                                    known(kGroupKeys, "max_pv"),
                                    known(kGroupKeys, "physical_volumes")};
    require_keys(kGroupKeys, seen, kNeeded, position, vg_.name);
    undo_write_lock(vg_.flags);
    if (postponed) {
      const Parser::Mark behind = parser_.mark();
      parser_.rewind(*postponed);
      read_lvs();
      parser_.rewind(behind);
    }
    check_names();
  }

  void take_superseded(const Event& event) {
    for (const std::string& text : config::to_strings(event)) {
      const auto id = VgId::parse(text);
      if (!id) throw damaged(event.position, "{} is no id of a volume group", config::shown(text));
      vg_.supersedes.push_back(*id);
    }
  }

  bool take_group_value(const Event& event, std::size_t rank) {
    switch (rank) {
      case known(kGroupKeys, "id"): vg_.id = to_id<VgId>(event); break;
      case known(kGroupKeys, "seqno"): vg_.seqno = config::to_unsigned32(event); break;
      case known(kGroupKeys, "format"): break;  // always "lvm2" when we print
      case known(kGroupKeys, "status"): take_status(vg_.flags, event, FlagOwner::group); break;
      case known(kGroupKeys, "flags"): take_optional(vg_.flags, event); break;
      case known(kGroupKeys, "tags"): vg_.tags = config::to_strings(event); break;
      case known(kGroupKeys, "system_id"): vg_.system_id = config::to_string(event); break;
      case known(kGroupKeys, "lock_type"): vg_.lock_type = config::to_string(event); break;
      case known(kGroupKeys, "extent_size"):
        vg_.extent_size = Sectors(config::to_unsigned32(event));
        if (vg_.extent_size.n == 0) throw damaged(event.position, "extent_size is 0");
        break;
      case known(kGroupKeys, "max_lv"): vg_.max_lv = config::to_unsigned32(event); break;
      case known(kGroupKeys, "max_pv"): vg_.max_pv = config::to_unsigned32(event); break;
      case known(kGroupKeys, "allocation_policy"): return take_allocation(vg_.allocation, event);
      case known(kGroupKeys, "metadata_copies"): vg_.metadata_copies = config::to_unsigned32(event); break;
      case known(kGroupKeys, "supersedes"): take_superseded(event); break;
      case known(kGroupKeys, "split_from"): vg_.split_from = to_id<VgId>(event); break;
      default: return false;
    }
    return true;
  }

  /// Calls `read` for each section in the one whose event came last.
  template <class Read>
  void for_each_section(Read read) {
    for (const Event* event = &parser_.next(); event->kind != Event::Kind::end_section;
         event = &parser_.next()) {
      config::expect_section(*event);
      const Position position = event->position;
      std::string name(event->key);
      if (name.find('/') != std::string::npos)
        throw damaged(position, "{} has a slash in its name", config::shown(name));
      read(std::move(name), position);
    }
  }

  void read_pvs() {
    for_each_section([&](const std::string& name, const Position& position) {
      PhysicalVolume& pv = vg_.pvs.emplace_back(read_pv(name, position));
      if (!pvs_.add(name, pv.id))
        throw damaged(position, "a second physical volume is called {} or has the id {}", config::shown(name),
                      pv.id.text());
    });
  }

  PhysicalVolume read_pv(const std::string& name, const Position& position) {
    PhysicalVolume pv;
    std::uint64_t seen = 0;
    pv.carried = config::read_known(parser_, kPhysicalKeys, seen, [&](const Event& event, std::size_t rank) {
      switch (rank) {
        case known(kPhysicalKeys, "id"): pv.id = to_id<PvId>(event); break;
        case known(kPhysicalKeys, "device"): pv.device = config::to_string(event); break;
        case known(kPhysicalKeys, "status"): take_status(pv.flags, event, FlagOwner::physical); break;
        case known(kPhysicalKeys, "flags"): take_optional(pv.flags, event); break;
        case known(kPhysicalKeys, "tags"): pv.tags = config::to_strings(event); break;
        case known(kPhysicalKeys, "dev_size"): pv.dev_size = Sectors(config::to_unsigned(event)); break;
        case known(kPhysicalKeys, "pe_start"): pv.pe_start = Sectors(config::to_unsigned(event)); break;
        case known(kPhysicalKeys, "pe_count"): pv.pe_count = Extents(config::to_unsigned32(event)); break;
        default: return false;
      }
      return true;
    });
    constexpr std::array kNeeded = {known(kPhysicalKeys, "id"), known(kPhysicalKeys, "status"),
                                    known(kPhysicalKeys, "pe_start"), known(kPhysicalKeys, "pe_count")};
    require_keys(kPhysicalKeys, seen, kNeeded, position, name);
    return pv;
  }

  void read_lvs() {
    // Few volumes have less text. Room that is not used was never touched.
    constexpr std::size_t kShortVolume = 256;
    vg_.lvs.reserve(text_size_ / kShortVolume);
    for_each_section([&](std::string name, const Position& position) {
      LogicalVolume& lv = vg_.lvs.emplace_back();
      lv.name = std::move(name);
      try {
        read_lv(lv, position);
      } catch (const Error& error) {
        throw error.within(fmt::format("volume {}", config::shown(lv.name)));
      }
    });
  }

  void read_lv(LogicalVolume& lv, const Position& position) {
    std::uint64_t seen = 0;
    std::uint32_t segment_count = 0;
    Extents size;
    lv.carried = config::read_known(parser_, kLogicalKeys, seen, [&](const Event& event, std::size_t rank) {
      if (event.kind == Event::Kind::section) {
        // Whatever it is called.
        append_segment(lv, size, segment_count, Position(event.position));
        return true;
      }
      if (event.key.find('/') != std::string_view::npos)
        throw damaged(event.position, "{} makes a section that is no segment", config::shown(event.key));
      switch (rank) {
        case known(kLogicalKeys, "id"): lv.id = to_id<LvId>(event); break;
        case known(kLogicalKeys, "status"): take_status(lv.flags, event, FlagOwner::logical); break;
        case known(kLogicalKeys, "flags"): take_optional(lv.flags, event); break;
        case known(kLogicalKeys, "tags"): lv.tags = config::to_strings(event); break;
        case known(kLogicalKeys, "creation_time"): lv.creation_time = config::to_unsigned(event); break;
        case known(kLogicalKeys, "creation_host"): lv.creation_host = config::to_text(event); break;
        case known(kLogicalKeys, "allocation_policy"): return take_allocation(lv.allocation, event);
        case known(kLogicalKeys, "read_ahead"): return take_read_ahead(lv.read_ahead, event);
        case known(kLogicalKeys, "major"): return take_number(lv.major, event);
        case known(kLogicalKeys, "minor"): return take_number(lv.minor, event);
        case known(kLogicalKeys, "segment_count"): segment_count = config::to_unsigned32(event); break;
        default: return false;
      }
      return true;
    });
    constexpr std::array kNeeded = {known(kLogicalKeys, "id"), known(kLogicalKeys, "status"),
                                    known(kLogicalKeys, "segment_count")};
    require_keys(kLogicalKeys, seen, kNeeded, position, lv.name);
    if (segment_count != lv.segments.size())
      throw damaged(position, "segment_count is {}, but there are {} segments", segment_count,
                    lv.segments.size());
    if (lv.segments.empty()) throw damaged(position, "there is no segment");
    const bool has_host = (seen & config::bit_of(known(kLogicalKeys, "creation_host"))) != 0;
    if (has_host != lv.creation_time.has_value())
      throw damaged(position, "creation_time and creation_host do not come together");
    undo_write_lock(lv.flags);
  }

  /// `announced`: how many the volume says it has, where it said so already.
  void append_segment(LogicalVolume& lv, Extents& size, std::uint32_t announced, const Position& position) {
    constexpr std::uint32_t kBelieved = 1024;
    if (lv.segments.empty()) lv.segments.reserve(std::min(announced, kBelieved));
    Segment segment = read_segment(parser_, pvs_, position, mentions_);
    if (segment.start != size)
      throw damaged(position, "a segment begins at extent {}, {} is expected", segment.start.n, size.n);
    size += segment.count;
    lv.segments.push_back(std::move(segment));
  }

  /// Names are unique, and there is an LV for each one in an area that is not a PV's.
  void check_names() const {
    std::unordered_set<std::string_view> names;
    names.reserve(vg_.lvs.size());
    for (const LogicalVolume& lv : vg_.lvs) {
      if (!names.insert(lv.name).second)
        throw Error(Errc::damaged, "two volumes are called {}", config::shown(lv.name));
    }
    for (const Mention& mention : mentions_) {
      if (!names.contains(mention.lv))
        throw damaged(mention.position, "there is no physical or logical volume {}",
                      config::shown(mention.lv));
    }
  }

  Parser parser_;
  std::size_t text_size_;
  VolumeGroup vg_;
  PvNames pvs_;
  std::vector<Mention> mentions_;
};

}  // namespace

VolumeGroup read_group(std::string_view text, TextForm form) {
  if (form == TextForm::on_disk) require_name_first(text);
  return GroupReader(text).read();
}

}  // namespace cv::metadata
