#include "lib/crypt/luks2_json.h"

#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

namespace cv::crypt {

namespace {

using nlohmann::json;

const json* member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::string> text_in(const json& object, const char* key) {
  const json* value = member(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

/// LUKS2 writes 64-bit numbers as strings, since JSON readers may take numbers for doubles.
std::optional<std::uint64_t> number_in(const json& object, const char* key) {
  const auto text = text_in(object, key);
  if (!text) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

/// Nothing where the key is there but is no list of strings; an absent one is an empty list.
std::optional<std::vector<std::string>> texts_in(const json& object, const char* key) {
  std::vector<std::string> texts;
  const json* list = member(object, key);
  if (list == nullptr) return texts;
  if (!list->is_array()) return std::nullopt;
  for (const json& item : *list) {
    if (!item.is_string()) return std::nullopt;
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::optional<Luks2Segment> segment_in(const json& object) {
  Luks2Segment segment;
  const auto type = text_in(object, "type");
  const auto offset = number_in(object, "offset");
  const auto size = text_in(object, "size");
  const auto flags = texts_in(object, "flags");
  if (!type || !offset || !size || !flags) return std::nullopt;
  segment.type = *type;
  segment.offset = *offset;
  segment.flags = *flags;
  if (*size != "dynamic") {
    segment.size = number_in(object, "size");
    if (!segment.size) return std::nullopt;
  }
  if (segment.type != "crypt") return segment;
  const auto tweak = number_in(object, "iv_tweak");
  const auto encryption = text_in(object, "encryption");
  const json* sector_size = member(object, "sector_size");
  if (!tweak || !encryption || sector_size == nullptr || !sector_size->is_number_unsigned()) {
    return std::nullopt;
  }
  segment.iv_tweak = *tweak;
  segment.encryption = *encryption;
  const auto bytes = sector_size->get<std::uint64_t>();
  if (bytes > UINT32_MAX) return std::nullopt;
  segment.sector_size = static_cast<std::uint32_t>(bytes);
  segment.integrity = member(object, "integrity") != nullptr;
  return segment;
}

std::optional<std::vector<Luks2Segment>> segments_in(const json& document) {
  const json* segments = member(document, "segments");
  if (segments == nullptr || !segments->is_object()) return std::nullopt;
  // As text "10" comes before "2".
  std::map<std::uint64_t, Luks2Segment> by_number;
  for (const auto& [key, value] : segments->items()) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), number);
    const auto segment = segment_in(value);
    if (error != std::errc() || stop != key.data() + key.size() || !segment) return std::nullopt;
    by_number[number] = *segment;
  }
  std::vector<Luks2Segment> in_order;
  for (auto& [number, segment] : by_number) in_order.push_back(std::move(segment));
  return in_order;
}

constexpr const char* kSlotNameType = "cvm-slot-name";

}  // namespace

std::string slot_name_json(const SlotName& name) {
  const json token = {
      {"type", kSlotNameType}, {"keyslots", json::array({std::to_string(name.slot)})}, {"name", name.name}};
  return token.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<SlotName> parse_slot_name(std::string_view token) {
  const json document = json::parse(token, nullptr, false);
  const auto slots = texts_in(document, "keyslots");
  const auto name = text_in(document, "name");
  if (text_in(document, "type") != kSlotNameType || !slots || slots->size() != 1 || !name)
    return std::nullopt;
  const std::string& slot = slots->front();
  SlotName found{.slot = 0, .name = *name};
  const auto [stop, error] = std::from_chars(slot.data(), slot.data() + slot.size(), found.slot);
  if (error != std::errc() || stop != slot.data() + slot.size()) return std::nullopt;
  return found;
}

std::optional<Luks2Json> parse_luks2_json(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  const json* config = member(document, "config");
  if (config == nullptr) return std::nullopt;
  const auto json_size = number_in(*config, "json_size");
  const auto keyslots_size = number_in(*config, "keyslots_size");
  const auto flags = texts_in(*config, "flags");
  const json* requirements = member(*config, "requirements");
  const auto mandatory =
      requirements == nullptr ? std::vector<std::string>() : texts_in(*requirements, "mandatory");
  auto segments = segments_in(document);
  if (!json_size || !keyslots_size || !flags || !mandatory || !segments) return std::nullopt;

  Luks2Json result;
  result.json_size = *json_size;
  result.keyslots_size = *keyslots_size;
  result.flags = *flags;
  result.requirements = *mandatory;
  result.segments = std::move(*segments);
  if (const json* keyslots = member(document, "keyslots"); keyslots != nullptr && keyslots->is_object()) {
    for (const json& keyslot : *keyslots)
      result.keyslot_types.push_back(text_in(keyslot, "type").value_or(""));
  }
  if (const json* digests = member(document, "digests"); digests != nullptr && digests->is_object()) {
    if (!digests->empty()) {
      result.digest_hash = text_in(*digests->begin(), "hash").value_or("");
      result.digest = text_in(*digests->begin(), "digest").value_or("");
    }
  }
  return result;
}

}  // namespace cv::crypt
