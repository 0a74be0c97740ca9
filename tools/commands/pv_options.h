// The options that say how a new physical volume is laid out, of pvcreate, vgcreate and vgextend.
#pragma once

#include <string>
#include <vector>

#include "metadata/store.h"
#include "tools/session.h"

namespace cv::tools::commands {

inline constexpr Option kMetadataIgnore{0, "metadataignore", "y|n",
                                        "y: keep no metadata in its areas for now", "y|n"};

OptionGroup pv_layout_options();

/// What they say, without an id. Throws Errc::bad_size and Errc::usage.
metadata::NewPv new_pv(const Arguments& arguments);

/// How the store calls a device that is to become a PV. Throws Errc::not_found where the store may not use
/// it.
std::string new_pv_path(Session& session, const std::string& named);

/// Asks for each device that holds something else whether it may be wiped. Throws Errc::refused for a no;
/// nothing is written.
void confirm_wiping(Session& session, const std::vector<std::string>& paths);

}  // namespace cv::tools::commands
