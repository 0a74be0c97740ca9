// The parts of a LUKS2 header's JSON that decide whether its volume can be taken over.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cv::crypt {

struct Luks2Segment {
  std::string type;  ///< "crypt", "linear", "hw-opal-crypt", ...
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> size;  ///< bytes; absent: dynamic
  std::uint64_t iv_tweak = 0;
  std::string encryption;
  std::uint32_t sector_size = 512;
  bool integrity = false;
  std::vector<std::string> flags;
};

struct Luks2Json {
  std::uint64_t json_size = 0;
  std::uint64_t keyslots_size = 0;
  std::vector<Luks2Segment> segments;  ///< in the order of their numbers
  std::vector<std::string> flags;
  std::vector<std::string> requirements;
  std::vector<std::string> keyslot_types;
  std::string digest_hash;  ///< of the first digest
  std::string digest;       ///< the first one itself, in base64
};

/// What a person called a key slot, as kept in a token of the header: {"type":"cvm-slot-name",
/// "keyslots":["1"],"name":"NAME"}. Other programs keep tokens of types that they don't know.
struct SlotName {
  int slot = 0;
  std::string name;
};
std::string slot_name_json(const SlotName& name);
/// Nothing for other tokens, and for the name of a slot that is gone.
std::optional<SlotName> parse_slot_name(std::string_view token);

/// Nothing where the text is no JSON or lacks what every LUKS2 header has.
std::optional<Luks2Json> parse_luks2_json(std::string_view text);

}  // namespace cv::crypt
