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
  bool hidden = false;    ///< udev leaves it alone: no links, no scan
  std::string link;       ///< "VG/LV" below /dev; made here only where udev does not; empty: none
  bool reserved = false;  ///< has a link, but is nobody's to scan
  bool unscanned =
      false;  ///< new, with bytes that mean nothing: nobody is to look at them before they are wiped
  friend bool operator==(const Publication&, const Publication&) = default;
};

/// Makes a device with no table. Throws Errc::exists where the name, the uuid or the number is taken.
struct CreateDevice {
  std::string name;
  std::string uuid;
  std::optional<std::uint32_t> minor;  ///< which number it gets; absent: any
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
/// Makes the inactive table, where there is one, the live one. A device that is not suspended and has no
/// inactive table is only shown anew.
struct ResumeDevice {
  std::string uuid;
  Publication publication;
  std::optional<std::uint32_t> read_ahead;  ///< in sectors, set as well; absent: stays
};
/// Zeroes the beginning of a live device, up to `length` bytes of it, and returns when that is on the disk.
/// Node and link of the device are settled. Throws Errc::io.
struct WipeDevice {
  std::string uuid;
  Bytes length;
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
/// Takes away what still shows a device that has gone: its node and its link. No effect where there is such a
/// device.
struct HideDevice {
  std::string name;
  Publication publication;
};
using Operation = std::variant<CreateDevice, LoadTable, ClearInactive, SuspendDevice, ResumeDevice,
                               WipeDevice, RemoveDevice, RenameDevice, HideDevice>;

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
  /// Whether the node and the link of a device are as they should be: there, and of that number; or, without
  /// a number, not there.
  virtual bool is_shown(const std::string& name, std::optional<DeviceNumber> number,
                        const Publication& publication) = 0;
  /// In sectors; nothing where the kernel does not say.
  virtual std::optional<std::uint32_t> read_ahead(DeviceNumber number) = 0;
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
