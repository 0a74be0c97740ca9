#include <algorithm>
#include <array>

#include "lib/base/match.h"
#include "lib/config/print.h"
#include "metadata/segment_keys.h"
#include "metadata/segment_text.h"

namespace cv::metadata {

namespace {

using config::Printer;
using config::SectionWriter;
using config::Tree;

/// Lists that LVM2 prints over several lines, and how many items it puts on one.
struct RowList {
  std::string_view key;
  std::size_t per_line;
};
constexpr std::array kRowLists = {RowList{"stripes", 2}, RowList{"mirrors", 2}, RowList{"raids", 2},
                                  RowList{"raid0_lvs", 1}};

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
            refuse_name_of_pv(logical.lv);
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
    if (store.copies_wanted) writer.number("copies", *store.copies_wanted);
    if (!store.slot_names.empty()) {
      std::vector<config::Scalar> items;
      for (const NamedSlot& named : store.slot_names) {
        items.emplace_back(std::int64_t{named.slot});
        items.emplace_back(named.name);
      }
      writer.at("slot_names").value("slot_names", config::list(std::move(items)));
    }
    if (store.erasing) writer.number("erasing", 1);
    if (!store.copies.empty()) writer.at("areas").value("areas", config::list(pairs_of(store.copies)));
    writer.finish();
  }

  void print_opaque(const Opaque& opaque) const {
    SectionWriter writer(printer_, segment_.carried, kOpaqueKeys);
    print_common(writer, opaque.type);
    if (names_pvs(opaque.body, opaque)) {
      Tree body = opaque.body;
      rename_pvs(body, opaque);
      print_body(body);
    } else {
      print_body(opaque.body);
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

  static const PvId* pv_called(const config::Scalar& item, const Opaque& opaque) {
    const auto* name = std::get_if<std::string>(&item);
    if (name == nullptr) return nullptr;
    const auto found = std::ranges::find(opaque.pv_names, *name, &std::pair<std::string, PvId>::first);
    return found == opaque.pv_names.end() ? nullptr : &found->second;
  }

  /// Whether a list has a string that is the name of a PV, in the text that was read or in the one we print.
  bool names_pvs(const Tree& tree, const Opaque& opaque) const {
    const auto is_pv = [&](const config::Scalar& item) {
      const auto* name = std::get_if<std::string>(&item);
      return name != nullptr && (pv_called(item, opaque) != nullptr || pvs_.find(*name) != nullptr);
    };
    if (may_name_pvs(tree.data()) && std::ranges::any_of(tree.data().items, is_pv)) return true;
    return std::ranges::any_of(tree, [&](const auto& below) { return names_pvs(below.second, opaque); });
  }

  /// PVs have other names than when the segment was read, where PVs left the group since.
  void rename_pvs(Tree& tree, const Opaque& opaque) const {
    if (may_name_pvs(tree.data())) {
      for (config::Scalar& item : tree.data().items) {
        if (const PvId* pv = pv_called(item, opaque))
          item = pvs_.name_of(*pv);
        else if (const auto* name = std::get_if<std::string>(&item))
          refuse_name_of_pv(*name);
      }
    }
    for (auto& [key, below] : tree) rename_pvs(below, opaque);
  }

  /// It would come to mean the PV.
  void refuse_name_of_pv(const std::string& volume) const {
    if (pvs_.find(volume) == nullptr) return;
    throw Error(Errc::refused, "volume {} has the name of a physical volume in the metadata",
                config::shown(volume))
        .advise("rename the volume");
  }

  Printer& printer_;
  const Segment& segment_;
  const PvNames& pvs_;
  Sectors extent_size_;
};

}  // namespace

void print_segment(Printer& printer, const Segment& segment, std::size_t number, const PvNames& pvs,
                   Sectors extent_size) {
  printer.open(fmt::format("segment{}", number));
  SegmentPrinter(printer, segment, pvs, extent_size).print();
  printer.close();
}

}  // namespace cv::metadata
