#include "tools/report/explanation.h"

#include <algorithm>
#include <cctype>

#include "activate/device_tree.h"
#include "lib/base/match.h"
#include "metadata/flags.h"
#include "tools/report/volume_words.h"
#include "tools/sizes.h"

namespace cv::tools::report {

namespace {

using metadata::Crypt;
using metadata::Keystore;
using metadata::LogicalVolume;
using metadata::Opaque;
using metadata::Segment;

/// Of names of volumes, but for the dot, which also ends a sentence.
bool goes_on(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '+' || c == '-';
}

class Explanation {
 public:
  Explanation(const LogicalVolume& lv, const GroupFacts& group)
      : lv_(lv), group_(group), below_(activate::volumes_below(group.vg(), lv.name)) {}

  std::vector<std::string> take(const std::vector<metadata::Damage>& findings) {
    say_what_it_is();
    if (const auto* store = metadata::keystore_of(lv_)) say_store(lv_.name, *store);
    for (const auto& name : stores_of(lv_)) {
      const auto* store = group_.find_lv(name);
      const auto* keys = store == nullptr ? nullptr : metadata::keystore_of(*store);
      if (keys != nullptr)
        say_store(name, *keys);
      else
        add("Its keystore {} is not there: nothing can open it.", full(name));
    }
    say_segments(lv_);
    for (const LogicalVolume* part : below_) say_segments(*part);
    say_flags();
    if (const auto drift = seen_of(lv_, group_).drift; drift && !drift->empty())
      add("Its devices are not as the metadata says ({}): cvchange --refresh {} mends them.",
          fmt::join(*drift, ", "), full(lv_.name));
    say_findings(findings);
    say_next();
    return std::move(lines_);
  }

 private:
  template <class... Args>
  void add(fmt::format_string<Args...> text, Args&&... args) {
    lines_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
  std::string full(std::string_view lv) const { return fmt::format("{}/{}", group_.vg().name, lv); }
  std::string size_of(Extents count) const {
    return format_size(to_bytes(to_sectors(count, group_.vg().extent_size)));
  }
  const Opaque* opaque() const {
    for (const Segment& segment : lv_.segments)
      if (const auto* kind = std::get_if<Opaque>(&segment.kind)) return kind;
    return nullptr;
  }
  bool is_encrypted() const { return !stores_of(lv_).empty(); }

  std::string kind() const {
    if (metadata::keystore_of(lv_) != nullptr) return "a keystore";
    if (const auto* foreign = opaque()) return fmt::format("a volume of LVM2's type {}", foreign->type);
    if (is_encrypted()) return "an encrypted volume";
    return metadata::is_visible(lv_) ? "a plain volume" : "a hidden part of a volume";
  }

  std::string_view state() const {
    const LvSeen seen = seen_of(lv_, group_);
    switch (seen.live) {
      case Live::unknown: return "";
      case Live::inactive: return ", not active";
      case Live::active: return seen.open ? ", active and open" : ", active";
      case Live::suspended: return ", suspended";
    }
    return "";
  }

  void say_what_it_is() {
    Extents count;
    for (const Segment& segment : lv_.segments) count = count + segment.count;
    add("{} is {} of {} ({} extent{}){}.", full(lv_.name), kind(), size_of(count), count.n,
        count.n == 1 ? "" : "s", state());
    if (const auto* owner = group_.index().owner_of(lv_.name))
      add("{} is made of it, and changes it where needed.", full(owner->name));
    if (opaque() != nullptr)
      add("Its type is left to LVM2: cvm keeps all of it, renames it and removes it whole, and does not "
          "activate it.");
  }

  void say_store(const std::string& name, const Keystore& store) {
    std::string text = fmt::format("{} is {} by {} ({}", metadata::keystore_of(lv_) ? "Its key" : "The key",
                                   store.copies.empty() ? "made from a secret" : "kept under passphrases",
                                   store.handler, store.cipher);
    if (store.key_bits != 0) text += fmt::format(", {} bits", store.key_bits);
    text += ")";
    if (!metadata::keystore_of(lv_)) text += fmt::format(" in the keystore {}", full(name));
    if (!store.copies.empty()) {
      text += fmt::format(", {} cop{}", store.copies.size(), store.copies.size() == 1 ? "y" : "ies");
      if (store.generation) text += fmt::format(" of generation {}", *store.generation);
    }
    lines_.push_back(text + ".");
    if (const auto loaded = seen_of(lv_, group_).key_loaded)
      lines_.emplace_back(*loaded ? "It is at hand: nobody has to be asked."
                                  : "It is not at hand: it has to be unlocked.");
    if (store.erasing)
      add("{} is being erased. The next change of {} finishes that.", full(name), group_.vg().name);
    std::string others;
    for (const auto* user : group_.index().users_of(name))
      if (user != &lv_) others += (others.empty() ? "" : ", ") + full(user->name);
    if (!others.empty()) add("It {}opens {}.", metadata::keystore_of(lv_) ? "" : "also ", others);
    if (metadata::keystore_of(lv_) && store.iv_next)
      add("Its volumes have used the IVs below {}; what they get from now on counts from there.",
          store.iv_next->n);
  }

  void say_segments(const LogicalVolume& lv) {
    const bool itself = &lv == &lv_;
    for (const Segment& segment : lv.segments) {
      const auto where = segment_ranges(segment, group_);
      std::string text = itself ? "" : fmt::format("[{}] ", lv.name);
      if (segment.count.n == 0)
        text += "No extents";
      else
        text += fmt::format("{}xtents {} to {}", itself ? "E" : "e", segment.start.n,
                            segment.start.n + (segment.count.n - 1));
      match(
          segment.kind,
          [&](const metadata::Striped& kind) {
            text += kind.stripes.size() > 1 ? fmt::format(" lie in {} stripes of {}", kind.stripes.size(),
                                                          format_size(to_bytes(kind.stripe_size)))
                                            : " lie";
            text += " on " + where;
          },
          [&](const Crypt& kind) {
            text += fmt::format(" are encrypted in sectors of {} bytes with IVs from {} on, and lie on {}",
                                sector_bytes(kind.store), first_iv(segment, kind).n, where);
            if (kind.payload_offset && kind.payload_offset->n != 0)
              text += fmt::format(" behind {} sectors", kind.payload_offset->n);
          },
          [&](const Keystore& kind) {
            text += kind.copies.empty() ? ": it keeps no bytes" : ": its copies lie on " + where;
          },
          [&](const Opaque& kind) { text += fmt::format(": of type {}", kind.type); });
      lines_.push_back(text + ".");
    }
  }

  std::uint32_t sector_bytes(const std::string& store) const {
    const auto* lv = group_.find_lv(store);
    const auto* keys = lv == nullptr ? nullptr : metadata::keystore_of(*lv);
    return keys == nullptr ? 512 : keys->sector_bytes.value_or(512);
  }
  /// The form of the RFC counts from the start of the volume.
  Sectors first_iv(const Segment& segment, const Crypt& crypt) const {
    return crypt.iv_offset.value_or(to_sectors(segment.start, group_.vg().extent_size));
  }

  void say_flags() {
    if (metadata::is_visible(lv_) && !metadata::has_flag(lv_.flags, "WRITE")) add("It may only be read.");
    if (lv_attr(lv_, group_)[8] == 'p')
      add("A part of it lies on a physical volume that is missing: it can't be opened whole before that is "
          "back.");
    if (crypt_attr(lv_).find('o') != std::string::npos)
      add("A LUKS header from before its import may still stand in front of its data; who knows an old "
          "passphrase could open that.");
    if (crypt_attr(lv_).find('d') != std::string::npos)
      add("Discards are passed down: the disks show which parts are not in use.");
  }

  bool speaks_of(const std::string& sentence) const {
    const auto mentions = [&](const std::string& lv) {
      const std::string name = full(lv);
      for (auto at = sentence.find(name); at != std::string::npos; at = sentence.find(name, at + 1)) {
        const auto end = at + name.size();
        if (end == sentence.size() || !goes_on(sentence[end])) return true;
      }
      return false;
    };
    return mentions(lv_.name) || std::ranges::any_of(below_, mentions, &LogicalVolume::name) ||
           std::ranges::any_of(stores_of(lv_), mentions);
  }

  void say_findings(const std::vector<metadata::Damage>& findings) {
    std::size_t others = 0;
    for (const auto& damage : findings) {
      if (damage.severity == metadata::Severity::note) continue;
      if (speaks_of(damage.sentence))
        add("{}: {}. What to do: {}.", damage.id, damage.sentence, damage.advice);
      else
        ++others;
    }
    if (others > 0)
      add("{} more finding{} about its group: cvck {} shows {}.", others, others == 1 ? "" : "s",
          group_.vg().name, others == 1 ? "it" : "them");
  }

  void say_next() {
    if (metadata::keystore_of(lv_) != nullptr)
      return add("cvkey list {} shows who can open it.", full(lv_.name));
    if (!metadata::is_visible(lv_)) return;
    const bool is_up = seen_of(lv_, group_).live == Live::active;
    if (!activate::is_manageable(group_.vg(), lv_.name))
      return add("lvchange -a{} {} {} it.", is_up ? "n" : "y", full(lv_.name), is_up ? "closes" : "opens");
    add("cvchange -a{} {} {} it.", is_up ? "n" : "y", full(lv_.name), is_up ? "closes" : "opens");
  }

  const LogicalVolume& lv_;
  const GroupFacts& group_;
  std::vector<const LogicalVolume*> below_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> explain_volume(const LogicalVolume& lv, const GroupFacts& group,
                                        const std::vector<metadata::Damage>& findings) {
  return Explanation(lv, group).take(findings);
}

}  // namespace cv::tools::report
