// The options that describe a volume group, of vgcreate, vgchange and vgsplit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "metadata/edit_group.h"
#include "tools/session.h"

namespace cv::tools::commands {

inline constexpr Option kExtentSize{'s', "physicalextentsize", "SIZE", "size of an extent; 4m if not given"};
inline constexpr Option kMaxPvs{'p', "maxphysicalvolumes", "N",
                                "most physical volumes it may have; 0: any number"};
inline constexpr Option kVgCopies{0, "vgmetadatacopies", "N|all|unmanaged",
                                  "how many metadata areas are kept in use"};
inline constexpr Option kMetadataCopies{0, "metadatacopies", "N|all|unmanaged",
                                        "how many metadata areas are kept in use"};
inline constexpr Option kAutoActivation{0, "setautoactivation", "y|n",
                                        "whether its volumes are opened at boot", "y|n"};
inline constexpr Option kSystemId{0, "systemid", "ID", "the host that it belongs to; empty: none"};

/// LVM2's rule: a power of two from 1 KiB on, or a multiple of 128 KiB. Throws Errc::bad_size.
std::optional<Sectors> extent_size(const Arguments& arguments);
std::optional<metadata::Allocation> policy(const Arguments& arguments);
/// Of --vgmetadatacopies or --metadatacopies. Throws Errc::usage.
std::optional<std::uint32_t> metadata_copies(const Arguments& arguments, const Option& option);
std::optional<std::uint32_t> limit(const Arguments& arguments, const Option& option);

/// The group's folder will be there; LVM2 refuses such names too. Throws Errc::exists.
void require_no_such_device(Session& session, const std::string& group);

/// All volumes of the group, hidden ones too.
std::vector<std::string> names_of(const metadata::VolumeGroup& vg);

/// Throws Errc::in_use where one of these volumes of the group has a device.
void require_inactive(Session& session, const metadata::VolumeGroup& vg, const std::vector<std::string>& lvs);
void require_inactive(Session& session, const metadata::VolumeGroup& vg);

/// "VG" or every group: the names that the operands mean. `all` (-a) needs none and takes every group.
std::vector<std::string> named_groups(Session& session, const Arguments& arguments, bool all);

}  // namespace cv::tools::commands
