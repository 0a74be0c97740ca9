// Device-mapper tables as values, and as the text the kernel takes and gives back.
//
// Few kinds, many operations: a variant. A table can hold a master key; the text of such a table exists only
// in SecureBytes, and whatever is shown to a person goes through masked_text().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "activate/device_number.h"
#include "lib/base/units.h"
#include "lib/crypt/secret.h"

namespace cv::activate {

/// A device of ours further down in the tree, known by its uuid until it exists.
struct DeviceBelow {
  std::string uuid;
  std::string name;
  friend bool operator==(const DeviceBelow&, const DeviceBelow&) = default;
};
using Device = std::variant<DeviceNumber, DeviceBelow>;

/// The key itself. Shared, since one key stands in many targets of many tables, and each copy would be one
/// more place in memory that holds it.
struct HexKey {
  std::shared_ptr<const crypt::SecureBytes> key;
  friend bool operator==(const HexKey& a, const HexKey& b);
};

/// A logon key in the kernel's keyring, by name: ":64:logon:cv:...".
struct KeyringKey {
  std::uint32_t size = 0;  ///< in bytes
  std::string description;
  friend bool operator==(const KeyringKey&, const KeyringKey&) = default;
};
using TableKey = std::variant<HexKey, KeyringKey>;

struct LinearTarget {
  Device device;
  Sectors offset;
  friend bool operator==(const LinearTarget&, const LinearTarget&) = default;
};

struct StripedTarget {
  Sectors chunk;
  std::vector<LinearTarget> stripes;
  friend bool operator==(const StripedTarget&, const StripedTarget&) = default;
};

struct CryptTarget {
  std::string cipher;
  TableKey key;
  Sectors iv_offset;
  Device device;
  Sectors offset;
  bool allow_discards = false;
  bool inline_workqueues = false;  ///< no_read_workqueue and no_write_workqueue
  std::uint32_t sector_bytes = 512;
  friend bool operator==(const CryptTarget&, const CryptTarget&) = default;
};

struct ErrorTarget {
  friend bool operator==(const ErrorTarget&, const ErrorTarget&) = default;
};

struct ZeroTarget {
  friend bool operator==(const ZeroTarget&, const ZeroTarget&) = default;
};

using Target = std::variant<LinearTarget, StripedTarget, CryptTarget, ErrorTarget, ZeroTarget>;

struct TableLine {
  Sectors start;
  Sectors length;
  Target target;
  friend bool operator==(const TableLine&, const TableLine&) = default;
};

/// Ascending, without gap.
using Table = std::vector<TableLine>;

/// Each device that the table leads to, in turn; it may be replaced.
void for_each_device(Table& table, const std::function<void(Device&)>& visit);

Sectors length_of(const Table& table);
bool has_crypt(const Table& table);
/// Whether every request gets an error.
bool answers_with_errors(const Table& table);
/// Whether the kernel must be told that the table's text is secret.
bool holds_key_bytes(const Table& table);

/// The same but for the way the keys are named: a key in hex may be the one in the keyring.
bool same_mapping(const Table& a, const Table& b);
/// Whether `longer` maps every sector of `table` where `table` maps it.
bool continues(const Table& table, const Table& longer);

/// "linear", "striped", ...
std::string_view target_type(const Target& target);
/// What stands behind the type in a table, with a NUL at the end. Every device must have its number.
crypt::SecureBytes target_params(const Target& target);
/// "0 8192 linear 7:0 2048". Key bytes are shown as zeros, as dmsetup shows them; a device below that has no
/// number yet is shown by its name.
std::string masked_text(const TableLine& line);

/// Nothing for a type or an option we never write.
std::optional<Target> parse_target(std::string_view type, std::string_view params);

}  // namespace cv::activate
