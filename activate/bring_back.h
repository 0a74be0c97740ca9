// A device that was suspended goes on, whatever it takes: with the table that waits in it, with the one that
// it had, or with one that answers every request with an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "activate/device_tree.h"
#include "activate/dm_table.h"
#include "activate/mapper.h"
#include "lib/base/error.h"

namespace cv::activate {

/// What a device that could not be resumed at once came to; the worst last.
enum class Comeback {
  as_wanted,     ///< resumed
  as_before,     ///< resumed with the table that it had
  with_errors,   ///< up with a table that answers every request with an error
  stands_still,  ///< suspended: whoever uses it waits
};

/// All that may be needed to bring a device back, made before it is suspended.
struct WayBack {
  std::string group;  ///< the VG's name, for people
  std::string name;
  std::string uuid;
  Operation resume;
  Operation clear;
  std::optional<Operation> load_former;  ///< absent where the table is not known, or holds a key
  Operation load_errors;                 ///< a table as long as the one it had
};

/// `former` is the live table, empty where it is not known. One that holds a key is not kept: the key must
/// not stay in memory for it.
WayBack way_back(const PlannedDevice& device, const Table& former, bool former_read_only);

/// What bring_back() does with a table that waits.
enum class Waiting { take, drop };

/// For a device whose resume failed. One that is not suspended is left alone, but for a table that waits and
/// is to be dropped. Asks and allocates as little as it can, logs nothing, and throws nothing that derives
/// from std::exception.
Comeback bring_back(Mapper& mapper, const WayBack& way, Waiting waiting);

/// Resumes a device that may have been suspended. Where that fails it is brought back, and the failure, or
/// comeback_error() where that is worse, is thrown.
void resume_or_bring_back(Mapper& mapper, const WayBack& way, Waiting waiting);

/// What a person must know of a device that came back with errors, or not at all, and can do about it. Not
/// for the others.
Error comeback_error(const WayBack& way, Comeback comeback, std::string_view cause);

}  // namespace cv::activate
