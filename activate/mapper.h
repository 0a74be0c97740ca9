// What carries device tables to whoever makes devices of them: the kernel, or a fake in tests.
//
// Every implementation passes the contract tests in tests/support/mapper_contract.h.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "activate/device_number.h"
#include "activate/dm_table.h"

namespace cv::activate {

struct DeviceInfo {
  std::string name;
  std::string uuid;
  DeviceNumber number;
  std::uint32_t open_count = 0;
  bool suspended = false;
  bool has_live_table = false;
  bool has_inactive_table = false;
  bool read_only = false;
  friend bool operator==(const DeviceInfo&, const DeviceInfo&) = default;
};

/// How a device is shown to the rest of the system when it comes and goes.
struct Publication {
  bool hidden = false;  ///< udev leaves it alone: no links, no scan
  std::string link;     ///< "VG/LV" below /dev; made here only where udev does not; empty: none
  friend bool operator==(const Publication&, const Publication&) = default;
};

/// Makes a device with no table. Throws Errc::exists where the name or uuid is taken.
struct CreateDevice {
  std::string name;
  std::string uuid;
};
/// Into the inactive slot, in place of what is there.
struct LoadTable {
  std::string uuid;
  Table table;
  bool read_only = false;
};
struct ClearInactive {
  std::string uuid;
};
struct SuspendDevice {
  std::string uuid;
};
/// Makes the inactive table, where there is one, the live one.
struct ResumeDevice {
  std::string uuid;
  Publication publication;
};
/// Throws Errc::in_use while somebody has it open.
struct RemoveDevice {
  std::string uuid;
  Publication publication;
};
/// Table, number and whoever has it open stay. Throws Errc::exists where the name is taken.
struct RenameDevice {
  std::string uuid;
  std::string name;    ///< the new one
  Publication former;  ///< as it was shown until now
  Publication publication;
};
using Operation = std::variant<CreateDevice, LoadTable, ClearInactive, SuspendDevice, ResumeDevice,
                               RemoveDevice, RenameDevice>;

struct TargetVersion {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t patch = 0;
  friend auto operator<=>(const TargetVersion&, const TargetVersion&) = default;
};

class Mapper {
 public:
  virtual ~Mapper() = default;

  virtual std::optional<DeviceInfo> find_uuid(const std::string& uuid) = 0;
  virtual std::optional<DeviceInfo> find_name(const std::string& name) = 0;
  /// Every device whose uuid begins with "LVM-".
  virtual std::vector<DeviceInfo> list() = 0;
  /// The live table; nothing where there is none, or where it holds what we never write.
  virtual std::optional<Table> live_table(const std::string& uuid) = 0;
  /// Throws Errc::not_found where a uuid is unknown, Errc::kernel where the kernel refuses.
  virtual void run(const Operation& operation) = 0;
  /// Returns when the nodes and links of everything run so far are there, or gone.
  virtual void settle() = 0;
  /// Nothing where the kernel has no such target.
  virtual std::optional<TargetVersion> target_version(const std::string& type) = 0;
};

/// For machines without device-mapper, and for --driverloaded n: nothing is active, and what would need the
/// driver is refused with Errc::unsupported.
std::unique_ptr<Mapper> absent_mapper();

}  // namespace cv::activate
