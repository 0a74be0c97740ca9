// Reading; printing is in segment_print.cpp.
#include "metadata/segment_text.h"

#include <algorithm>
#include <optional>

#include "lib/config/section_reader.h"
#include "metadata/segment_keys.h"

namespace cv::metadata {

namespace {

using config::damaged;
using config::Event;
using config::Item;
using config::known;
using config::Parser;
using config::Position;
using config::Tree;

class SegmentReader {
 public:
  SegmentReader(Parser& parser, const PvNames& pvs, const Position& position, std::vector<Mention>& mentions)
      : parser_(parser), pvs_(pvs), position_(position), mentions_(mentions) {}

  Segment read() && {
    read_type();
    if (type_ == "striped" || type_ == "linear")
      read_striped();
    else if (type_ == "crypt")
      read_crypt();
    else if (type_ == "crypt-keystore")
      read_keystore();
    else
      read_opaque();
    if (!start_) missing("start_extent");
    if (!count_) missing("extent_count");
    segment_.start = *start_;
    segment_.count = *count_;
    if (segment_.count.n == 0 && !std::holds_alternative<Keystore>(segment_.kind))
      throw damaged(position_, "the segment has no extents");
    return std::move(segment_);
  }

 private:
  [[noreturn]] void missing(std::string_view key) const {
    config::throw_missing(position_, "the segment", key);
  }

  /// What the other keys mean depends on the type. LVM2 writes it behind none but common keys, but reads it
  /// anywhere.
  void read_type() {
    const Parser::Mark start = parser_.mark();
    for (;;) {
      const Event& event = parser_.next();
      const std::size_t rank = config::rank_of(kOpaqueKeys, event.key);
      const std::uint64_t bit = config::bit_of(rank);
      if (event.kind != Event::Kind::value || (seen_ & bit) != 0 || !take_common(event, rank)) break;
      seen_ |= bit;
      if (rank == known(kOpaqueKeys, "type")) return;
    }
    parser_.rewind(start);
    seen_ = 0;
    type_ = type_ahead();
    parser_.rewind(start);
  }

  std::string type_ahead() {
    for (;;) {
      const Event& event = parser_.next();
      if (event.kind == Event::Kind::end_section) missing("type");
      if (event.key == "type") return config::to_string(event);
      if (event.kind == Event::Kind::section) parser_.skip_section();
    }
  }

  /// The keys that all types have, at the same places in all orders.
  bool take_common(const Event& event, std::size_t rank) {
    switch (rank) {
      case known(kOpaqueKeys, "start_extent"): start_ = Extents(config::to_unsigned32(event)); break;
      case known(kOpaqueKeys, "extent_count"): count_ = Extents(config::to_unsigned32(event)); break;
      case known(kOpaqueKeys, "type"): type_ = config::to_string(event); break;
      case known(kOpaqueKeys, "tags"): segment_.tags = config::to_strings(event); break;
      default: return false;
    }
    return true;
  }

  /// What a name stands for that is no PV's: LVM2 can't read a group where a volume of that name is missing,
  /// unless the segment is of a type that it does not know.
  enum class Names { must_exist, may_be_missing };

  std::vector<Area> to_areas(const Event& event, Names names) {
    config::expect_value(event);
    if (event.items.size() % 2 != 0)
      throw damaged(event.position, "{} is not a list of pairs", config::shown(event.key));
    std::vector<Area> areas;
    areas.reserve(event.items.size() / 2);
    for (std::size_t i = 0; i < event.items.size(); i += 2) {
      const Item& name = event.items[i];
      const Item& first = event.items[i + 1];
      const bool sane = name.kind == Item::Kind::string && first.kind == Item::Kind::integer;
      if (!sane || first.integer < 0 || first.integer > INT64_C(0xffffffff))
        throw damaged(event.position, "{} is not a list of names and extents", config::shown(event.key));
      const Extents extent(static_cast<std::uint64_t>(first.integer));
      if (const PvId* pv = pvs_.find(name.text)) {
        areas.emplace_back(PhysicalArea{*pv, extent});
      } else {
        areas.emplace_back(LogicalArea{std::string(name.text), extent});
        if (names == Names::must_exist) mentions_.push_back({std::string(name.text), event.position});
      }
    }
    return areas;
  }

  void read_striped() {
    Striped striped;
    std::optional<std::uint32_t> stripe_count;
    std::optional<Sectors> stripe_size;
    segment_.carried =
        config::read_known(parser_, kStripedKeys, seen_, [&](const Event& event, std::size_t rank) {
          switch (rank) {
            case known(kStripedKeys, "stripe_count"): stripe_count = config::to_unsigned32(event); break;
            case known(kStripedKeys, "stripe_size"):
              stripe_size = Sectors(config::to_unsigned32(event));
              break;
            case known(kStripedKeys, "stripes"): striped.stripes = to_areas(event, Names::must_exist); break;
            default: return take_common(event, rank);
          }
          return true;
        });
    if (!stripe_count) missing("stripe_count");
    if (striped.stripes.empty()) missing("stripes");
    if (*stripe_count != striped.stripes.size())
      throw damaged(position_, "stripe_count is {}, but {} areas are listed", *stripe_count,
                    striped.stripes.size());
    if (*stripe_count > 1) {
      if (!stripe_size) missing("stripe_size");
      if (stripe_size->n == 0) throw damaged(position_, "stripe_size is 0");
      striped.stripe_size = *stripe_size;
    }
    if (count_ && count_->n % *stripe_count != 0)
      throw damaged(position_, "{} extents can't be divided by {} stripes", count_->n, *stripe_count);
    segment_.kind = std::move(striped);
  }

  void read_crypt() {
    Crypt crypt;
    std::vector<Area> areas;
    segment_.carried =
        config::read_known(parser_, kCryptKeys, seen_, [&](const Event& event, std::size_t rank) {
          switch (rank) {
            case known(kCryptKeys, "crypto_store"): crypt.store = config::to_text(event); break;
            case known(kCryptKeys, "iv_offset"): crypt.iv_offset = Sectors(config::to_unsigned(event)); break;
            case known(kCryptKeys, "iv_high"): crypt.iv_high = Sectors(config::to_unsigned(event)); break;
            case known(kCryptKeys, "payload_offset"):
              crypt.payload_offset = Sectors(config::to_unsigned(event));
              break;
            case known(kCryptKeys, "old_header"): crypt.old_header = config::to_unsigned(event) != 0; break;
            case known(kCryptKeys, "discards"): return crypt.discards = config::to_text(event) == "pass";
            case known(kCryptKeys, "workqueues"):
              return crypt.inline_workqueues = config::to_text(event) == "inline";
            case known(kCryptKeys, "areas"):
            case known(kCryptKeys, "stripes"): return take_areas(areas, event);
            default: return take_common(event, rank);
          }
          return true;
        });
    if (crypt.store.empty()) missing("crypto_store");
    if (areas.empty()) missing("areas");
    if (areas.size() > 1)
      throw damaged(position_, "a crypt segment lies on {} areas, not on one", areas.size());
    crypt.area = std::move(areas.front());
    segment_.kind = std::move(crypt);
  }

  void read_keystore() {
    Keystore store;
    segment_.carried =
        config::read_known(parser_, kKeystoreKeys, seen_, [&](const Event& event, std::size_t rank) {
          switch (rank) {
            case known(kKeystoreKeys, "handler"): store.handler = config::to_text(event); break;
            case known(kKeystoreKeys, "cipher"): store.cipher = config::to_text(event); break;
            case known(kKeystoreKeys, "key_size"): store.key_bits = config::to_unsigned32(event); break;
            case known(kKeystoreKeys, "key_hash"): store.key_hash = config::to_string(event); break;
            case known(kKeystoreKeys, "sector_size"):
              store.sector_bytes = config::to_unsigned32(event);
              break;
            case known(kKeystoreKeys, "iv_next"): store.iv_next = Sectors(config::to_unsigned(event)); break;
            case known(kKeystoreKeys, "generation"): store.generation = config::to_unsigned(event); break;
            case known(kKeystoreKeys, "key_check"): store.key_check = config::to_string(event); break;
            case known(kKeystoreKeys, "copies"): store.copies_wanted = config::to_unsigned32(event); break;
            case known(kKeystoreKeys, "slot_names"): store.slot_names = to_slot_names(event); break;
            case known(kKeystoreKeys, "erasing"): store.erasing = config::to_unsigned(event) != 0; break;
            case known(kKeystoreKeys, "areas"):
            case known(kKeystoreKeys, "stripes"): return take_areas(store.copies, event);
            default: return take_common(event, rank);
          }
          return true;
        });
    if (store.handler.empty()) missing("handler");
    segment_.kind = std::move(store);
  }

  static RareList<NamedSlot> to_slot_names(const Event& event) {
    config::expect_value(event);
    RareList<NamedSlot> names;
    for (std::size_t i = 0; i < event.items.size(); i += 2) {
      const Item& slot = event.items[i];
      const bool sane = i + 1 < event.items.size() && slot.kind == Item::Kind::integer && slot.integer >= 0 &&
                        slot.integer <= INT64_C(0xffffffff) && event.items[i + 1].kind == Item::Kind::string;
      if (!sane)
        throw damaged(event.position, "{} is not a list of key slots and names", config::shown(event.key));
      names.push_back({static_cast<std::uint32_t>(slot.integer), std::string(event.items[i + 1].text)});
    }
    return names;
  }

  /// The RFC's text has `areas`, its code `stripes`; the first one counts.
  bool take_areas(std::vector<Area>& areas, const Event& event) {
    if (!areas.empty()) return false;
    areas = to_areas(event, Names::may_be_missing);
    return true;
  }

  void read_opaque() {
    Opaque opaque;
    opaque.type = type_;
    config::read_known(parser_, kOpaqueKeys, seen_, [&](const Event& event, std::size_t rank) {
      if (!take_common(event, rank)) config::append_node(opaque.body, parser_, event);
      return true;
    });
    note_pv_names(opaque, opaque.body);
    segment_.kind = std::move(opaque);
  }

  /// Writes down which PVs the lists of a type that we don't know speak of, by the name that a print gives
  /// them.
  void note_pv_names(Opaque& opaque, Tree& tree) const {
    if (may_name_pvs(tree.data())) {
      for (config::Scalar& item : tree.data().items) {
        auto* name = std::get_if<std::string>(&item);
        const PvId* pv = name == nullptr ? nullptr : pvs_.find(*name);
        if (pv == nullptr) continue;
        *name = pvs_.name_of(*pv);
        const std::pair<std::string, PvId> entry(*name, *pv);
        if (std::ranges::find(opaque.pv_names, entry) == opaque.pv_names.end())
          opaque.pv_names.push_back(entry);
      }
    }
    for (auto& [key, below] : tree) note_pv_names(opaque, below);
  }

  Parser& parser_;
  const PvNames& pvs_;
  Position position_;
  std::vector<Mention>& mentions_;
  Segment segment_;
  std::uint64_t seen_ = 0;  ///< a bit for each of the common keys that were read with the type
  std::string type_;
  std::optional<Extents> start_;
  std::optional<Extents> count_;
};

}  // namespace

bool PvNames::add(std::string_view name, const PvId& id) {
  if (!ids_.emplace(name, id).second) return false;
  return names_.emplace(id, fmt::format("pv{}", names_.size())).second;
}

const PvId* PvNames::find(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? nullptr : &found->second;
}

const std::string& PvNames::name_of(const PvId& id) const {
  const auto found = names_.find(id);
  if (found == names_.end())
    throw Error(Errc::damaged, "a segment lies on physical volume {}, which is not in the group", id.text());
  return found->second;
}

Segment read_segment(Parser& parser, const PvNames& pvs, const Position& position,
                     std::vector<Mention>& mentions) {
  return SegmentReader(parser, pvs, position, mentions).read();
}

}  // namespace cv::metadata
