#include "activate/dm_table.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "lib/base/error.h"
#include "lib/base/match.h"

namespace cv::activate {

namespace {

using crypt::SecureBytes;

std::string text_of_device(const Device& device) {
  return match(
      device, [](const DeviceNumber& number) { return to_text(number); },
      [](const DeviceBelow& below) { return below.name; });
}

/// What stands before and behind a key. The key itself is never in a std::string.
struct ParamsAroundKey {
  std::string before;
  const SecureBytes* key_bytes = nullptr;
  std::string after;
};

ParamsAroundKey around_key(const CryptTarget& target) {
  ParamsAroundKey parts;
  parts.before = target.cipher + " ";
  match(
      target.key,
      [&](const HexKey& hex) {
        CV_ASSERT(hex.key != nullptr);
        if (hex.key->empty()) parts.before += '-';
        parts.key_bytes = hex.key.get();
      },
      [&](const KeyringKey& key) { parts.before += fmt::format(":{}:logon:{}", key.size, key.description); });
  // In the order in which the kernel shows them.
  std::vector<std::string> options;
  if (target.allow_discards) options.emplace_back("allow_discards");
  if (target.inline_workqueues) {
    options.emplace_back("no_read_workqueue");
    options.emplace_back("no_write_workqueue");
  }
  if (target.sector_bytes != 512) options.push_back(fmt::format("sector_size:{}", target.sector_bytes));
  parts.after = fmt::format(" {} {} {}", target.iv_offset.n, text_of_device(target.device), target.offset.n);
  if (!options.empty()) parts.after += fmt::format(" {} {}", options.size(), fmt::join(options, " "));
  return parts;
}

ParamsAroundKey params_of(const Target& target) {
  return match(
      target,
      [](const LinearTarget& linear) {
        return ParamsAroundKey{
            fmt::format("{} {}", text_of_device(linear.device), linear.offset.n), nullptr, {}};
      },
      [](const StripedTarget& striped) {
        std::string text = fmt::format("{} {}", striped.stripes.size(), striped.chunk.n);
        for (const auto& stripe : striped.stripes)
          text += fmt::format(" {} {}", text_of_device(stripe.device), stripe.offset.n);
        return ParamsAroundKey{std::move(text), nullptr, {}};
      },
      [](const CryptTarget& crypt) { return around_key(crypt); },
      [](const ErrorTarget&) { return ParamsAroundKey{}; },
      [](const ZeroTarget&) { return ParamsAroundKey{}; });
}

bool all_numbered(const Target& target) {
  const auto numbered = [](const Device& device) { return std::holds_alternative<DeviceNumber>(device); };
  return match(
      target, [&](const LinearTarget& linear) { return numbered(linear.device); },
      [&](const StripedTarget& striped) {
        return std::ranges::all_of(striped.stripes, numbered, &LinearTarget::device);
      },
      [&](const CryptTarget& crypt) { return numbered(crypt.device); },
      [](const ErrorTarget&) { return true; }, [](const ZeroTarget&) { return true; });
}

/// Cuts a text at blanks, word by word.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::string_view next() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    const auto word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return word;
  }

  std::optional<std::uint64_t> next_number() {
    const auto word = next();
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (failure != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return value;
  }

  std::optional<LinearTarget> next_area() {
    const auto device = parse_device_number(next());
    const auto offset = next_number();
    if (!device || !offset) return std::nullopt;
    return LinearTarget{*device, Sectors(*offset)};
  }

  bool at_end() const { return rest_.find_first_not_of(' ') == std::string_view::npos; }

 private:
  std::string_view rest_;
};

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<TableKey> parse_key(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text == "-") return HexKey{std::make_shared<const SecureBytes>()};
  if (text.front() == ':') {
    constexpr std::string_view kType = ":logon:";
    const auto type = text.find(kType, 1);
    if (type == std::string_view::npos) return std::nullopt;
    const auto size = Words(text.substr(1, type - 1)).next_number();
    if (!size || *size > UINT32_MAX) return std::nullopt;
    return KeyringKey{static_cast<std::uint32_t>(*size), std::string(text.substr(type + kType.size()))};
  }
  if (text.size() % 2 != 0) return std::nullopt;
  SecureBytes key(text.size() / 2);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    key.bytes()[i] = static_cast<std::byte>(*high << 4 | *low);
  }
  return HexKey{std::make_shared<const SecureBytes>(std::move(key))};
}

std::optional<Target> parse_striped(Words words) {
  const auto count = words.next_number();
  const auto chunk = words.next_number();
  if (!count || !chunk) return std::nullopt;
  StripedTarget striped{.chunk = Sectors(*chunk), .stripes = {}};
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto stripe = words.next_area();
    if (!stripe) return std::nullopt;
    striped.stripes.push_back(*stripe);
  }
  if (!words.at_end()) return std::nullopt;
  return striped;
}

/// False for an option we never write.
bool parse_crypt_options(Words words, CryptTarget& target) {
  if (words.at_end()) return true;
  const auto count = words.next_number();
  if (!count) return false;
  bool read_inline = false;
  bool write_inline = false;
  for (std::uint64_t i = 0; i < *count; ++i) {
    constexpr std::string_view kSectorSize = "sector_size:";
    const auto option = words.next();
    if (option == "allow_discards") {
      target.allow_discards = true;
    } else if (option == "no_read_workqueue") {
      read_inline = true;
    } else if (option == "no_write_workqueue") {
      write_inline = true;
    } else if (option.starts_with(kSectorSize)) {
      const auto bytes = Words(option.substr(kSectorSize.size())).next_number();
      if (!bytes || *bytes > UINT32_MAX) return false;
      target.sector_bytes = static_cast<std::uint32_t>(*bytes);
    } else {
      return false;
    }
  }
  target.inline_workqueues = read_inline && write_inline;
  return read_inline == write_inline && words.at_end();
}

std::optional<Target> parse_crypt(Words words) {
  CryptTarget target;
  target.cipher = words.next();
  auto key = parse_key(words.next());
  const auto iv_offset = words.next_number();
  const auto area = words.next_area();
  if (target.cipher.empty() || !key || !iv_offset || !area) return std::nullopt;
  target.key = std::move(*key);
  target.iv_offset = Sectors(*iv_offset);
  target.device = area->device;
  target.offset = area->offset;
  if (!parse_crypt_options(words, target)) return std::nullopt;
  return target;
}

Target without_key(const Target& target) {
  Target copy = target;
  if (auto* crypt = std::get_if<CryptTarget>(&copy)) crypt->key = KeyringKey{};
  return copy;
}

/// The target `by` sectors further in.
Target advanced(Target target, Sectors by) {
  match(
      target, [&](LinearTarget& linear) { linear.offset += by; },
      // Only whole stripes are ever compared.
      [](StripedTarget&) {},
      [&](CryptTarget& crypt) {
        crypt.offset += by;
        crypt.iv_offset += by;
      },
      [](ErrorTarget&) {}, [](ZeroTarget&) {});
  return target;
}

}  // namespace

bool operator==(const HexKey& a, const HexKey& b) {
  if (a.key == b.key) return true;
  return a.key && b.key && crypt::same_secret(a.key->bytes(), b.key->bytes());
}

void for_each_device(Table& table, const std::function<void(Device&)>& visit) {
  for (auto& line : table) {
    match(
        line.target, [&](LinearTarget& linear) { visit(linear.device); },
        [&](StripedTarget& striped) {
          for (auto& stripe : striped.stripes) visit(stripe.device);
        },
        [&](CryptTarget& crypt) { visit(crypt.device); }, [](ErrorTarget&) {}, [](ZeroTarget&) {});
  }
}

Sectors length_of(const Table& table) {
  return table.empty() ? Sectors() : table.back().start + table.back().length;
}

bool has_crypt(const Table& table) {
  return std::ranges::any_of(
      table, [](const TableLine& line) { return std::holds_alternative<CryptTarget>(line.target); });
}

bool answers_with_errors(const Table& table) {
  return std::ranges::all_of(
      table, [](const TableLine& line) { return std::holds_alternative<ErrorTarget>(line.target); });
}

bool holds_key_bytes(const Table& table) {
  return std::ranges::any_of(table, [](const TableLine& line) {
    const auto* crypt = std::get_if<CryptTarget>(&line.target);
    return crypt != nullptr && std::holds_alternative<HexKey>(crypt->key);
  });
}

bool same_mapping(const Table& a, const Table& b) {
  return std::ranges::equal(a, b, [](const TableLine& x, const TableLine& y) {
    return x.start == y.start && x.length == y.length && without_key(x.target) == without_key(y.target);
  });
}

bool continues(const Table& table, const Table& longer) {
  auto other = longer.begin();
  for (const auto& line : table) {
    while (other != longer.end() && other->start + other->length <= line.start) ++other;
    // A line of the old table may have become the beginning of one of the new, never more than one.
    if (other == longer.end() || other->start > line.start ||
        other->start + other->length < line.start + line.length)
      return false;
    if (std::holds_alternative<StripedTarget>(line.target) && other->start != line.start) return false;
    if (without_key(advanced(other->target, line.start - other->start)) != without_key(line.target))
      return false;
  }
  return true;
}

std::string_view target_type(const Target& target) {
  return match(
      target, [](const LinearTarget&) { return std::string_view("linear"); },
      [](const StripedTarget&) { return std::string_view("striped"); },
      [](const CryptTarget&) { return std::string_view("crypt"); },
      [](const ErrorTarget&) { return std::string_view("error"); },
      [](const ZeroTarget&) { return std::string_view("zero"); });
}

SecureBytes target_params(const Target& target) {
  CV_ASSERT(all_numbered(target));
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto parts = params_of(target);
  const std::size_t digits = parts.key_bytes == nullptr ? 0 : 2 * parts.key_bytes->size();
  SecureBytes text(parts.before.size() + digits + parts.after.size() + 1);
  char* at = std::ranges::copy(parts.before, text.data()).out;
  if (parts.key_bytes != nullptr) {
    for (const std::byte byte : parts.key_bytes->bytes()) {
      *at++ = kDigits[std::to_integer<unsigned>(byte) >> 4];
      *at++ = kDigits[std::to_integer<unsigned>(byte) & 15];
    }
  }
  at = std::ranges::copy(parts.after, at).out;
  *at = '\0';
  return text;
}

std::string masked_text(const TableLine& line) {
  const auto parts = params_of(line.target);
  auto text = fmt::format("{} {} {}", line.start.n, line.length.n, target_type(line.target));
  if (!parts.before.empty()) text += " " + parts.before;
  if (parts.key_bytes != nullptr) text.append(2 * parts.key_bytes->size(), '0');
  return text + parts.after;
}

std::optional<Target> parse_target(std::string_view type, std::string_view params) {
  Words words(params);
  if (type == "linear") {
    const auto area = words.next_area();
    if (!area || !words.at_end()) return std::nullopt;
    return *area;
  }
  if (type == "striped") return parse_striped(words);
  if (type == "crypt") return parse_crypt(words);
  if (type == "error") return ErrorTarget{};
  if (type == "zero") return ZeroTarget{};
  return std::nullopt;
}

}  // namespace cv::activate
