#include "metadata/segment_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "lib/base/match.h"
#include "lib/config/section_reader.h"

namespace cv::metadata {

namespace {

using config::damaged;
using config::Event;
using config::Item;
using config::Parser;
using config::Position;
using config::Printer;
using config::SectionWriter;
using config::Tree;

// The keys of each kind in the order in which they are printed. All begin with the same four.
constexpr std::array<std::string_view, 7> kStripedKeys = {"start_extent", "extent_count", "type",   "tags",
                                                          "stripe_count", "stripe_size",  "stripes"};
constexpr std::array<std::string_view, 13> kCryptKeys = {
    "start_extent",   "extent_count", "type",     "tags",       "crypto_store", "iv_offset", "iv_high",
    "payload_offset", "old_header",   "discards", "workqueues", "areas",        "stripes"};
constexpr std::array<std::string_view, 15> kKeystoreKeys = {
    "start_extent", "extent_count", "type",       "tags",      "handler", "cipher", "key_size", "key_hash",
    "sector_size",  "iv_next",      "generation", "key_check", "erasing", "areas",  "stripes"};
constexpr std::array<std::string_view, 4> kOpaqueKeys = {"start_extent", "extent_count", "type", "tags"};

/// Lists that LVM2 prints over several lines, and how many items it puts on one.
struct RowList {
  std::string_view key;
  std::size_t per_line;
};
constexpr std::array kRowLists = {RowList{"stripes", 2}, RowList{"mirrors", 2}, RowList{"raids", 2},
                                  RowList{"raid0_lvs", 1}};

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
      const std::uint64_t bit = std::uint64_t{1} << config::rank_of(kOpaqueKeys, event.key);
      if (event.kind != Event::Kind::value || (seen_ & bit) != 0 || !take_common(event)) break;
      seen_ |= bit;
      if (!type_.empty()) return;
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

  bool take_common(const Event& event) {
    if (event.key == "start_extent")
      start_ = Extents(config::to_unsigned32(event));
    else if (event.key == "extent_count")
      count_ = Extents(config::to_unsigned32(event));
    else if (event.key == "type")
      type_ = config::to_string(event);
    else if (event.key == "tags")
      segment_.tags = config::to_strings(event);
    else
      return false;
    return true;
  }

  std::vector<Area> to_areas(const Event& event) {
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
        mentions_.push_back({std::string(name.text), event.position});
      }
    }
    return areas;
  }

  void read_striped() {
    Striped striped;
    std::optional<std::uint32_t> stripe_count;
    std::optional<Sectors> stripe_size;
    segment_.carried = config::read_known(parser_, kStripedKeys, seen_, [&](const Event& event) {
      if (take_common(event)) return true;
      if (event.key == "stripe_count")
        stripe_count = config::to_unsigned32(event);
      else if (event.key == "stripe_size")
        stripe_size = Sectors(config::to_unsigned32(event));
      else if (event.key == "stripes")
        striped.stripes = to_areas(event);
      else
        return false;
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
    segment_.carried = config::read_known(parser_, kCryptKeys, seen_, [&](const Event& event) {
      if (take_common(event)) return true;
      if (event.key == "crypto_store")
        crypt.store = config::to_string(event);
      else if (event.key == "iv_offset")
        crypt.iv_offset = Sectors(config::to_unsigned(event));
      else if (event.key == "iv_high")
        crypt.iv_high = Sectors(config::to_unsigned(event));
      else if (event.key == "payload_offset")
        crypt.payload_offset = Sectors(config::to_unsigned(event));
      else if (event.key == "old_header")
        crypt.old_header = config::to_unsigned(event) != 0;
      else if (event.key == "discards" && config::to_text(event) == "pass")
        crypt.discards = true;
      else if (event.key == "workqueues" && config::to_text(event) == "inline")
        crypt.inline_workqueues = true;
      else if (is_area_list(event, areas))
        areas = to_areas(event);
      else
        return false;
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
    segment_.carried = config::read_known(parser_, kKeystoreKeys, seen_, [&](const Event& event) {
      if (take_common(event)) return true;
      if (event.key == "handler")
        store.handler = config::to_string(event);
      else if (event.key == "cipher")
        store.cipher = config::to_string(event);
      else if (event.key == "key_size")
        store.key_bits = config::to_unsigned32(event);
      else if (event.key == "key_hash")
        store.key_hash = config::to_string(event);
      else if (event.key == "sector_size")
        store.sector_bytes = config::to_unsigned32(event);
      else if (event.key == "iv_next")
        store.iv_next = Sectors(config::to_unsigned(event));
      else if (event.key == "generation")
        store.generation = config::to_unsigned(event);
      else if (event.key == "key_check")
        store.key_check = config::to_string(event);
      else if (event.key == "erasing")
        store.erasing = config::to_unsigned(event) != 0;
      else if (is_area_list(event, store.copies))
        store.copies = to_areas(event);
      else
        return false;
      return true;
    });
    if (store.handler.empty()) missing("handler");
    segment_.kind = std::move(store);
  }

  /// The RFC's text has `areas`, its code `stripes`; the first one counts.
  static bool is_area_list(const Event& event, const std::vector<Area>& had) {
    return (event.key == "areas" || event.key == "stripes") && had.empty();
  }

  void read_opaque() {
    Opaque opaque;
    opaque.type = type_;
    config::read_known(parser_, kOpaqueKeys, seen_, [&](const Event& event) {
      if (!take_common(event)) config::append_node(opaque.body, parser_, event);
      return true;
    });
    note_pv_names(opaque, opaque.body);
    segment_.kind = std::move(opaque);
  }

  /// Writes down which PVs the lists of a type that we don't know speak of, by the name that a print gives
  /// them.
  void note_pv_names(Opaque& opaque, Tree& tree) const {
    config::Value& value = tree.data();
    if (value.is_list || value.items.size() > 1) {
      for (config::Scalar& item : value.items) {
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

class SegmentPrinter {
 public:
  SegmentPrinter(Printer& printer, const Segment& segment, const PvNames& pvs, Sectors extent_size)
      : printer_(printer), segment_(segment), pvs_(pvs), extent_size_(extent_size) {}

  void print() const {
    match(
        segment_.kind, [&](const Striped& striped) { print_striped(striped); },
        [&](const Crypt& crypt) { print_crypt(crypt); },
        [&](const Keystore& store) { print_keystore(store); },
        [&](const Opaque& opaque) { print_opaque(opaque); });
  }

 private:
  void print_common(SectionWriter& writer, std::string_view type) const {
    writer.number("start_extent", segment_.start.n);
    writer.number("extent_count", segment_.count.n, size_of_extents(segment_.count));
    writer.at("type").blank();
    printer_.text("type", type);
    if (!segment_.tags.empty()) writer.texts("tags", segment_.tags);
  }

  std::string size_of_extents(Extents count) const {
    return printer_.layout() == config::Layout::plain ? std::string()
                                                      : config::size_comment(to_sectors(count, extent_size_));
  }

  std::vector<config::Scalar> pairs_of(const std::vector<Area>& areas) const {
    std::vector<config::Scalar> items;
    items.reserve(areas.size() * 2);
    for (const Area& area : areas) {
      match(
          area,
          [&](const PhysicalArea& physical) {
            items.emplace_back(pvs_.name_of(physical.pv));
            items.emplace_back(static_cast<std::int64_t>(physical.first.n));
          },
          [&](const LogicalArea& logical) {
            if (pvs_.find(logical.lv) != nullptr)
              throw Error(Errc::refused, "volume {} has the name of a physical volume in the metadata",
                          logical.lv)
                  .advise("rename the volume");
            items.emplace_back(logical.lv);
            items.emplace_back(static_cast<std::int64_t>(logical.first.n));
          });
    }
    return items;
  }

  void print_striped(const Striped& striped) const {
    SectionWriter writer(printer_, segment_.carried, kStripedKeys);
    print_common(writer, "striped");
    const bool linear = striped.stripes.size() == 1;
    writer.number("stripe_count", striped.stripes.size(), linear ? "linear" : "");
    if (!linear)
      writer.number("stripe_size", striped.stripe_size.n, config::size_comment(striped.stripe_size));
    writer.at("stripes").blank();
    printer_.rows("stripes", pairs_of(striped.stripes));
    writer.finish();
  }

  void print_crypt(const Crypt& crypt) const {
    SectionWriter writer(printer_, segment_.carried, kCryptKeys);
    print_common(writer, "crypt");
    writer.text("crypto_store", crypt.store);
    if (crypt.iv_offset) writer.number("iv_offset", crypt.iv_offset->n);
    if (crypt.iv_high) writer.number("iv_high", crypt.iv_high->n);
    if (crypt.payload_offset)
      writer.number("payload_offset", crypt.payload_offset->n, config::size_comment(*crypt.payload_offset));
    if (crypt.old_header) writer.number("old_header", 1);
    if (crypt.discards) writer.text("discards", "pass");
    if (crypt.inline_workqueues) writer.text("workqueues", "inline");
    writer.at("areas").value("areas", config::list(pairs_of({crypt.area})));
    writer.finish();
  }

  void print_keystore(const Keystore& store) const {
    SectionWriter writer(printer_, segment_.carried, kKeystoreKeys);
    print_common(writer, "crypt-keystore");
    writer.text("handler", store.handler);
    if (!store.cipher.empty()) writer.text("cipher", store.cipher);
    if (store.key_bits != 0)
      writer.number("key_size", store.key_bits, fmt::format("{} Bytes", store.key_bits / 8));
    if (store.key_hash) writer.text("key_hash", *store.key_hash);
    if (store.sector_bytes) writer.number("sector_size", *store.sector_bytes);
    if (store.iv_next) writer.number("iv_next", store.iv_next->n);
    if (store.generation) writer.number("generation", *store.generation);
    if (store.key_check) writer.text("key_check", *store.key_check);
    if (store.erasing) writer.number("erasing", 1);
    if (!store.copies.empty()) writer.at("areas").value("areas", config::list(pairs_of(store.copies)));
    writer.finish();
  }

  void print_opaque(const Opaque& opaque) const {
    SectionWriter writer(printer_, segment_.carried, kOpaqueKeys);
    print_common(writer, opaque.type);
    if (opaque.pv_names.empty()) {
      print_body(opaque.body);
    } else {
      Tree body = opaque.body;
      rename_pvs(body, opaque);
      print_body(body);
    }
    writer.finish();
  }

  void print_body(const Tree& body) const {
    for (const auto& [key, node] : body) {
      const auto rows = std::ranges::find(kRowLists, key, &RowList::key);
      if (node.data().is_list && rows != kRowLists.end()) {
        printer_.blank();
        printer_.rows(key, node.data().items, rows->per_line);
      } else {
        printer_.node(key, node);
      }
    }
  }

  /// PVs have other names than when the segment was read, where PVs left the group since.
  void rename_pvs(Tree& tree, const Opaque& opaque) const {
    config::Value& value = tree.data();
    if (value.is_list || value.items.size() > 1) {
      for (config::Scalar& item : value.items) {
        auto* name = std::get_if<std::string>(&item);
        if (name == nullptr) continue;
        const auto found = std::ranges::find(opaque.pv_names, *name, &std::pair<std::string, PvId>::first);
        if (found != opaque.pv_names.end()) *name = pvs_.name_of(found->second);
      }
    }
    for (auto& [key, below] : tree) rename_pvs(below, opaque);
  }

  Printer& printer_;
  const Segment& segment_;
  const PvNames& pvs_;
  Sectors extent_size_;
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

void print_segment(Printer& printer, const Segment& segment, std::size_t number, const PvNames& pvs,
                   Sectors extent_size) {
  printer.open(fmt::format("segment{}", number));
  SegmentPrinter(printer, segment, pvs, extent_size).print();
  printer.close();
}

}  // namespace cv::metadata
