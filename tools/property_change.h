// cvchange without -a: tags, permission and policy of volumes.
#pragma once

#include "tools/session.h"

namespace cv::tools {

inline constexpr Option kPermission{'p', "permission", "r|rw",
                                    "whether it may be written to; takes effect at once", "r|rw"};
inline constexpr Option kActivationSkip{'k', "setactivationskip", "y|n",
                                        "y: it stays closed where a whole group is opened", "y|n"};
inline constexpr Option kDiscards{
    0, "discards", "y|n",
    "of encrypted volumes: y passes discards down, so that the disk shows which "
    "blocks are free; takes effect at once",
    "y|n"};
inline constexpr Option kWorkqueues{
    0, "workqueues", "inline|default",
    "of encrypted volumes: inline encrypts where the request comes from, which "
    "suits fast disks; takes effect at once",
    "inline|default"};
inline constexpr Option kAutoActivation{0, "setautoactivation", "y|n",
                                        "n: it stays closed where -aay is said at boot", "y|n"};

/// Whether the command line asks for any of these.
bool wants_new_properties(const Arguments& arguments);

/// Gives all volumes that the operands name the properties that the options say, in one commit for each
/// group. The device of an active volume gets its new permission.
void change_properties_of(Session& session, const Arguments& arguments);

}  // namespace cv::tools
