// Opening and closing volumes, for cvchange and vgchange.
#pragma once

#include "tools/session.h"

namespace cv::tools::commands {

inline constexpr Option kRefresh{
    0, "refresh", "", "give open volumes the devices that the metadata says they have", "", true};
inline constexpr Option kForgetKeys{
    0, "forget-keys", "", "take the keys of their keystores out of the kernel's keyring", "", true};
inline constexpr Option kRetry{
    0, "retry", "", "closing: give those who hold a volume ten seconds to let it go", "", true};

/// What --activate says, with all that the operands mean: groups, volumes, tags, or everything.
void change_state(Session& session, const Arguments& arguments);

}  // namespace cv::tools::commands
